"""Spatial dropout: whole feature maps are dropped, because neighbouring pixels of a map say the same.

    training     y = m (.) a / q    m ~ Bernoulli(q) for every example and channel, the same over the map; q = 1 - rate
    evaluation   y = a

With element-wise masks a dropped pixel can be told from those around it, and little is lost; here its whole channel
goes. On dense hidden layers, which have no maps, `dense_rate` drops element by element.

Tompson et al. 2015, arXiv:1411.4280.

Traps: it needs maps: a multilayer perceptron has none. Maps are (N, height, width, channels) here, and the mask
(N, 1, 1, channels); where channels come second it is (N, channels, 1, 1). A rate that suits single elements is
high for whole channels when there are few of them.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.field_types import Rates
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.variants.toolkit.base import VARIANTS
from dropout_cli.variants.toolkit.map_noise import MapNoise
from dropout_cli.variants.toolkit.masks import bernoulli, keep_probability


@VARIANTS.register("spatial")
@dataclass(frozen=True, kw_only=True)
class Spatial(MapNoise):
    """Drops whole feature maps."""

    rate: Rates = 0.2
    """Probability of dropping a channel: one number, or one per place (dense layers are counted, but not asked)."""

    paper = "Tompson et al. 2015, arXiv:1411.4280"

    def draw_maps(self, shape: Shape, rate: float, rng: Generator, dtype: DType) -> Array:
        """m / q, of shape (N, 1, 1, channels)."""
        n, _, _, channels = shape
        scale = dtype.type(1 / keep_probability(rate))
        return np.asarray(np.multiply(bernoulli((n, 1, 1, channels), rate, rng), scale, dtype=dtype))
