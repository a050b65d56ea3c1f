"""No dropout: the baseline for comparisons.

    training     y = a
    evaluation   y = a

When to use: in every comparison, because it shows what dropout adds. It is also the right choice if training and
validation loss are close to each other: then dropout has little to correct.

Notes: the comparison is fair only if the weight decay or early stopping of the baseline is tuned as carefully as the
rates of the other variants.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.variants.toolkit.base import MANY_STEPS, VARIANTS, Location, Supports, Variant, chain
from dropout_cli.variants.toolkit.example import VariantExample


@VARIANTS.register("none")
@dataclass(frozen=True, kw_only=True)
class NoDropout(Variant):
    """No dropout. The baseline for comparisons."""

    acts_on = "nothing"
    supports: ClassVar[Supports] = "either"
    paper = "-"
    example = VariantExample(
        numpy="""
y = x
""",
        evaluation="The same as training: y = x.",
        noise="multiplier",
    )

    def is_silent(self, steps: int = MANY_STEPS) -> bool:
        """Return True: it never draws."""
        return True

    def noise_before_logits(self) -> bool:
        """Return False: there is no noise."""
        return False

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return the unit without noise."""
        return chain(location, linear, *between, activation)
