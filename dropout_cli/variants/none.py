"""No dropout: the baseline of every comparison. y = a in training and in evaluation.

Traps: a baseline is only fair with a weight decay, or an early stop, tuned as carefully as the rate of its rivals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.variants.toolkit.base import MANY_STEPS, VARIANTS, Location, Supports, Variant, chain


@VARIANTS.register("none")
@dataclass(frozen=True, kw_only=True)
class NoDropout(Variant):
    """No noise; the baseline of every comparison."""

    acts_on = "nothing"
    supports: ClassVar[Supports] = "either"
    paper = "-"

    def is_silent(self, steps: int = MANY_STEPS) -> bool:
        """It never draws."""
        return True

    def noise_before_logits(self) -> bool:
        """There is no noise."""
        return False

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """The unit as it is."""
        return chain(location, linear, *between, activation)
