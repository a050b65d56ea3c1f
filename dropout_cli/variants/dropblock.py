"""DropBlock: squares of a feature map are dropped together.

    training     y = m (.) a numel(m) / sum(m)      one number over the whole batch, a constant for the gradient
                 m is 0 in the b x b squares whose top left corners s ~ Bernoulli(gamma) mark, independently for every
                 example, channel and one of the (h - b + 1)(w - b + 1) places at which a square lies on the map
                 gamma = r / b^2 * h w / ((h - b + 1)(w - b + 1))
    evaluation   y = a

b = min(block_size, h, w). With b = 1 the mask is that of `inverted`, with b = h = w that of `spatial`. Squares
overlap, so less than r is dropped: of a pixel that c squares cover, 1 - (1 - gamma)^c; the column `realized_rate`
says how much. The paper's b = 7, r = .1 with the rate rising from 0 (`rate_schedule: linear`) is for maps of 14 and 28.

Ghiasi, Lin, Le 2018, arXiv:1810.12890.

Traps: pixels near the edge lie in fewer squares and are kept more often, so the noise has mean 1 over the batch and
not for every pixel; Monte Carlo and evaluation differ even in a linear network. Maps smaller than the square lose
whole channels.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.field_types import Count, Rates
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.variants.toolkit.base import VARIANTS
from dropout_cli.variants.toolkit.map_noise import MapNoise
from dropout_cli.variants.toolkit.masks import bernoulli


@VARIANTS.register("dropblock")
@dataclass(frozen=True, kw_only=True)
class DropBlock(MapNoise):
    """Drops squares of feature maps."""

    rate: Rates = 0.1
    """About the share that is dropped: one number, or one per place (dense layers are counted, but not asked)."""
    block_size: Count = 7
    """Side of the squares; smaller maps have smaller ones."""

    paper = "Ghiasi, Lin, Le 2018, arXiv:1810.12890"

    def draw_maps(self, shape: Shape, rate: float, rng: Generator, dtype: DType) -> Array:
        """The mask, scaled to mean 1 over the batch."""
        mask = self.mask(shape, rate, rng)
        kept = int(np.count_nonzero(mask))
        return np.asarray(np.multiply(mask, dtype.type(mask.size / max(1, kept)), dtype=dtype))

    def mask(self, shape: Shape, rate: float, rng: Generator) -> Array:
        """Draw m, boolean, (N, h, w, channels): False in the squares."""
        n, height, width, channels = shape
        b = self._side(height, width)
        kept = bernoulli((n, height - b + 1, width - b + 1, channels), self.gamma(height, width, rate), rng)
        rows = np.ones((n, height, width - b + 1, channels), bool)
        for shift in range(b):  # a square is b rows, and each of its rows b pixels
            rows[:, shift : shift + height - b + 1] &= kept
        mask = np.ones(shape, bool)
        for shift in range(b):
            mask[:, :, shift : shift + width - b + 1] &= rows
        return mask

    def gamma(self, height: int, width: int, rate: float) -> float:
        """The probability of a corner at each of its places."""
        b = self._side(height, width)
        return rate / b**2 * height * width / ((height - b + 1) * (width - b + 1))

    def _side(self, height: int, width: int) -> int:
        return min(self.block_size, height, width)
