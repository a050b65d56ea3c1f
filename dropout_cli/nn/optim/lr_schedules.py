"""Learning-rate schedules: a factor on the learning rate, a pure function of the step.

Warm-up multiplies every schedule: the factor rises linearly over the first `warmup` epochs.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from dropout_cli.core.field_types import ClosedFraction, FractionOrZero, NonNegative, Positive
from dropout_cli.core.registry import Registry

SCHEDULES: Registry["LearningRateSchedule"] = Registry("schedule", package="dropout_cli.nn.optim")


@dataclass(frozen=True, kw_only=True)
class LearningRateSchedule(ABC):
    """The shape of the learning rate over training."""

    warmup: NonNegative = 0.0
    """Epochs over which the learning rate rises linearly to its value; fractions count."""

    @abstractmethod
    def shape(self, progress: float, epoch: float) -> float:
        """The factor without warm-up; `progress` in [0, 1) through training, `epoch` fractional, from 0."""

    def factor(self, step: int, *, steps: int, steps_per_epoch: int) -> float:
        """The factor for step 0 .. steps - 1."""
        rising = self.warmup * steps_per_epoch
        ramp = min(1.0, (step + 1) / rising) if rising else 1.0
        return ramp * self.shape(step / steps, step / steps_per_epoch)


@SCHEDULES.register("constant")
@dataclass(frozen=True, kw_only=True)
class ConstantSchedule(LearningRateSchedule):
    """The learning rate as given, throughout."""

    def shape(self, progress: float, epoch: float) -> float:
        """1."""
        return 1.0


@SCHEDULES.register("step")
@dataclass(frozen=True, kw_only=True)
class StepSchedule(LearningRateSchedule):
    """Multiplied by `decay` every `every` epochs."""

    every: Positive = 10.0
    """Epochs between two drops."""
    decay: ClosedFraction = 0.1
    """The factor at each drop."""

    def shape(self, progress: float, epoch: float) -> float:
        """decay ^ floor(epoch / every)."""
        return float(self.decay ** math.floor(epoch / self.every))


@SCHEDULES.register("exponential")
@dataclass(frozen=True, kw_only=True)
class ExponentialSchedule(LearningRateSchedule):
    """Multiplied by `decay` per epoch, a little at every step."""

    decay: ClosedFraction = 0.95
    """The factor per epoch."""

    def shape(self, progress: float, epoch: float) -> float:
        """decay ^ epoch."""
        return math.pow(self.decay, epoch)


@dataclass(frozen=True, kw_only=True)
class FallingSchedule(LearningRateSchedule):
    """Held at first, then falling to `end` at the end of training."""

    hold: FractionOrZero = 0.0
    """The fraction of training before the fall begins."""
    end: ClosedFraction = 0.0
    """The factor at the end of training."""

    @abstractmethod
    def fall(self, t: float) -> float:
        """From 1 at t = 0 to 0 at t = 1."""

    def shape(self, progress: float, epoch: float) -> float:
        """1 while held, then end + (1 - end) fall(t)."""
        t = max(0.0, (progress - self.hold) / (1 - self.hold))
        return self.end + (1 - self.end) * self.fall(t)


@SCHEDULES.register("linear")
@dataclass(frozen=True, kw_only=True)
class LinearSchedule(FallingSchedule):
    """A straight line down to `end`."""

    def fall(self, t: float) -> float:
        """1 - t."""
        return 1 - t


@SCHEDULES.register("cosine")
@dataclass(frozen=True, kw_only=True)
class CosineSchedule(FallingSchedule):
    """Half a cosine wave down to `end` (Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts)."""

    def fall(self, t: float) -> float:
        """(1 + cos(pi t)) / 2."""
        return (1 + math.cos(math.pi * t)) / 2
