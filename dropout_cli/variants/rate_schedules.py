"""The rate over training: a pure function of the step and of each place's own rate."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from dropout_cli.fields import Rate
from dropout_cli.registry import Registry

RATE_SCHEDULES: Registry["RateSchedule"] = Registry("rate schedule", package="dropout_cli.variants.rate_schedules")


@dataclass(frozen=True, kw_only=True)
class RateSchedule(ABC):
    """How the rate in force follows from the step."""

    @abstractmethod
    def rate(self, base: float, step: int, steps: int) -> float:
        """The rate at step 0 .. steps - 1 of a place whose own rate is `base`."""


@RATE_SCHEDULES.register("constant")
@dataclass(frozen=True, kw_only=True)
class Constant(RateSchedule):
    """The place's own rate throughout."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """`base`."""
        return base


@RATE_SCHEDULES.register("linear")
@dataclass(frozen=True, kw_only=True)
class Linear(RateSchedule):
    """A straight line, as DropBlock ramps its rate from 0 (Ghiasi et al. 2018, arXiv:1810.12890)."""

    start: Rate = 0.0
    """The rate at the first step."""
    end: Rate | None = None
    """The rate at the last step; null: the place's own rate."""

    def rate(self, base: float, step: int, steps: int) -> float:
        """start + (end - start) step / (steps - 1)."""
        end = base if self.end is None else self.end
        return self.start + (end - self.start) * step / max(1, steps - 1)
