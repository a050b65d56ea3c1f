"""Rate schedules: the rate as a pure function of the step and the rate of a location.

t = 0 .. T - 1 counts training steps over the whole run; r is the rate of the location, q = 1 - r.
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
    """Base class of rate schedules: the current rate as a function of the step."""

    @abstractmethod
    def rate(self, base: float, step: int, steps: int) -> float:
        """Return the rate at a step.

        The function must be monotone, since `largest` looks at the first and the last step only.

        Args:
            base: The rate of the location, r.
            step: The step t, 0 .. steps - 1.
            steps: All planned training steps, T.
        """

    def largest(self, base: float, steps: int) -> float:
        """Return the largest rate of a training, which is that of its first or last step."""
        return max(self.rate(base, 0, steps), self.rate(base, steps - 1, steps))


@RATE_SCHEDULES.register("constant")
@dataclass(frozen=True, kw_only=True)
class ConstantRate(RateSchedule):
    """A constant rate."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """Return `base`."""
        return base


@RATE_SCHEDULES.register("linear")
@dataclass(frozen=True, kw_only=True)
class LinearRate(RateSchedule):
    """Changes linearly, as in DropBlock (Ghiasi et al. 2018, arXiv:1810.12890)."""

    start: Rate = 0.0
    """The rate at the first step."""
    end: Rate | None = None
    """The rate at the last step; null: the rate of the variant."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """Return start + (end - start) t / (T - 1)."""
        end = base if self.end is None else self.end
        return self.start + (end - self.start) * step / max(1, steps - 1)


@dataclass(frozen=True, kw_only=True)
class ExponentialRate(RateSchedule):
    """Base class of the schedules with exp(-gamma t)."""

    gamma: NonNegative | None = None
    """The decay per step. null: 10 / T, so that exp(-10) of the change is left at the end."""

    def left(self, step: int, steps: int) -> float:
        """Return exp(-gamma t), which is 1 at the first step and falls to 0."""
        return math.exp(-(10 / steps if self.gamma is None else self.gamma) * step)


@RATE_SCHEDULES.register("curriculum")
@dataclass(frozen=True, kw_only=True)
class CurriculumRate(ExponentialRate):
    """Rises from 0 to the rate of the variant (Morerio et al. 2017, arXiv:1703.06229)."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """Return r (1 - exp(-gamma t)), so keep = (1 - q) exp(-gamma t) + q."""
        return base * (1 - self.left(step, steps))


@RATE_SCHEDULES.register("anti_curriculum")
@dataclass(frozen=True, kw_only=True)
class AntiCurriculumRate(ExponentialRate):
    """Falls from the rate of the variant to 0, a control experiment of Morerio et al. 2017."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """Return r exp(-gamma t), so keep = 1 - (1 - q) exp(-gamma t)."""
        return base * self.left(step, steps)


@RATE_SCHEDULES.register("early")
@dataclass(frozen=True, kw_only=True)
class EarlyRate(RateSchedule):
    """Dropout only in the first part of training (Liu et al. 2023, arXiv:2303.01500).

    It reduces underfitting.
    """

    cutoff: Fraction = 0.1666667
    """The part of training with dropout; 50 of 300 epochs in the paper."""
    shape: Literal["linear", "constant"] = "linear"
    """linear: the rate falls to 0 at the cutoff, as in the paper. constant: no change until the cutoff."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """Return r (1 - t / (c - 1)) or r for t < c = cutoff T, then 0."""
        cut = round(self.cutoff * steps)
        if step >= cut:
            return 0.0
        return base * (1 - step / max(1, cut - 1)) if self.shape == "linear" else base


@RATE_SCHEDULES.register("late")
@dataclass(frozen=True, kw_only=True)
class LateRate(RateSchedule):
    """Dropout only in the last part of training (Liu et al. 2023, arXiv:2303.01500).

    It reduces overfitting.
    """

    cutoff: Fraction = 0.1666667
    """The part of training without dropout."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """Return 0 for t < c = cutoff T, then r."""
        return 0.0 if step < round(self.cutoff * steps) else base
