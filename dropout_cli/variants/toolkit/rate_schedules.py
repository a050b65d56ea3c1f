"""The rate over training: a pure function of the step and of each location's own rate.

t = 0 .. T - 1 counts training steps over the whole run; r is the location's own rate, q = 1 - r.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from dropout_cli.core.field_types import Fraction, NonNegative, Rate
from dropout_cli.core.registry import Registry

RATE_SCHEDULES: Registry["RateSchedule"] = Registry("rate schedule", package="dropout_cli.variants.toolkit")


@dataclass(frozen=True, kw_only=True)
class RateSchedule(ABC):
    """How the rate in force follows from the step."""

    @abstractmethod
    def rate(self, base: float, step: int, steps: int) -> float:
        """The rate at step 0 .. steps - 1 of a place whose own rate is `base`; it never falls and rises again."""

    def largest(self, base: float, steps: int) -> float:
        """Return the largest rate over the steps of a training, which is at its first or last step."""
        return max(self.rate(base, 0, steps), self.rate(base, steps - 1, steps))


@RATE_SCHEDULES.register("constant")
@dataclass(frozen=True, kw_only=True)
class ConstantRate(RateSchedule):
    """The place's own rate throughout."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """`base`."""
        return base


@RATE_SCHEDULES.register("linear")
@dataclass(frozen=True, kw_only=True)
class LinearRate(RateSchedule):
    """A straight line, as DropBlock ramps its rate from 0 (Ghiasi et al. 2018, arXiv:1810.12890)."""

    start: Rate = 0.0
    """The rate at the first step."""
    end: Rate | None = None
    """The rate at the last step; null: the place's own rate."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """start + (end - start) t / (T - 1)."""
        end = base if self.end is None else self.end
        return self.start + (end - self.start) * step / max(1, steps - 1)


@dataclass(frozen=True, kw_only=True)
class ExponentialRate(RateSchedule):
    """The two that follow exp(-gamma t)."""

    gamma: NonNegative | None = None
    """Decay per step; null: 10 / T, which leaves exp(-10) of the way at the end."""

    def left(self, step: int, steps: int) -> float:
        """exp(-gamma t): 1 at the first step, falling to 0."""
        return math.exp(-(10 / steps if self.gamma is None else self.gamma) * step)


@RATE_SCHEDULES.register("curriculum")
@dataclass(frozen=True, kw_only=True)
class CurriculumRate(ExponentialRate):
    """From no dropout up to the place's own rate (Morerio et al. 2017, arXiv:1703.06229)."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """keep = (1 - q) exp(-gamma t) + q."""
        return base * (1 - self.left(step, steps))


@RATE_SCHEDULES.register("anti_curriculum")
@dataclass(frozen=True, kw_only=True)
class AntiCurriculumRate(ExponentialRate):
    """From the place's own rate down to no dropout, the counter-test of Morerio et al. 2017."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """keep = 1 - (1 - q) exp(-gamma t)."""
        return base * self.left(step, steps)


@RATE_SCHEDULES.register("early")
@dataclass(frozen=True, kw_only=True)
class EarlyRate(RateSchedule):
    """Dropout in the first part of training only, against underfitting (Liu et al. 2023, arXiv:2303.01500)."""

    cutoff: Fraction = 0.1666667
    """The part of training with dropout; the paper's is 50 of 300 epochs."""
    shape: Literal["linear", "constant"] = "linear"
    """Falling to 0 at the cutoff, as in the paper, or the same rate until there."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """r (1 - t / (c - 1)) or r for t < c = cutoff T, then 0."""
        cut = round(self.cutoff * steps)
        if step >= cut:
            return 0.0
        return base * (1 - step / max(1, cut - 1)) if self.shape == "linear" else base


@RATE_SCHEDULES.register("late")
@dataclass(frozen=True, kw_only=True)
class LateRate(RateSchedule):
    """Dropout in the last part of training only, against overfitting (Liu et al. 2023, arXiv:2303.01500)."""

    cutoff: Fraction = 0.1666667
    """The part of training without dropout."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """0 for t < c = cutoff T, then r."""
        return 0.0 if step < round(self.cutoff * steps) else base
