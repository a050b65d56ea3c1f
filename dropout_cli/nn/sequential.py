"""Layers one after another."""

from collections.abc import Sequence

from dropout_cli.arrays import Array
from dropout_cli.nn.container import Container
from dropout_cli.nn.layer import Layer, NoiseSource


class Sequential(Container):
    """The composition of its layers."""

    def __init__(self, path: str, layers: Sequence[Layer]) -> None:
        """`layers` in the order in which the forward pass takes them; at least one."""
        super().__init__(path, layers)
        # Below the lowest layer that learns, nobody needs a gradient.
        learns = (place for place, layer in enumerate(self.layers) if layer.parameters())
        self._lowest = next(learns, len(self.layers) - 1)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the last layer's output."""
        for layer in self.layers:
            x = layer.forward(x, train=train, noise=noise)
        return x

    def backward(self, dy: Array) -> Array:
        """Return the gradient of the first layer's input."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def gradients(self, dy: Array) -> None:
        """Overwrite all gradients; stops at the lowest layer that learns, and asks it for no dx."""
        for layer in reversed(self.layers[self._lowest + 1 :]):
            dy = layer.backward(dy)
        self.layers[self._lowest].gradients(dy)
