"""Layers one after another."""

from collections.abc import Iterator, Mapping, Sequence

from dropout_cli.arrays import Array
from dropout_cli.nn.layer import Layer, NoiseSource
from dropout_cli.nn.parameters import Parameter


class Sequential(Layer):
    """The composition of its layers; it owns no arrays, and the layers keep the names they have."""

    def __init__(self, path: str, layers: Sequence[Layer]) -> None:
        """`layers` in the order in which the forward pass takes them; at least one."""
        super().__init__(path)
        self.layers = tuple(layers)
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

    def at(self, step: int) -> None:
        """Tell every layer."""
        for layer in self.layers:
            layer.at(step)

    def parameters(self) -> dict[str, Parameter]:
        """Those of all layers, in order."""
        return {name: one for layer in self.layers for name, one in layer.parameters().items()}

    def state(self) -> dict[str, Array]:
        """That of all layers."""
        return {name: one for layer in self.layers for name, one in layer.state().items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Hand every layer the whole mapping; each takes its own names from it."""
        for layer in self.layers:
            layer.load_state(state)

    def penalty(self) -> float:
        """The sum over all layers."""
        return sum(layer.penalty() for layer in self.layers)

    def columns(self) -> dict[str, float]:
        """Those of all layers."""
        return {name: one for layer in self.layers for name, one in layer.columns().items()}

    def warnings(self) -> list[str]:
        """Those of all layers."""
        return [text for layer in self.layers for text in layer.warnings()]


def leaves(layer: Layer) -> Iterator[Layer]:
    """The layers of a network that are no sequences themselves, in order."""
    if isinstance(layer, Sequential):
        for part in layer.layers:
            yield from leaves(part)
    else:
        yield layer
