"""The base of layers with a rate that follows a schedule during training."""

from dropout_cli.nn.layers.base import Layer
from dropout_cli.variants.toolkit.rate_schedules import ConstantRate, RateSchedule


class ScheduledRate(Layer):
    """A dropout layer whose current rate follows a schedule.

    With several bases it must be the first, so that `set_step` reaches all: `class Block(ScheduledRate, Residual)`. The
    layer calls `_follow` after it has set the attributes that its `set_step` needs.
    """

    is_dropout = True
    rate: float
    """The current rate."""

    def _follow(self, schedule: RateSchedule, base: float, steps: int) -> None:
        """Follow a schedule, and set the rate of the first step.

        Args:
            schedule: The rate schedule.
            base: The rate of the location.
            steps: All planned training steps.
        """
        self._schedule, self._base, self._steps = schedule, base, steps
        self.set_step(0)

    def set_step(self, step: int) -> None:
        """Set the current rate."""
        super().set_step(step)
        self.rate = self._schedule.rate(self._base, step, self._steps)

    def draws(self) -> bool:
        """Return True if the current rate is above 0."""
        return self.rate > 0

    def _stays_zero(self) -> bool:
        """Return True if it never drops, so that it has nothing to log."""
        return self._base == 0 and self._schedule == ConstantRate()

    def _rate_columns(self, path: str, realized: float | None = None) -> dict[str, float]:
        """Return the current rate and, if known, the fraction dropped in the last training step."""
        columns = {f"{path}/rate": self.rate}
        return columns if realized is None else columns | {f"{path}/realized_rate": realized}
