"""The logistic function: y = 1 / (1 + exp(-x))."""

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.activations.base import ACTIVATIONS, Activation
from dropout_cli.nn.initializers import Glorot
from dropout_cli.nn.layers.base import NoiseSource
from dropout_cli.nn.operations import GraphValue, OperationGraph


@ACTIVATIONS.register("sigmoid")
class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)), computed as (1 + tanh(x / 2)) / 2, which cannot overflow."""

    initializer = Glorot()
    monotone = True

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the logistic function of x."""
        y = np.multiply(x, 0.5, out=self._buffer("y", x.shape, x.dtype))
        np.tanh(y, out=y)
        y += 1
        y *= 0.5
        self._y = y
        return y

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return the logistic function of x."""
        return graph.elementwise("sigmoid", x)

    def backward(self, dy: Array) -> Array:
        """Return dx = dy y (1 - y)."""
        dx = np.subtract(1, self._y, out=self._buffer("dx", dy.shape, dy.dtype))
        dx *= self._y
        dx *= dy
        return dx
