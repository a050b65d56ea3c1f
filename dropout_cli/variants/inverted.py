"""Inverted dropout: scale up in training, so that evaluation is the plain network.

    training     y = m (.) a / q    m ~ Bernoulli(q) for every example and unit, q = 1 - rate
    evaluation   y = a

What every framework runs today; the classic form is Srivastava et al. 2014, JMLR 15:1929-1958.

Traps: `rate` drops; many papers print the probability of keeping. With rates per layer, the mask follows the
activation; logits are never dropped. Settings tuned for the classic form need converting.
"""

from dataclasses import dataclass

from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.variants.toolkit.activation_noise import ActivationNoise
from dropout_cli.variants.toolkit.base import VARIANTS
from dropout_cli.variants.toolkit.masks import scaled_bernoulli


@VARIANTS.register("inverted")
@dataclass(frozen=True, kw_only=True)
class Inverted(ActivationNoise):
    """Inverted dropout: masks divided by the keep probability, evaluation untouched."""

    paper = "Srivastava et al. 2014, JMLR 15:1929-1958"

    def draw(self, shape: Shape, rate: float, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
        """m / q: mean 1, variance rate / q."""
        return scaled_bernoulli(shape, rate, rng, dtype, out)
