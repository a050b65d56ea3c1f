"""Flattening of images and feature maps to vectors."""

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import NoiseSource
from dropout_cli.nn.layers.fast_passes import BatchParallel, DeferredPass
from dropout_cli.nn.operations import GraphValue, OperationGraph


class Flatten(BatchParallel):
    """Reshapes (N, ...) to (N, D); vectors pass unchanged."""

    def plan_forward(self, x: Array, *, train: bool, noise: NoiseSource, may_overwrite: bool) -> DeferredPass:
        """Plan y: a view of x with shape (N, D)."""
        self._shape = x.shape
        return DeferredPass(x.reshape(len(x), -1), None)

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return x as a vector."""
        return x if len(x.shape) == 1 else graph.reshape("flatten", x)

    def plan_backward(self, dy: Array, *, may_overwrite: bool) -> DeferredPass:
        """Plan dx: a view of dy in the shape of x."""
        return DeferredPass(dy.reshape(self._shape), None)
