"""Alpha dropout, for self-normalizing networks: dropped units take the value that SELU falls to, not 0.

    training     y = A (a m + a' (1 - m)) + b     m ~ Bernoulli(q) for every example and unit, q = 1 - rate
                 a' = -1.7580993408473766         SELU's limit at minus infinity
                 A = (q + a'^2 q r)^(-1/2),  b = -A r a'
    evaluation   y = a

Written as (a - a') A m + (A a' + b): noise on the distance from a'. A and b keep mean 0 and variance 1
of a population that has them, not of each value: E[y given a] = A q a, so that Monte Carlo and
evaluation differ even in a linear network.

Klambauer et al. 2017, arXiv:1706.02515. It needs SELU, LeCun-normal initial weights (`initializer:
auto` chooses them) and inputs of mean 0 and variance 1 (`scaling: standardize`); rates of .05 to .1.

Traps: without SELU, LeCun-normal weights and standardized inputs there is no fixed point to keep. It acts after
hidden activations only. Monte Carlo and evaluation differ even without a nonlinearity.
"""

import math
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.errors import InvalidField
from dropout_cli.core.field_types import Rates
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.activations.selu import SELU_ALPHA, SELU_SCALE
from dropout_cli.variants.toolkit.activation_noise import HiddenActivationNoise
from dropout_cli.variants.toolkit.base import VARIANTS
from dropout_cli.variants.toolkit.masks import bernoulli, keep_probability

FLOOR = -SELU_SCALE * SELU_ALPHA
"""a': what SELU tends to far below 0."""


def alpha_affine(rate: float) -> tuple[float, float]:
    """A and b of that rate."""
    q = keep_probability(rate)
    scale = 1 / math.sqrt(q + FLOOR**2 * q * (1 - q))
    return scale, -scale * (1 - q) * FLOOR


@VARIANTS.register("alpha")
@dataclass(frozen=True, kw_only=True)
class Alpha(HiddenActivationNoise):
    """Alpha dropout for SELU networks: keeps mean 0 and variance 1."""

    rate: Rates = 0.05
    """Probability of dropping a hidden activation: one number, or one per hidden layer."""

    paper = "Klambauer et al. 2017, arXiv:1706.02515"
    assumes_standardized = True
    suited_activation = "selu"

    def draw(self, shape: Shape, rate: float, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
        """A m."""
        scale = dtype.type(alpha_affine(rate)[0])
        return np.asarray(np.multiply(bernoulli(shape, rate, rng), scale, out=out, dtype=dtype))

    def center_offset(self, rate: float) -> tuple[float, float]:
        """a', and A a' + b."""
        scale, shift = alpha_affine(rate)
        return FLOOR, scale * FLOOR + shift

    def check_network(self, *, hidden: int, activation: str) -> None:
        """Only SELU has the fixed point that A and b are made for."""
        super().check_network(hidden=hidden, activation=activation)
        if activation != "selu":
            fact = f"alpha needs architecture.activation: selu, not {activation}"
            raise InvalidField("", fact, "inverted works with any")
