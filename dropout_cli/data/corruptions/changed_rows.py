"""Examples that are changed when they are read, block by block."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array, DType, Shape

DRAW_ROWS = 256
"""Examples whose random numbers come from one generator."""
BLOCK_BYTES = 16 << 20
"""Memory for a block of changed examples."""

ChangeRows: TypeAlias = Callable[[Array, Array], Array]
"""Changes raw examples (n, *shape); the second argument are their positions in the part, (n,) intp."""


class ChangedRows:
    """Array (N, *shape) that supports only indexing by rows; indexing returns changed copies."""

    def __init__(self, x: Array, change: ChangeRows, dtype: DType) -> None:
        """Take examples without reading them.

        Args:
            x: (N, *shape) examples, or an object that supports indexing by rows.
            change: The change, which keeps the shape.
            dtype: The dtype of the changed examples.
        """
        self._x, self._change = x, change
        self.shape: Shape = tuple(x.shape)
        self.ndim = len(self.shape)
        self.dtype = dtype

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, rows: Array | slice) -> Array:
        """Return changed rows."""
        positions = np.arange(len(self))[rows]
        return np.ascontiguousarray(self._change(np.asarray(self._x[rows]), positions), self.dtype)

    def read_all(self) -> Array:
        """Return all rows, changed block by block; the array is read-only."""
        found = np.empty(self.shape, self.dtype)
        step = max(1, BLOCK_BYTES // max(1, found.itemsize * int(np.prod(self.shape[1:]))))
        for start in range(0, len(self), step):
            found[start : start + step] = self[start : start + step]
        found.setflags(write=False)
        return found


def draw_rows(seed: int, role: str, positions: Array, shape: Shape, *, uniform: bool = False) -> Array:
    """Return the random numbers of examples, (n, *shape) float32; they depend on the positions alone.

    Args:
        seed: The seed of the run.
        role: The role of the stream; its index is the number of a block of DRAW_ROWS examples.
        positions: (n,) positions of the examples in their part.
        shape: Shape of the draws of one example.
        uniform: True for numbers from 0 to 1, False for a standard normal distribution.
    """
    blocks = positions // DRAW_ROWS
    found = np.empty((len(positions), *shape), np.float32)
    for block in np.unique(blocks).tolist():
        rng = stream(seed, role, block)
        draw = rng.random if uniform else rng.standard_normal
        drawn = draw((DRAW_ROWS, *shape), np.float32)
        inside = blocks == block
        found[inside] = drawn[positions[inside] % DRAW_ROWS]
    return found
