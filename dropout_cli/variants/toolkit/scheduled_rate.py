"""The base of layers that drop at a rate of their own, which a schedule moves over training."""

from dropout_cli.nn.layers.base import Layer
from dropout_cli.variants.toolkit.rate_schedules import ConstantRate, RateSchedule


class ScheduledRate(Layer):
    """A layer of dropout whose rate in force follows a schedule.

    Beside another base it stands first, so that both hear of a step: `class Block(ScheduledRate, Residual)`. The layer
    calls `_follow` once it has what its own `set_step` needs.
    """

    is_dropout = True
    rate: float
    """The rate in force."""

    def _follow(self, schedule: RateSchedule, base: float, steps: int) -> None:
        """Take the rate of the first step.

        Args:
            schedule: How the rate moves.
            base: The location's own rate.
            steps: All planned training steps.
        """
        self._schedule, self._base, self._steps = schedule, base, steps
        self.set_step(0)

    def set_step(self, step: int) -> None:
        """Set the rate in force."""
        super().set_step(step)
        self.rate = self._schedule.rate(self._base, step, self._steps)

    def draws(self) -> bool:
        """Return whether the rate in force is above 0."""
        return self.rate > 0

    def _stays_zero(self) -> bool:
        """Return whether it never drops, so that it has nothing to log."""
        return self._base == 0 and self._schedule == ConstantRate()

    def _rate_columns(self, path: str, realized: float | None = None) -> dict[str, float]:
        """Return the rate in force and, where it is known, the share that was dropped in the last training step."""
        columns = {f"{path}/rate": self.rate}
        return columns if realized is None else columns | {f"{path}/realized_rate": realized}
