"""Layers one after another."""

from collections.abc import Sequence

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.container import Container
from dropout_cli.nn.layers.elementwise import Rowwise, Together
from dropout_cli.nn.parameter import Parameter


class Sequential(Container):
    """The composition of its layers."""

    def __init__(self, path: str, layers: Sequence[Layer]) -> None:
        """`layers` in the order in which the forward pass takes them; at least one."""
        super().__init__(path, layers)
        self._flat = tuple(one for layer in self.layers for one in _flattened(layer))
        self._steps = tuple((layer, layer if isinstance(layer, Rowwise) else None) for layer in self._flat)
        # Most layers have nothing to say to these, and a step of a small network takes a fifth of a millisecond.
        self._announced = tuple(layer for layer in self._flat if type(layer).at is not Layer.at)
        self._penalized = tuple(layer for layer in self._flat if type(layer).penalty is not Layer.penalty)
        # Below the lowest layer that learns, nobody needs a gradient.
        learns = (place for place, layer in enumerate(self._flat) if layer.parameters())
        self._lowest = next(learns, len(self._flat) - 1)

    def at(self, step: int) -> None:
        """Tell every part that has ears for it."""
        for layer in self._announced:
            layer.at(step)

    def penalty(self) -> float:
        """The sum over all parts."""
        return sum(layer.penalty() for layer in self._penalized)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the last layer's output."""
        together, lent = Together(), False
        for layer, rowwise in self._steps:
            if rowwise is not None:
                one = rowwise.through(x, train=train, noise=noise, lent=lent)
                lent = lent if one.work is None else layer.lends_y
                x = together.join(one)
            else:
                x, lent = layer.forward(together.done(x), train=train, noise=noise), layer.lends_y
        return together.done(x)

    def backward(self, dy: Array) -> Array:
        """Return the gradient of the first layer's input."""
        together = Together()
        return together.done(self._back_to(0, dy, together))

    def gradients(self, dy: Array) -> None:
        """Overwrite all gradients; stops at the lowest layer that learns, and asks it for no dx."""
        together, lowest = Together(), self._flat[self._lowest]
        dy = self._back_to(self._lowest + 1, dy, together)
        if isinstance(lowest, Rowwise):
            together.join(lowest.alone(dy))
            together.done(dy)
        else:
            lowest.gradients(together.done(dy))

    def dense_output(self, y: Array) -> Array:
        """Return what the last layer makes of its output."""
        return self.layers[-1].dense_output(y)

    def split_at_dropout(self) -> tuple["Sequential", "Sequential"] | None:
        """The layers below the last place of dropout, and those from it on, themselves and not copies.

        A place within a part that is no sequence, such as a residual block, takes the whole part along. None where
        there is no such place, or nothing below it.
        """
        places = [place for place, layer in enumerate(self._flat) if layer.holds_dropout()]
        if not places or not places[-1]:
            return None
        return Sequential("features", self._flat[: places[-1]]), Sequential("head", self._flat[places[-1] :])

    def carrying(self) -> list[Parameter]:
        """Those of all parts: each has its turn once in every step."""
        return [one for layer in self._flat for one in layer.carrying()]

    def _back_to(self, place: int, dy: Array, together: Together) -> Array:
        """The gradient of the input of the layer at that place, with what still waits left to `together`."""
        lent = False
        for layer, rowwise in reversed(self._steps[place:]):
            if rowwise is not None:
                one = rowwise.back(dy, lent=lent)
                lent = lent if one.work is None else layer.lends_dx
                dy = together.join(one)
            else:
                dy, lent = layer.backward(together.done(dy)), layer.lends_dx
        return dy


def _flattened(layer: Layer) -> tuple[Layer, ...]:
    """The layers that a composition of compositions is made of, which is the same."""
    if isinstance(layer, Sequential) and type(layer).forward is Sequential.forward:
        return layer._flat
    return (layer,)
