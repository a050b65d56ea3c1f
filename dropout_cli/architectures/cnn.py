"""Convolutional networks: convolutions and pooling in stages, then dense layers.

conv k:     convolution -> [normalization] -> [additive noise] -> [gamma, beta] -> activation
stage:      conv, conv, ... -> [pooling] -> [dropout]

If the activation never falls, it is computed after max pooling: the maximum of activations is the activation of the
maximum. Values and gradients are the same, with fewer numbers to compute.

Maps are (N, height, width, channels). Many papers have the channels second. Noise acts at the end of every stage and
after every dense hidden layer; a list of rates follows this order.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from annotated_types import MinLen

from dropout_cli.architectures.base import ARCHITECTURES, BuildContext
from dropout_cli.architectures.stages import CnnLayers, PoolSpec
from dropout_cli.architectures.units import UnitArchitecture
from dropout_cli.core.errors import InvalidField
from dropout_cli.core.types import Shape
from dropout_cli.nn.activations import ACTIVATIONS
from dropout_cli.nn.layers.additive_noise import AdditiveNoise
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.flatten import Flatten
from dropout_cli.nn.layers.network import Network
from dropout_cli.nn.layers.pooling import AveragePooling, GlobalAveragePooling, MaxPooling
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.variants import Variant

PRESETS: dict[str, tuple[str, ...]] = {
    "lenet5": ("conv 6 5x5", "pool 2", "conv 16 5x5 valid", "pool 2", "dense 120", "dense 84"),
    "keras_mnist": ("conv 32 3x3 valid", "conv 64 3x3 valid", "pool 2", "dense 128"),
}
"""LeCun et al. 1998, with max pooling; the network of Keras' `mnist_cnn` example."""


@ARCHITECTURES.register("cnn")
@dataclass(frozen=True, kw_only=True)
class Cnn(UnitArchitecture):
    """Convolutions and pooling, then dense layers."""

    accepts = frozenset({"maps", "either"})

    layers: Literal["lenet5", "keras_mnist"] | Annotated[tuple[str, ...], MinLen(1)] = (
        "conv 16 3x3",
        "conv 32 3x3",
        "pool 2",
        "dense 64",
    )
    """The layers in order, such as [conv 32 3x3, pool 2, dense 128], or the name of a known network."""

    def __post_init__(self) -> None:
        """Raise InvalidField for a list that cannot be read."""
        try:
            self._plan()
        except ValueError as error:
            raise InvalidField("layers", str(error)) from None

    def build(self, variant: Variant, context: BuildContext) -> Network:
        """Return the network."""
        plan = self._plan()
        layers: list[Layer] = []
        if self.input_noise:
            layers.append(AdditiveNoise("input/additive_noise", self.input_noise))
        location = self._location("input", "input", 0, 1, context.shape[-1], context, None)
        previous = variant.input(location)
        if previous is not None:
            layers.append(previous)
        layers += self._stages(plan, variant, context)
        layers.append(previous := Flatten("flatten"))
        widths = (self._features(context.shape), *(hidden.width for hidden in plan.hidden))
        hidden_units: list[Layer] = []
        for index, (fan_in, width) in enumerate(pairwise(widths)):
            path, number = f"hidden{index + 1}", len(plan.stages) + index
            location = self._location(path, "hidden", number, plan.places, fan_in, context, previous)
            linear = self._dense(path, fan_in, width, self.activation, context)
            previous = variant.unit(
                linear, self._between(path, width, context), self._activation(path, context), location
            )
            hidden_units.append(previous)
        location = self._location("output", "output", 0, 1, widths[-1], context, previous)
        logits = self._dense("output", widths[-1], context.outputs, "identity", context)
        return Network("network", [*layers, *hidden_units, variant.output(logits, location)], hidden_units)

    def _stages(self, plan: CnnLayers, variant: Variant, context: BuildContext) -> Iterator[Layer]:
        """Yield the layers of the stages: convolutions, pooling, noise."""
        channels, number = context.shape[-1], 0
        for index, stage in enumerate(plan.stages):
            late = ACTIVATIONS[self.activation].monotone and all(pool.kind == "max" for pool in stage.pooling)
            for place, conv in enumerate(stage.convolutions, start=1):
                number += 1
                path, window = f"conv{number}", (conv.stride, conv.padding)
                linear = self._convolution(path, channels, conv.filters, conv.kernel, context, *window)
                between = self._between(path, conv.filters, context)
                last = late and place == len(stage.convolutions)
                yield Sequential(path, [linear, *between, *([] if last else [self._activation(path, context)])])
                fan_in, channels = math.prod(conv.kernel) * channels, conv.filters
            yield from _pooling(path, stage.pooling)
            if late:
                yield self._activation(path, context)
            noise = variant.map(self._location(path, "map", index, plan.places, fan_in, context, None))
            if noise is not None:
                yield noise

    def check_variant(self, variant: Variant) -> None:
        """Raise InvalidField if the variant cannot act on feature maps."""
        self._suits(variant)
        variant.check_network(hidden=self._plan().places, activation=self.activation)

    def check_shape(self, shape: Shape) -> None:
        """Raise InvalidField if a kernel or a window does not fit into its map."""
        try:
            self._plan().shapes(shape)
        except ValueError as error:
            raise InvalidField("layers", str(error)) from None

    def count_weights(self, shape: Shape, outputs: int) -> int:
        """Return the number of weights, biases, and two values per normalized channel or unit."""
        widths = self._widths(shape, outputs)
        dense = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths))
        maps = sum(fan_in * filters + filters for fan_in, filters, _ in self._kernels(shape))
        normalized = sum(filters for _, filters, _ in self._kernels(shape)) + sum(widths[1:-1])
        return dense + maps + (2 * normalized if self.batch_norm else 0)

    def largest_weights(self, shape: Shape, outputs: int) -> int:
        """Return the most multiplications of one example in a layer."""
        dense = max(fan_in * fan_out for fan_in, fan_out in pairwise(self._widths(shape, outputs)))
        return max(dense, *(fan_in * filters * pixels for fan_in, filters, pixels in self._kernels(shape)))

    def count_activations(self, shape: Shape, outputs: int) -> int:
        """Return about eight arrays of the output of each layer, and the input twice."""
        maps = sum(math.prod(one) for _, one in self._plan().shapes(shape))
        return 2 * math.prod(shape) + 8 * (maps + sum(self._widths(shape, outputs)[1:]))

    def _plan(self) -> CnnLayers:
        return CnnLayers.from_texts(PRESETS[self.layers] if isinstance(self.layers, str) else self.layers)

    def _features(self, shape: Shape) -> int:
        """Return the number of outputs of the convolutional part."""
        return math.prod(self._plan().shapes(shape)[-1][1])

    def _widths(self, shape: Shape, outputs: int) -> tuple[int, ...]:
        return (self._features(shape), *(hidden.width for hidden in self._plan().hidden), outputs)

    def _kernels(self, shape: Shape) -> list[tuple[int, int, int]]:
        """Return fan-in, filters and output pixels of each convolution."""
        plan, channels, kernels = self._plan(), shape[-1], []
        sizes = dict(plan.shapes(shape))
        for number, conv in enumerate((one for stage in plan.stages for one in stage.convolutions), start=1):
            pixels = math.prod(sizes[f"conv{number}"][:2])
            kernels.append((math.prod(conv.kernel) * channels, conv.filters, pixels))
            channels = conv.filters
        return kernels


def _pooling(path: str, pooling: tuple[PoolSpec, ...]) -> Iterator[Layer]:
    for place, pool in enumerate(pooling):
        name = f"{path}/pool" + (str(place + 1) if place else "")
        if not pool.window:
            yield GlobalAveragePooling(name)
        else:
            yield (MaxPooling if pool.kind == "max" else AveragePooling)(name, pool.window, pool.stride)
