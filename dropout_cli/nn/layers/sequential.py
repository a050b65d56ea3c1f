"""Layers one after another."""

from collections.abc import Sequence

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.batch_parallel import (
    BatchParallel,
    PassOptimizations,
    PassQueue,
    fused_parameters,
    releases_dx,
    releases_output,
)
from dropout_cli.nn.layers.container import Container
from dropout_cli.nn.parameter import Parameter


class Sequential(Container, PassOptimizations):
    """The composition of its layers."""

    def __init__(self, path: str, layers: Sequence[Layer]) -> None:
        """`layers` in the order in which the forward pass takes them; at least one."""
        super().__init__(path, layers)
        self._flat = tuple(one for layer in self.layers for one in _flattened(layer))
        self._parallel = tuple(layer if isinstance(layer, BatchParallel) else None for layer in self._flat)
        self._forward_steps = tuple(zip(self._flat, self._parallel, map(releases_output, self._flat), strict=True))
        self._backward_steps = tuple(zip(self._flat, self._parallel, map(releases_dx, self._flat), strict=True))
        # Most layers have nothing to say to these, and a step of a small network takes a fifth of a millisecond.
        self._announced = tuple(layer for layer in self._flat if type(layer).set_step is not Layer.set_step)
        self._penalized = tuple(layer for layer in self._flat if type(layer).penalty is not Layer.penalty)
        # Below the lowest layer that learns, nobody needs a gradient.
        learns = (place for place, layer in enumerate(self._flat) if layer.parameters())
        self._lowest = next(learns, len(self._flat) - 1)

    def set_step(self, step: int) -> None:
        """Forward the step to the layers that override `set_step`."""
        for layer in self._announced:
            layer.set_step(step)

    def penalty(self) -> float:
        """The sum over all parts."""
        return sum(layer.penalty() for layer in self._penalized)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the last layer's output."""
        queue, may_overwrite = PassQueue(), False
        for layer, parallel, releases in self._forward_steps:
            if parallel is not None:
                one = parallel.plan_forward(x, train=train, noise=noise, may_overwrite=may_overwrite)
                may_overwrite = may_overwrite if one.work is None else releases
                x = queue.submit(one)
            else:
                x, may_overwrite = layer.forward(queue.flush(x), train=train, noise=noise), releases
        return queue.flush(x)

    def backward(self, dy: Array) -> Array:
        """Return the gradient of the first layer's input."""
        queue = PassQueue()
        return queue.flush(self._back_to(0, dy, queue))

    def gradients(self, dy: Array) -> None:
        """Overwrite all gradients; stops at the lowest layer that learns, and asks it for no dx."""
        queue, lowest, parallel = PassQueue(), self._flat[self._lowest], self._parallel[self._lowest]
        dy = self._back_to(self._lowest + 1, dy, queue)
        if parallel is not None:
            queue.submit(parallel.plan_gradients(dy))
            queue.flush(dy)
        else:
            lowest.gradients(queue.flush(dy))

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

    def fused_parameters(self) -> list[Parameter]:
        """Return those of all parts: each has its turn once in every step."""
        return [one for layer in self._flat for one in fused_parameters(layer)]

    def _back_to(self, place: int, dy: Array, queue: PassQueue) -> Array:
        """Return the gradient of the input of the layer at that place; passes may still wait in the queue."""
        may_overwrite = False
        for layer, parallel, releases in reversed(self._backward_steps[place:]):
            if parallel is not None:
                one = parallel.plan_backward(dy, may_overwrite=may_overwrite)
                may_overwrite = may_overwrite if one.work is None else releases
                dy = queue.submit(one)
            else:
                dy, may_overwrite = layer.backward(queue.flush(dy)), releases
        return dy


def _flattened(layer: Layer) -> tuple[Layer, ...]:
    """The layers that a composition of compositions is made of, which is the same."""
    if isinstance(layer, Sequential) and type(layer).forward is Sequential.forward:
        return layer._flat
    return (layer,)
