"""Classic dropout: drop in training, scale down in evaluation.

    training     y = m (.) a        m ~ Bernoulli(q) for every example and unit, q = 1 - rate
    evaluation   y = q a            q of the rate in force at the last training step

Hinton et al. 2012, arXiv:1207.0580; Srivastava et al. 2014, JMLR 15:1929-1958. The papers keep
hidden units with probability .5 and inputs with .8.

Traps: evaluation has to scale, or every layer gets 1 / q times what it is used to. The scale is that of the last
training step, so a schedule that changes the rate rescales all activations as it goes: schedules are meant for
the inverted family. Learning rates and max-norms of papers that use this form do not carry over to `inverted`.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.variants.toolkit.activation_noise import ActivationNoise
from dropout_cli.variants.toolkit.base import VARIANTS
from dropout_cli.variants.toolkit.masks import bernoulli, keep_probability


@VARIANTS.register("standard")
@dataclass(frozen=True, kw_only=True)
class Standard(ActivationNoise):
    """Classic dropout: masks in training, activations scaled by the keep probability in evaluation."""

    paper = "Srivastava et al. 2014, JMLR 15:1929-1958"

    def draw(self, shape: Shape, rate: float, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
        """The mask itself, as 0 and 1."""
        return np.asarray(np.multiply(bernoulli(shape, rate, rng), dtype.type(1), out=out, dtype=dtype))

    def evaluation_scale(self, rate: float) -> float:
        """The mean of the mask, q."""
        return keep_probability(rate)
