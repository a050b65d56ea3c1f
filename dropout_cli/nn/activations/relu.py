"""The rectified linear unit: y = max(x, 0)."""

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.activations.base import ACTIVATIONS, Activation
from dropout_cli.nn.initializers import He
from dropout_cli.nn.layers.base import NoiseSource
from dropout_cli.nn.layers.fast_passes import BatchParallel, DeferredPass
from dropout_cli.nn.operations import GraphValue, OperationGraph


@ACTIVATIONS.register("relu")
class Relu(BatchParallel, Activation):
    """y = max(x, 0); the derivative at 0 is 0."""

    initializer = He()
    monotone = True
    releases_dx = True

    def plan_forward(self, x: Array, *, train: bool, noise: NoiseSource, may_overwrite: bool) -> DeferredPass:
        """Plan y = max(x, 0)."""
        y = self._y = self._result_buffer("y", x, may_overwrite)
        return DeferredPass(y, lambda _, rows: np.maximum(x[rows], 0, out=y[rows]))

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return max(x, 0)."""
        return graph.elementwise("relu", x)

    def plan_backward(self, dy: Array, *, may_overwrite: bool) -> DeferredPass:
        """Plan dx = dy where y > 0, else 0."""
        # y > 0 exactly where x > 0, so x need not be kept and may have been overwritten.
        y, dx = self._y, self._result_buffer("dx", dy, may_overwrite)
        positive = self._buffer("positive", dy.shape, np.dtype(bool))

        def gate(_: int, rows: slice) -> None:
            np.multiply(dy[rows], np.greater(y[rows], 0, out=positive[rows]), out=dx[rows])

        return DeferredPass(dx, gate)
