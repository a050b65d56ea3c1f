"""The identity: y = x."""

from dropout_cli.core.types import Array
from dropout_cli.nn.activations.base import ACTIVATIONS, Activation
from dropout_cli.nn.initializers import Glorot
from dropout_cli.nn.layers.base import NoiseSource
from dropout_cli.nn.operations import GraphValue, OperationGraph


@ACTIVATIONS.register("identity")
class Identity(Activation):
    """y = x."""

    initializer = Glorot()
    monotone = True

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return x itself."""
        return x

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return x itself."""
        return x

    def backward(self, dy: Array) -> Array:
        """Return dy itself."""
        return dy
