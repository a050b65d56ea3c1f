"""Random generators by name; no other module makes one.

A generator is a pure function of (seed, role, index), without a history. The draws of one part of a run therefore
never shift those of another part, a resumed epoch draws the same values as without interruption, and two runs that
differ only in their variant share the split, the order of batches and the initial weights.
"""

import copy
import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

import numpy as np

from dropout_cli.core.renamed import ReportsRenamed
from dropout_cli.core.types import Array, Shape

Generator = np.random.Generator


def stream(seed: int, role: str, index: int = 0) -> Generator:
    """Return the generator of a seed, role and index; equal arguments, equal generators.

    Args:
        seed: The seed of the run, or that of the stream (`streams` in a config).
        role: The purpose of the draws. Roles in use: `split`, `data`, `init:<path>`, `order`, `noise:<path>`,
            `augment`, `monte_carlo:<path>`, `thinned:<path>`, `inference:<path>`, `effects:<path>`,
            `ablation:<layer>`, `ensemble_subsets`, `calibration:bootstrap`, `shift:<kind>`, `strangers:<kind>`,
            `yardstick`, `export`, `bootstrap`, `statistics:<method>`, `sweep:<key>`.
        index: A number within the role: the pass over the data (`order`), the epoch (`noise`, `augment`), the pass
            (`monte_carlo`), the sampled network (`thinned`), the draw (`ablation`), the size of the subsets
            (`ensemble_subsets`), or the block of 256 examples (`shift`, `strangers`).
    """
    # SHA-256, since Python's hash() of a text differs between processes.
    digest = hashlib.sha256(f"{seed}/{index}/{role}".encode()).digest()
    return np.random.Generator(np.random.SFC64(int.from_bytes(digest, "little")))


class Noise(ReportsRenamed, Mapping[str, Generator]):
    """The generators of one epoch or one Monte Carlo pass, by layer path, made at first use.

    In training every example has its own draws. If draws are `shared`, all examples of all batches have the same draws:
    a layer draws one row, of the shape that `draw_shape` returns, and each batch starts with fresh generators.

    Attributes:
        training: True if layers also draw the other noise of the training; False for dropout noise only.
        shared: True if all examples have the same draws.
    """

    RENAMED: ClassVar[Mapping[str, str]] = {
        "shape": "draw_shape",
        "once": "draw_once",
        "drawn": "has_drawn",
        "sharing": "shared_paths",
    }
    shared_paths: set[str]
    """The paths of the layers that support shared draws, known once they have drawn."""

    def __init__(
        self, seed: int, index: int, role: str = "noise", *, training: bool = True, shared: bool = False
    ) -> None:
        """Make the generators of one epoch or pass.

        Args:
            seed: The seed of the run.
            index: The epoch or the pass.
            role: First word of the role of each stream: `noise`, `monte_carlo`, `thinned` or `effects`.
            training: True if layers also draw the other noise of the training; False for dropout noise only.
            shared: True if all examples have the same draws.
        """
        self._seed, self._index, self._role = seed, index, role
        self._made: dict[str, Generator] = {}
        self._kept: dict[str, tuple[Array, ...]] = {}
        self.training, self.shared = training, shared
        self.shared_paths = set()

    def draw_shape(self, path: str, shape: Shape) -> Shape:
        """Return the shape to draw: one row if draws are shared, else the whole batch.

        Args:
            path: The path of the layer.
            shape: The shape of the batch, (N, ...).
        """
        if not self.shared:
            return shape
        self.shared_paths.add(path)
        return (1, *shape[1:])

    def draw_once(self, path: str, draw: Callable[[Generator], tuple[Array, ...]]) -> tuple[Array, ...]:
        """Return the draws of the first batch for every batch of the pass.

        Args:
            path: The path of the layer.
            draw: Makes the arrays from the layer's generator; called once per pass.
        """
        self.shared_paths.add(path)
        if path not in self._kept:
            self._kept[path] = draw(self[path])
        return self._kept[path]

    def next_batch(self) -> "Noise":
        """Prepare for the next batch and return this object; shared draws start again."""
        if self.shared:
            self._made.clear()
        return self

    def replay(self) -> "Noise":
        """Return a copy whose generators draw what those of this object would draw next."""
        return copy.deepcopy(self)

    @property
    def has_drawn(self) -> bool:
        """True if any generator of this batch has been used."""
        return any(_state(used) != _state(self._fresh(path)) for path, used in self._made.items())

    def _fresh(self, path: str) -> Generator:
        return stream(self._seed, f"{self._role}:{path}", self._index)

    def __getitem__(self, path: str) -> Generator:
        """Return the generator of a layer; the same object at every call within a batch."""
        if path not in self._made:
            self._made[path] = self._fresh(path)
        return self._made[path]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the paths requested so far."""
        return iter(self._made)

    def __len__(self) -> int:
        """Return the number of paths requested so far."""
        return len(self._made)


def _state(generator: Generator) -> list[int]:
    words: list[int] = generator.bit_generator.state["state"]["state"].tolist()
    return words
