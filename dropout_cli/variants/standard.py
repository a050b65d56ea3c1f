"""Classic dropout: drops in training, and scales down in evaluation.

    training     y = m (.) a        m ~ Bernoulli(q) per example and unit,  q = 1 - rate
    evaluation   y = q a            q belongs to the rate of the last training step

Hinton et al. 2012, arXiv:1207.0580; Srivastava et al. 2014, JMLR 15:1929-1958. The papers keep hidden units with
probability .5 and inputs with .8.

When to use: to repeat an experiment of a paper that scales in evaluation, with its learning rates and max-norms as
printed. Otherwise use `inverted`.

Notes: without the scaling in evaluation, the inputs of every layer would be 1 / q times too large. A schedule that
changes the rate also changes the scale of all activations, so use schedules with `inverted` and its relatives.
Learning rates and max-norms of papers with this form must be converted before you use them with `inverted`.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.variants.toolkit.activation_noise import ActivationNoise
from dropout_cli.variants.toolkit.base import VARIANTS
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.masks import bernoulli, keep_probability


@VARIANTS.register("standard")
@dataclass(frozen=True, kw_only=True)
class Standard(ActivationNoise):
    """Masks in training; scales by the keep probability in evaluation."""

    paper = "Srivastava et al. 2014, JMLR 15:1929-1958"
    example = VariantExample(
        numpy="""
rate = 0.5
q = 1 - rate  # the probability of keeping a unit
m = rng.random(x.shape) < q  # True: kept
y = m * x  # not scaled in training
""",
        evaluation="Nothing is dropped; the output is scaled down instead: y = q x, with q of the last training step.",
        noise="mask m",
    )

    def draw(self, shape: Shape, rate: float, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
        """Draw the mask, as 0 and 1."""
        return np.asarray(np.multiply(bernoulli(shape, rate, rng), dtype.type(1), out=out, dtype=dtype))

    def kept_multiplier(self, rate: float) -> float:
        """Return 1."""
        return 1.0

    def evaluation_scale(self, rate: float) -> float:
        """Return q, the mean of the mask."""
        return keep_probability(rate)

    def describe_noise(self, graph: OperationGraph, x: GraphValue, rate: float) -> GraphValue:
        """Return the mask."""
        return graph.bernoulli(x, x.shape, keep_probability(rate))
