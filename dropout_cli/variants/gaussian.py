"""Gaussian dropout: normal noise with the mean and variance of inverted dropout.

    training     y = a (.) (1 + sd eps)     eps ~ N(0, 1) per example and unit,  sd^2 = rate / q,  q = 1 - rate
    evaluation   y = a

Srivastava et al. 2014, JMLR 15:1929-1958, section 10.

When to use: in the places of `inverted`, to compare noise that is never exactly 0 with masks of the same mean and
variance. In the experiments of the paper it is as good as masks, or a little better.

Notes: rate / q is the variance of the noise, not its standard deviation. Multipliers below 0 are part of the
distribution and are not clipped: at rate .5, one in six is negative. No value is exactly 0, so there is no realized
rate.
"""

import math
from dataclasses import dataclass

from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.backend.noise_tables import draw_normal
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.variants.toolkit.activation_noise import ActivationNoise
from dropout_cli.variants.toolkit.base import VARIANTS
from dropout_cli.variants.toolkit.example import VariantExample


@VARIANTS.register("gaussian")
@dataclass(frozen=True, kw_only=True)
class Gaussian(ActivationNoise):
    """Multiplicative Gaussian noise with the mean and variance of inverted dropout."""

    counts_zeros = False
    paper = "Srivastava et al. 2014, JMLR 15:1929-1958, section 10"
    example = VariantExample(
        numpy="""
rate = 0.5
sd = np.sqrt(rate / (1 - rate))  # rate / (1 - rate) is the variance
noise = 1 + sd * rng.standard_normal(x.shape)
y = x * noise
""",
        evaluation="The noise is replaced by its mean, 1: y = x.",
        noise="multiplier 1 + sd eps",
    )

    def draw(self, shape: Shape, rate: float, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
        """Draw 1 + sd eps: mean 1, variance rate / q."""
        noise = draw_normal(shape, rng, dtype, out)
        noise *= math.sqrt(rate / (1 - rate))
        noise += 1
        return noise

    def describe_noise(self, graph: OperationGraph, x: GraphValue, rate: float) -> GraphValue:
        """Return 1 + sd eps."""
        scaled = graph.elementwise("multiply", graph.normal(x, x.shape), math.sqrt(rate / (1 - rate)))
        return graph.elementwise("add", scaled, 1.0)
