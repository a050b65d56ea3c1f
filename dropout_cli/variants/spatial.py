"""Spatial dropout: drops whole feature maps, because neighboring pixels are similar.

    training     y = m (.) a / q    m ~ Bernoulli(q) per example and channel, the same for all pixels;  q = 1 - rate
    evaluation   y = a

If single pixels are dropped, their neighbors still show almost the same values. Here the whole channel is dropped.
Dense hidden layers have no maps: there, `dense_rate` drops single activations.

Tompson et al. 2015, arXiv:1411.4280.

When to use: after convolutions with many channels, where neighboring pixels are similar. The paper uses it for a small
training set of pictures. In networks without feature maps, use `inverted`.

Notes: spatial dropout needs feature maps; an mlp has none. Maps are (N, height, width, channels) here, so the mask is
(N, 1, 1, channels); with channels second it is (N, channels, 1, 1). A rate that is good for single activations can be
too high for whole channels if there are few of them.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.field_types import Rates
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.variants.toolkit.base import VARIANTS
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.map_noise import MapNoise
from dropout_cli.variants.toolkit.masks import bernoulli, describe_scaled_bernoulli, keep_probability


@VARIANTS.register("spatial")
@dataclass(frozen=True, kw_only=True)
class Spatial(MapNoise):
    """Drops whole feature maps."""

    rate: Rates = 0.2
    """The probability of dropping a channel: one number, or one per location (dense layers use `dense_rate`)."""

    paper = "Tompson et al. 2015, arXiv:1411.4280"
    example = VariantExample(
        numpy="""
rate = 0.5
q = 1 - rate  # the probability of keeping a channel
n, height, width, channels = x.shape
m = rng.random((n, 1, 1, channels)) < q  # the same for all pixels of a map
y = m * x / q
""",
        evaluation="Nothing is dropped and nothing is scaled: y = x.",
        noise="multiplier m / q",
        on_maps=True,
        settings={"rate": 0.5},
    )

    def draw_maps(self, shape: Shape, rate: float, rng: Generator, dtype: DType) -> Array:
        """Draw m / q, (N, 1, 1, channels)."""
        n, _, _, channels = shape
        scale = dtype.type(1 / keep_probability(rate))
        return np.asarray(np.multiply(bernoulli((n, 1, 1, channels), rate, rng), scale, dtype=dtype))

    def describe_maps(self, graph: OperationGraph, x: GraphValue, rate: float) -> GraphValue:
        """Return m / q, (1, 1, channels)."""
        return describe_scaled_bernoulli(graph, x, (1, 1, x.shape[-1]), rate)
