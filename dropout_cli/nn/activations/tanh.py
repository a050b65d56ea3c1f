"""The hyperbolic tangent: y = tanh x."""

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.activations.base import ACTIVATIONS, Activation
from dropout_cli.nn.initializers import Glorot
from dropout_cli.nn.layers.base import NoiseSource
from dropout_cli.nn.operations import GraphValue, OperationGraph


@ACTIVATIONS.register("tanh")
class Tanh(Activation):
    """y = tanh x."""

    initializer = Glorot()
    monotone = True

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return tanh x."""
        self._y = np.tanh(x, out=self._buffer("y", x.shape, x.dtype))
        return self._y

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return tanh x."""
        return graph.elementwise("tanh", x)

    def backward(self, dy: Array) -> Array:
        """Return dx = dy (1 - y^2)."""
        dx = np.multiply(self._y, self._y, out=self._buffer("dx", dy.shape, dy.dtype))
        np.subtract(1, dx, out=dx)
        dx *= dy
        return dx
