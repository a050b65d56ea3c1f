"""The residual block: what a branch adds to its own input (He et al. 2016, arXiv:1512.03385)."""

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.container import Container


class Residual(Container):
    """y = skip(x) + branch(x); without a layer in it, the skip is x itself."""

    def __init__(self, path: str, branch: Layer, skip: Layer | None = None) -> None:
        """`branch` and `skip` must give arrays of one shape."""
        super().__init__(path, [branch] if skip is None else [branch, skip])
        self.branch, self.skip = branch, skip

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return skip(x) + branch(x)."""
        added = self.branch.forward(x, train=train, noise=noise)
        kept = x if self.skip is None else self.skip.forward(x, train=train, noise=noise)
        return np.add(kept, added, out=self._buffer("y", added.shape, added.dtype))

    def backward(self, dy: Array) -> Array:
        """dx is the sum of what comes through the branch and through the skip."""
        through = self.branch.backward(dy)
        past = dy if self.skip is None else self.skip.backward(dy)
        return np.add(past, through, out=self._buffer("dx", through.shape, through.dtype))
