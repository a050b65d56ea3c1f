"""Layers one after another."""

from collections.abc import Sequence

from dropout_cli.arrays import Array
from dropout_cli.nn.container import Container
from dropout_cli.nn.elementwise import Elementwise, Work, done
from dropout_cli.nn.layer import Layer, NoiseSource
from dropout_cli.nn.parameters import Parameter


class Sequential(Container):
    """The composition of its layers."""

    def __init__(self, path: str, layers: Sequence[Layer]) -> None:
        """`layers` in the order in which the forward pass takes them; at least one."""
        super().__init__(path, layers)
        self._flat = tuple(one for layer in self.layers for one in _flattened(layer))
        # Below the lowest layer that learns, nobody needs a gradient.
        learns = (place for place, layer in enumerate(self._flat) if layer.parameters())
        self._lowest = next(learns, len(self._flat) - 1)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the last layer's output."""
        works: list[Work] = []
        lent = False
        for layer in self._flat:
            if isinstance(layer, Elementwise):
                x, work = layer.through(x, train=train, noise=noise, lent=lent)
                if work is not None:
                    works.append(work)
                    lent = layer.lends_y
            else:
                x = layer.forward(done(x, works), train=train, noise=noise)
                works, lent = [], layer.lends_y
        return done(x, works)

    def backward(self, dy: Array) -> Array:
        """Return the gradient of the first layer's input."""
        return self._back_to(0, dy)

    def gradients(self, dy: Array) -> None:
        """Overwrite all gradients; stops at the lowest layer that learns, and asks it for no dx."""
        self._flat[self._lowest].gradients(self._back_to(self._lowest + 1, dy))

    def carrying(self) -> list[Parameter]:
        """Those of all parts: each has its turn once in every step."""
        return [one for layer in self._flat for one in layer.carrying()]

    def _back_to(self, place: int, dy: Array) -> Array:
        """The gradient of the input of the layer at that place."""
        works: list[Work] = []
        lent = False
        for layer in reversed(self._flat[place:]):
            if isinstance(layer, Elementwise):
                dy, work = layer.back(dy, lent=lent)
                if work is not None:
                    works.append(work)
                    lent = layer.lends_dx
            else:
                dy = layer.backward(done(dy, works))
                works, lent = [], layer.lends_dx
        return done(dy, works)


def _flattened(layer: Layer) -> tuple[Layer, ...]:
    """The layers that a composition of compositions is made of, which is the same."""
    if isinstance(layer, Sequential) and type(layer).forward is Sequential.forward:
        return layer._flat
    return (layer,)
