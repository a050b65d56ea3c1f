"""Learning-rate schedules: a factor of the learning rate, as a pure function of the step.

Every schedule has a warm-up: the factor also rises linearly over the first `warmup` epochs.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from dropout_cli.core.field_types import ClosedFraction, FractionOrZero, NonNegative, Positive
from dropout_cli.core.registry import Registry

SCHEDULES: Registry["LearningRateSchedule"] = Registry("schedule", package="dropout_cli.nn.optim")


@dataclass(frozen=True, kw_only=True)
class LearningRateSchedule(ABC):
    """Base class of learning-rate schedules; its dataclass fields are its YAML keys."""

    warmup: NonNegative = 0.0
    """The number of epochs over which the learning rate rises linearly to its value. It can be a fraction."""

    @abstractmethod
    def shape(self, progress: float, epoch: float) -> float:
        """Return the factor without warm-up.

        Args:
            progress: Fraction of the training that is done, in [0, 1).
            epoch: The epoch from 0, with its fraction.
        """

    def factor(self, step: int, *, steps: int, steps_per_epoch: int) -> float:
        """Return the factor of the learning rate, including warm-up.

        Args:
            step: The training step, 0 .. steps - 1.
            steps: All planned training steps.
            steps_per_epoch: Training steps of one epoch.
        """
        rising = self.warmup * steps_per_epoch
        # step + 1: the first update would otherwise have a learning rate of 0.
        ramp = min(1.0, (step + 1) / rising) if rising else 1.0
        return ramp * self.shape(step / steps, step / steps_per_epoch)


@SCHEDULES.register("constant")
@dataclass(frozen=True, kw_only=True)
class ConstantSchedule(LearningRateSchedule):
    """A constant learning rate."""

    def shape(self, progress: float, epoch: float) -> float:
        """Return 1."""
        return 1.0


@SCHEDULES.register("step")
@dataclass(frozen=True, kw_only=True)
class StepSchedule(LearningRateSchedule):
    """Multiplies the learning rate by `decay` after every N epochs (key `every`)."""

    every: Positive = 10.0
    """The number of epochs between two reductions."""
    decay: ClosedFraction = 0.1
    """The factor of each reduction."""

    def shape(self, progress: float, epoch: float) -> float:
        """Return decay ^ floor(epoch / every)."""
        return float(self.decay ** math.floor(epoch / self.every))


@SCHEDULES.register("exponential")
@dataclass(frozen=True, kw_only=True)
class ExponentialSchedule(LearningRateSchedule):
    """Multiplies the learning rate by `decay` per epoch, spread over the steps."""

    decay: ClosedFraction = 0.95
    """The factor per epoch."""

    def shape(self, progress: float, epoch: float) -> float:
        """Return decay ^ epoch."""
        return math.pow(self.decay, epoch)


@dataclass(frozen=True, kw_only=True)
class FallingSchedule(LearningRateSchedule):
    """Base class of schedules that are constant at first and then fall to `end`."""

    hold: FractionOrZero = 0.0
    """The fraction of training before the learning rate starts to fall."""
    end: ClosedFraction = 0.0
    """The factor at the end of training."""

    @abstractmethod
    def fall(self, t: float) -> float:
        """Return the shape of the fall, from 1 at t = 0 to 0 at t = 1.

        Args:
            t: Fraction of the fall that is done, in [0, 1].
        """

    def shape(self, progress: float, epoch: float) -> float:
        """Return 1 before the fall, then end + (1 - end) fall(t)."""
        t = max(0.0, (progress - self.hold) / (1 - self.hold))
        return self.end + (1 - self.end) * self.fall(t)


@SCHEDULES.register("linear")
@dataclass(frozen=True, kw_only=True)
class LinearSchedule(FallingSchedule):
    """Falls linearly to `end`."""

    def fall(self, t: float) -> float:
        """Return 1 - t."""
        return 1 - t


@SCHEDULES.register("cosine")
@dataclass(frozen=True, kw_only=True)
class CosineSchedule(FallingSchedule):
    """Falls to `end` along half a cosine wave, without restarts (arXiv:1608.03983)."""

    def fall(self, t: float) -> float:
        """Return (1 + cos(pi t)) / 2."""
        return (1 + math.cos(math.pi * t)) / 2
