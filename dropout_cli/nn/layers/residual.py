"""The residual block, y = skip(x) + branch(x).

References:
    He, Zhang, Ren, Sun 2016, arXiv:1512.03385.
"""

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.container import Container
from dropout_cli.nn.operations import GraphValue, OperationGraph


class Residual(Container):
    """y = skip(x) + branch(x); without a skip layer, skip(x) = x."""

    def __init__(self, path: str, branch: Layer, skip: Layer | None = None) -> None:
        """Combine branch and skip.

        Args:
            path: The path of the block.
            branch: The layers whose output is added.
            skip: The layer of the shortcut, whose output has the shape of the branch's; None: the input itself.
        """
        super().__init__(path, [branch] if skip is None else [branch, skip])
        self.branch, self.skip = branch, skip

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return skip(x) + branch(x)."""
        branch = self.branch.forward(x, train=train, noise=noise)
        skip = x if self.skip is None else self.skip.forward(x, train=train, noise=noise)
        # In a buffer of its own: branch and skip may still need their outputs for the backward pass.
        return np.add(skip, branch, out=self._buffer("y", branch.shape, branch.dtype))

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return skip(x) + branch(x)."""
        branch = graph.apply(self.branch, x)
        return graph.elementwise("add", x if self.skip is None else graph.apply(self.skip, x), branch)

    def backward(self, dy: Array) -> Array:
        """Return dx, the sum of the gradients through branch and skip."""
        branch = self.branch.backward(dy)
        skip = dy if self.skip is None else self.skip.backward(dy)
        return np.add(skip, branch, out=self._buffer("dx", branch.shape, branch.dtype))
