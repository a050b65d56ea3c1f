"""Layers in sequence: the output of each is the input of the next."""

from collections.abc import Sequence

from dropout_cli.core.rng import Noise
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.container import Container
from dropout_cli.nn.layers.fast_passes import (
    BatchParallel,
    PassOptimizations,
    PassQueue,
    fused_parameters,
    releases_dx,
    releases_output,
)
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.nn.parameter import Parameter


class Sequential(Container, PassOptimizations):
    """The composition of its layers, in order."""

    def __init__(self, path: str, layers: Sequence[Layer]) -> None:
        """Chain the layers.

        Args:
            path: The path of the sequence.
            layers: At least one layer, in the order of the forward pass.
        """
        super().__init__(path, layers)
        # Nested sequences become one loop, so that the passes of their layers can be batched.
        self._flat = tuple(inner for layer in self.layers for inner in _flattened(layer))
        self._parallel = tuple(layer if isinstance(layer, BatchParallel) else None for layer in self._flat)
        self._forward_steps = tuple(zip(self._flat, self._parallel, map(releases_output, self._flat), strict=True))
        self._backward_steps = tuple(zip(self._flat, self._parallel, map(releases_dx, self._flat), strict=True))
        # Most layers do not override these. A step of a small network takes .2 ms, so that empty calls would count.
        self._scheduled = tuple(layer for layer in self._flat if type(layer).set_step is not Layer.set_step)
        self._penalized = tuple(layer for layer in self._flat if type(layer).penalty is not Layer.penalty)
        # The input of the lowest layer with parameters needs no gradient.
        learns = (index for index, layer in enumerate(self._flat) if layer.parameters())
        self._lowest = next(learns, len(self._flat) - 1)

    def set_step(self, step: int) -> None:
        """Forward the step to the layers that override `set_step`."""
        for layer in self._scheduled:
            layer.set_step(step)

    def penalty(self) -> float:
        """Return the sum of the penalties of the layers that have one."""
        return sum(layer.penalty() for layer in self._penalized)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the output of the last layer."""
        queue, may_overwrite = PassQueue(), False
        for layer, parallel, releases in self._forward_steps:
            if parallel is not None:
                planned = parallel.plan_forward(x, train=train, noise=noise, may_overwrite=may_overwrite)
                # Without work, the result is the input, whose owner decides whether it may be overwritten.
                may_overwrite = may_overwrite if planned.work is None else releases
                x = queue.submit(planned)
            else:
                x, may_overwrite = layer.forward(queue.flush(x), train=train, noise=noise), releases
        return queue.flush(x)

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return the output of the last layer."""
        for layer in self.layers:
            x = graph.apply(layer, x)
        return x

    def backward(self, dy: Array) -> Array:
        """Return the gradient of the first layer's input."""
        queue = PassQueue()
        return queue.flush(self._back_to(0, dy, queue))

    def gradients(self, dy: Array) -> None:
        """Overwrite all gradients; the pass stops at the lowest layer with parameters."""
        queue, lowest, parallel = PassQueue(), self._flat[self._lowest], self._parallel[self._lowest]
        dy = self._back_to(self._lowest + 1, dy, queue)
        if parallel is not None:
            queue.submit(parallel.plan_gradients(dy))
            queue.flush(dy)
        else:
            lowest.gradients(queue.flush(dy))

    def dense_output(self, y: Array) -> Array:
        """Return the dense output of the last layer."""
        return self.layers[-1].dense_output(y)

    def split_at_dropout(self) -> tuple["Sequential", "Sequential"] | None:
        """Return the layers below the last dropout layer and the rest, not as copies.

        If the dropout is inside a part that is not a sequence, such as a residual block, the whole part belongs to the
        second half.

        Returns:
            Two sequences, or None if there is no dropout layer or nothing below it.
        """
        indices = [index for index, layer in enumerate(self._flat) if layer.holds_dropout()]
        if not indices or not indices[-1]:
            return None
        return Sequential("features", self._flat[: indices[-1]]), Sequential("head", self._flat[indices[-1] :])

    def split_at_noise(self, x: Array, noise: Noise) -> tuple[tuple[Layer, ...], tuple[Layer, ...]]:
        """Return the layers before the first one that draws noise, and the others; not as copies.

        Args:
            x: A batch on which one pass is tried; one example is enough.
            noise: The generators of the tried pass, not used before.
        """
        for index, layer in enumerate(self._flat):
            x = layer.forward(x, noise=noise)
            if noise.has_drawn:
                return self._flat[:index], self._flat[index:]
        return self._flat, ()

    def fused_parameters(self) -> list[Parameter]:
        """Return the fused parameters of all layers."""
        return [parameter for layer in self._flat for parameter in fused_parameters(layer)]

    def _back_to(self, index: int, dy: Array, queue: PassQueue) -> Array:
        """Return the gradient of the input of a layer; passes may still be queued."""
        may_overwrite = False
        for layer, parallel, releases in reversed(self._backward_steps[index:]):
            if parallel is not None:
                planned = parallel.plan_backward(dy, may_overwrite=may_overwrite)
                may_overwrite = may_overwrite if planned.work is None else releases
                dy = queue.submit(planned)
            else:
                dy, may_overwrite = layer.backward(queue.flush(dy)), releases
        return dy


def _flattened(layer: Layer) -> tuple[Layer, ...]:
    """Return the layers of nested sequences in one tuple."""
    # A subclass with its own forward pass, such as SampledUnit, must stay one layer.
    if isinstance(layer, Sequential) and type(layer).forward is Sequential.forward:
        return layer._flat
    return (layer,)
