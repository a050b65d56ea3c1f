"""The option `--max-time`: stop a training run after a given time, as a signal would."""

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from dropout_cli.core.errors import TERMINATE, StopRequest, UsageError

if TYPE_CHECKING:
    from dropout_cli.training.loop import EpochRecord, TrainingProgress

    TrainingWatch: TypeAlias = Callable[[TrainingProgress | EpochRecord], None]

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
"""Unit -> its length in seconds."""


def with_time_limit(watch: "TrainingWatch", max_seconds: float | None) -> "TrainingWatch":
    """Wrap a watcher of training events so that it stops the training after a time.

    Args:
        watch: Receives every event of the training.
        max_seconds: Seconds from this call on; None: no limit.

    Returns:
        A watcher that passes events on, and raises Stop at the first event after the time is over.
    """
    if max_seconds is None:
        return watch
    # monotonic: a change of the system clock must not end a run.
    end = time.monotonic() + max_seconds

    def watch_the_clock(event: "TrainingProgress | EpochRecord") -> None:
        watch(event)  # first, so that an epoch which ends in time is still shown and logged
        if time.monotonic() >= end:
            raise StopRequest(TERMINATE)

    return watch_the_clock


def parse_duration(text: str) -> float:
    """Return the length of a time such as `90`, `90s`, `1.5m`, `2h` or `1d` in seconds.

    Raises:
        UsageError: The text is not a duration.
    """
    # At most nine digits, so that the number of seconds stays finite.
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smhd]?)", text.strip(), re.ASCII)
    if match is None:
        raise UsageError("--max-time", f"'{text}' is not a duration", "Write it as 90s, 10m, 1.5h or 1d.")
    return float(match[1]) * SECONDS[match[2]]
