"""Inverted dropout: scales up in training, so evaluation uses the plain network.

    training     y = m (.) a / q    m ~ Bernoulli(q) per example and unit,  q = 1 - rate
    evaluation   y = a

Most frameworks use this form. The classic form (`standard`) is Srivastava et al. 2014, JMLR 15:1929-1958.

When to use: as the first choice for dense layers. The rates in most tutorials, and those of PyTorch and Keras, are
rates of this form. After convolutions, compare it with `spatial` and `dropblock`.

Notes: `rate` is the probability of dropping; many papers print the probability of keeping. The mask follows the
activation; logits are never dropped. Settings that were tuned for the classic form must be converted.
"""

from dataclasses import dataclass

from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.variants.toolkit.activation_noise import ActivationNoise
from dropout_cli.variants.toolkit.base import VARIANTS
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.masks import describe_scaled_bernoulli, keep_probability, scaled_bernoulli


@VARIANTS.register("inverted")
@dataclass(frozen=True, kw_only=True)
class Inverted(ActivationNoise):
    """Scales by 1 / keep probability in training, so evaluation needs no scaling."""

    paper = "Srivastava et al. 2014, JMLR 15:1929-1958"
    example = VariantExample(
        numpy="""
rate = 0.5
q = 1 - rate  # the probability of keeping a unit
m = rng.random(x.shape) < q  # True: kept
y = m * x / q
""",
        evaluation="Nothing is dropped and nothing is scaled: y = x.",
        noise="multiplier m / q",
    )

    def draw(self, shape: Shape, rate: float, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
        """Draw m / q: mean 1, variance rate / q."""
        return scaled_bernoulli(shape, rate, rng, dtype, out)

    def kept_multiplier(self, rate: float) -> float:
        """Return 1 / q."""
        return 1 / keep_probability(rate)

    def describe_noise(self, graph: OperationGraph, x: GraphValue, rate: float) -> GraphValue:
        """Return m / q."""
        return describe_scaled_bernoulli(graph, x, x.shape, rate)
