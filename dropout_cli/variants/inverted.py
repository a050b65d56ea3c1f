"""Inverted dropout: scale up in training, so that evaluation is the plain network.

    training     y = m (.) a / q    m ~ Bernoulli(q) for every example and unit, q = 1 - rate
    evaluation   y = a

What every framework runs today; the classic form is Srivastava et al. 2014, JMLR 15:1929-1958.

Traps: `rate` drops; many papers print the probability of keeping. With rates per layer, the mask follows the
activation; logits are never dropped. Settings tuned for the classic form need converting.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.arrays import Array, DType, Shape
from dropout_cli.streams import Generator
from dropout_cli.variants.activation_noise import ActivationNoise
from dropout_cli.variants.bernoulli import bernoulli, keep_probability
from dropout_cli.variants.variant import VARIANTS


@VARIANTS.register("inverted")
@dataclass(frozen=True, kw_only=True)
class Inverted(ActivationNoise):
    """Inverted dropout: masks divided by the keep probability, evaluation untouched."""

    paper = "Srivastava et al. 2014, JMLR 15:1929-1958"

    def draw(self, shape: Shape, rate: float, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
        """m / q: mean 1, variance rate / q."""
        scale = dtype.type(1 / keep_probability(rate))
        return np.asarray(np.multiply(bernoulli(shape, rate, rng), scale, out=out, dtype=dtype))
