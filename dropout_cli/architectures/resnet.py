"""Residual networks for small images: each block adds two convolutions to its input.

    stem:       conv 3x3 -> unit
    block l:    y = activation(skip(x) + conv 3x3 -> unit -> conv 3x3 -> [normalization])
    end:        mean of each map -> logits

He, Zhang, Ren, Sun 2016, arXiv:1512.03385, section 4.2: depth 6 n + 2 is three groups of n blocks with 16, 32 and 64
channels; the second and the third group start with half the map size. If a group changes the shape, the skip is a 1x1
convolution. Noise on maps acts at the end of every group, stochastic depth in every block.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from dropout_cli.architectures.base import ARCHITECTURES, BuildContext
from dropout_cli.architectures.units import UnitArchitecture
from dropout_cli.core.errors import InvalidField
from dropout_cli.core.field_types import Count, Widths
from dropout_cli.core.text import counted
from dropout_cli.core.types import Shape
from dropout_cli.nn.layers.additive_noise import AdditiveNoise
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.convolution import conv_geometry
from dropout_cli.nn.layers.network import Network
from dropout_cli.nn.layers.pooling import GlobalAveragePooling
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.variants import Variant


@ARCHITECTURES.register("resnet")
@dataclass(frozen=True, kw_only=True)
class Resnet(UnitArchitecture):
    """Residual blocks in groups."""

    accepts = frozenset({"maps", "either", "blocks"})

    depth: Count = 20
    """The number of layers with weights: 2 per block, plus 2. With three groups: 8, 14, 20, 26, 32, ..."""
    widths: Widths = (16, 32, 64)
    """The channels of each group. Every group after the first halves the size of the feature maps."""
    batch_norm: bool = True
    """Batch normalization after each convolution."""

    def __post_init__(self) -> None:
        """Raise InvalidField if the depth cannot be divided equally among the groups."""
        step = 2 * len(self.widths)
        if self.depth <= 2 or (self.depth - 2) % step:
            near = max(1, round((self.depth - 2) / step)) * step + 2
            fact = f"must be {step} n + 2 for {counted(len(self.widths), 'group')}, such as {near}; got {self.depth}"
            raise InvalidField("depth", fact)

    def build(self, variant: Variant, context: BuildContext) -> Network:
        """Return the network."""
        layers: list[Layer] = []
        if self.input_noise:
            layers.append(AdditiveNoise("input/additive_noise", self.input_noise))
        channels = context.shape[-1]
        noise = variant.input(self._location("input", "input", 0, 1, channels, context, None))
        if noise is not None:
            layers.append(noise)
        layers.append(Sequential("stem", self._unit("stem", channels, self.widths[0], 1, context)))
        layers += self._groups(variant, context)
        layers.append(GlobalAveragePooling("pool"))
        logits = self._dense("output", self.widths[-1], context.outputs, "identity", context)
        location = self._location("output", "output", 0, 1, self.widths[-1], context, None)
        return Network("network", [*layers, variant.output(logits, location)])

    def _groups(self, variant: Variant, context: BuildContext) -> Iterator[Layer]:
        """Yield the blocks with their activations, and the noise at the end of each group."""
        block, blocks = 0, self.blocks
        for group, (channels, width) in enumerate(pairwise((self.widths[0], *self.widths))):
            for number in range(self._blocks()):
                block += 1
                path, entering = f"block{block}", width if number else channels
                stride = 2 if group and not number else 1
                branch = [
                    *self._unit(f"{path}/conv1", entering, width, stride, context),
                    *self._unit(f"{path}/conv2", width, width, 1, context)[:-1],
                ]
                skip = None
                if (entering, stride) != (width, 1):
                    skip = self._convolution(
                        f"{path}/skip", entering, width, (1, 1), context, stride, bias=not self.batch_norm
                    )
                location = self._location(path, "block", block - 1, blocks, 9 * entering, context, None)
                yield variant.block(Sequential(f"{path}/branch", branch), skip, location)
                yield self._activation(path, context)
            path = f"group{group + 1}"
            noise = variant.map(self._location(path, "map", group, len(self.widths), width, context, None))
            if noise is not None:
                yield noise

    def _unit(self, path: str, channels: int, width: int, stride: int, context: BuildContext) -> list[Layer]:
        """Return convolution, normalization and activation."""
        linear = self._convolution(path, channels, width, (3, 3), context, stride, bias=not self.batch_norm)
        return [linear, *self._between(path, width, context), self._activation(path, context)]

    def check_variant(self, variant: Variant) -> None:
        """Raise InvalidField if the variant cannot act on maps or blocks."""
        self._suits(variant)
        variant.check_network(hidden=len(self.widths), activation=self.activation)

    def check_shape(self, shape: Shape) -> None:
        """Raise InvalidField if the examples are not images."""
        if len(shape) != 3:
            fact = f"resnet needs images, but an example is a row of {counted(shape[0], 'number')}"
            raise InvalidField("name", fact, "Use mlp")

    def count_weights(self, shape: Shape, outputs: int) -> int:
        """Return the number of kernel values, biases or normalization values, and output weights."""
        kernels = self._kernels(shape)
        maps = sum(kernel * entering * width for kernel, entering, width, _ in kernels)
        # Each 3x3 convolution is normalized, or has biases; the skips have biases only without normalization.
        each = {9: 2, 1: 0} if self.batch_norm else {9: 1, 1: 1}
        own = sum(each[kernel] * width for kernel, _, width, _ in kernels)
        return maps + own + (self.widths[-1] + 1) * outputs

    def largest_weights(self, shape: Shape, outputs: int) -> int:
        """Return the most multiplications of one example in a layer."""
        return max(kernel * entering * width * pixels for kernel, entering, width, pixels in self._kernels(shape))

    def count_activations(self, shape: Shape, outputs: int) -> int:
        """Return about ten arrays of the output of each convolution, and the input twice."""
        return 2 * math.prod(shape) + 10 * sum(width * pixels for _, _, width, pixels in self._kernels(shape))

    @property
    def blocks(self) -> int:
        """The number of residual blocks in all groups."""
        return len(self.widths) * self._blocks()

    def _blocks(self) -> int:
        """Return the number of blocks per group."""
        return (self.depth - 2) // (2 * len(self.widths))

    def _kernels(self, shape: Shape) -> list[tuple[int, int, int, int]]:
        """Return kernel pixels, input channels, output channels and output pixels per convolution."""
        height, width_, entering = shape
        kernels = [(9, entering, self.widths[0], height * width_)]
        entering = self.widths[0]
        for group, width in enumerate(self.widths):
            for number in range(self._blocks()):
                stride = 2 if group and not number else 1
                height, width_ = (conv_geometry(one, 3, stride, "same").size for one in (height, width_))
                kernels += [(9, entering, width, height * width_), (9, width, width, height * width_)]
                if (entering, stride) != (width, 1):
                    kernels.append((1, entering, width, height * width_))
                entering = width
        return kernels
