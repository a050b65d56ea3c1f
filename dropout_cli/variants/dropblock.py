"""DropBlock: drops square blocks of a feature map.

    training     y = m (.) a numel(m) / sum(m)      one factor for the whole batch, a constant for the gradient
                 m = 0 in each b x b block whose top left corner is drawn, else 1
                 corners ~ Bernoulli(gamma) per example, channel and position where a block fits into the h x w map
                 gamma = r / b^2 * h w / ((h - b + 1)(w - b + 1)),  r = rate
    evaluation   y = a

b = min(block_size, h, w). With b = 1 the mask is that of `inverted`, with b = h = w that of `spatial`. Blocks
overlap, so the fraction dropped is below r: a pixel that c blocks can cover is dropped with probability
1 - (1 - gamma)^c. The column `realized_rate` shows the fraction. The paper uses b = 7 and r = .1, with a rate that
rises from 0 (`rate_schedule: linear`), for maps of 14 and 28 pixels.

Ghiasi, Lin, Le 2018, arXiv:1810.12890.

When to use: after convolutions on large feature maps, where single dropped pixels can be guessed from their neighbors.
If the maps are not larger than a block, use `spatial`.

Notes: fewer blocks cover pixels near the edge, so those are kept more often. The noise has mean 1 over the batch, but
not for each pixel. So Monte Carlo and evaluation differ even in a linear network. If a map is smaller than the block,
whole channels are dropped.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.field_types import Count, Rates
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.variants.toolkit.base import VARIANTS
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.map_noise import MapNoise
from dropout_cli.variants.toolkit.masks import bernoulli

NOTHING = 1e-12
"""The mean of a mask with a value that is not 0 is larger."""


@VARIANTS.register("dropblock")
@dataclass(frozen=True, kw_only=True)
class DropBlock(MapNoise):
    """Drops square blocks of feature maps."""

    rate: Rates = 0.1
    """The approximate fraction dropped: one number, or one per location.
    A dense layer has an entry, too, but use `dense_rate` for it."""
    block_size: Count = 7
    """The side length of the blocks. It is reduced on smaller feature maps."""

    paper = "Ghiasi, Lin, Le 2018, arXiv:1810.12890"
    example = VariantExample(
        numpy="""
rate, b = 0.3, 2
n, h, w, channels = x.shape
gamma = rate / b**2 * h * w / ((h - b + 1) * (w - b + 1))
corners = rng.random((n, h - b + 1, w - b + 1, channels)) < gamma
m = np.ones(x.shape)
for i, row, column, channel in np.argwhere(corners):
    m[i, row : row + b, column : column + b, channel] = 0
y = m * x * m.size / max(1, m.sum())
""",
        evaluation="Nothing is dropped and nothing is scaled: y = x.",
        noise="multiplier m numel(m) / sum(m)",
        on_maps=True,
        settings={"rate": 0.3, "block_size": 2},
    )

    def draw_maps(self, shape: Shape, rate: float, rng: Generator, dtype: DType) -> Array:
        """Draw the mask, scaled to mean 1 over the batch."""
        mask = self.mask(shape, rate, rng)
        kept = int(np.count_nonzero(mask))
        return np.asarray(np.multiply(mask, dtype.type(mask.size / max(1, kept)), dtype=dtype))

    def describe_maps(self, graph: OperationGraph, x: GraphValue, rate: float) -> GraphValue:
        """Return the mask, scaled to mean 1 over the batch."""
        height, width, channels = x.shape
        b = self._side(height, width)
        gamma = self.gamma(height, width, rate)
        corners = graph.bernoulli(x, (height - b + 1, width - b + 1, channels), gamma)
        # A pixel is dropped if there is a corner among the b x b pixels above and left of it.
        dropped = graph.pool("max_pool", graph.pad(corners, b - 1), window=b, stride=1)
        mask = graph.elementwise("subtract", 1.0, dropped)
        kept = graph.reshape("mean_over_batch", mask)
        # If nothing is kept, the mask is divided by a number that is not 0.
        nothing = graph.elementwise("less", kept, NOTHING)
        return graph.elementwise("divide", mask, graph.elementwise("add", kept, nothing))

    def mask(self, shape: Shape, rate: float, rng: Generator) -> Array:
        """Draw m, boolean, (N, h, w, channels): False in the blocks."""
        n, height, width, channels = shape
        b = self._side(height, width)
        kept = bernoulli((n, height - b + 1, width - b + 1, channels), self.gamma(height, width, rate), rng)
        rows = np.ones((n, height, width - b + 1, channels), bool)
        for shift in range(b):  # a block has b rows of b pixels
            rows[:, shift : shift + height - b + 1] &= kept
        mask = np.ones(shape, bool)
        for shift in range(b):
            mask[:, :, shift : shift + width - b + 1] &= rows
        return mask

    def gamma(self, height: int, width: int, rate: float) -> float:
        """Return the probability of a block corner at each possible position."""
        b = self._side(height, width)
        return rate / b**2 * height * width / ((height - b + 1) * (width - b + 1))

    def _side(self, height: int, width: int) -> int:
        return min(self.block_size, height, width)
