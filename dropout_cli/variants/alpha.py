"""Alpha dropout for SELU networks: a dropped unit gets the lower limit of SELU, not 0.

    training     y = A (a m + a' (1 - m)) + b     m ~ Bernoulli(q) per example and unit,  q = 1 - r,  r = rate
                 a' = -1.7580993408473766         limit of SELU at minus infinity
                 A = (q + a'^2 q r)^(-1/2),  b = -A r a'
    evaluation   y = a

The code computes the equal form y = (a - a') A m + (A a' + b).

Klambauer et al. 2017, arXiv:1706.02515. Alpha dropout needs SELU, LeCun-normal initial weights (`initializer: auto`
chooses them) and inputs with mean 0 and variance 1 (`scaling: standardize`). Use rates from .05 to .1.

When to use: in dense networks with SELU, which need activations with mean 0 and variance 1 in every layer. With
another activation, use `inverted`.

Notes: A and b keep mean 0 and variance 1 of a population of activations, not the mean of each value:
E[y given a] = A q a. So Monte Carlo and evaluation differ even in a linear network. Without SELU, LeCun-normal
weights and standardized inputs the activations do not have mean 0 and variance 1. The noise acts on hidden
activations only, not on the input.
"""

import math
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.errors import InvalidField
from dropout_cli.core.field_types import Rates
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.activations.selu import SELU_ALPHA, SELU_SCALE
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.variants.toolkit.activation_noise import HiddenActivationNoise
from dropout_cli.variants.toolkit.base import VARIANTS
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.masks import bernoulli, keep_probability

FLOOR = -SELU_SCALE * SELU_ALPHA
"""a', the limit of SELU at minus infinity."""


def alpha_affine(rate: float) -> tuple[float, float]:
    """Return A and b for a rate."""
    q = keep_probability(rate)
    scale = 1 / math.sqrt(q + FLOOR**2 * q * (1 - q))
    return scale, -scale * (1 - q) * FLOOR


@VARIANTS.register("alpha")
@dataclass(frozen=True, kw_only=True)
class Alpha(HiddenActivationNoise):
    """Alpha dropout for SELU networks: keeps mean 0 and variance 1."""

    rate: Rates = 0.05
    """The probability of dropping a hidden activation: one number, or one per hidden layer."""

    paper = "Klambauer et al. 2017, arXiv:1706.02515"
    assumes_standardized = True
    suited_activation = "selu"
    example = VariantExample(
        numpy="""
rate = 0.25
q = 1 - rate
low = -1.7580993408473766  # a', the limit of SELU
A = (q + low**2 * q * rate) ** -0.5
b = -A * rate * low
m = rng.random(x.shape) < q  # True: kept
y = A * np.where(m, x, low) + b
""",
        evaluation="Nothing is dropped and nothing is scaled: y = x.",
        noise="multiplier A m (of x - a')",
        settings={"rate": 0.25},
    )

    def draw(self, shape: Shape, rate: float, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
        """Draw A m."""
        scale = dtype.type(alpha_affine(rate)[0])
        return np.asarray(np.multiply(bernoulli(shape, rate, rng), scale, out=out, dtype=dtype))

    def describe_noise(self, graph: OperationGraph, x: GraphValue, rate: float) -> GraphValue:
        """Return A m."""
        mask = graph.bernoulli(x, x.shape, keep_probability(rate))
        return graph.elementwise("multiply", mask, alpha_affine(rate)[0])

    def center_offset(self, rate: float) -> tuple[float, float]:
        """Return a' and A a' + b."""
        scale, shift = alpha_affine(rate)
        return FLOOR, scale * FLOOR + shift

    def check_network(self, *, hidden: int, activation: str) -> None:
        """Raise InvalidField for an activation other than SELU, and for a wrong number of rates."""
        super().check_network(hidden=hidden, activation=activation)
        if activation != "selu":
            fact = f"alpha needs architecture.activation: selu, got {activation}"
            raise InvalidField("", fact, "The variant inverted works with any activation")
