"""`--max-time`: a run that is asked to stop when its time is over, as by a signal."""

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from dropout_cli.core.errors import TERMINATE, Stop, UsageError

if TYPE_CHECKING:
    from dropout_cli.training.loop import EpochRecord, TrainingProgress

    TrainingWatch: TypeAlias = Callable[[TrainingProgress | EpochRecord], None]

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def limited(watch: "TrainingWatch", longest: float | None) -> "TrainingWatch":
    """The same, but raising Stop once so many seconds have gone by since this call."""
    if longest is None:
        return watch
    end = time.monotonic() + longest

    def watch_the_clock(event: "TrainingProgress | EpochRecord") -> None:
        watch(event)
        if time.monotonic() >= end:
            raise Stop(TERMINATE)

    return watch_the_clock


def seconds(text: str) -> float:
    """The length of `90`, `90s`, `1.5m`, `2h` or `1d`. Raises UsageError."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smhd]?)", text.strip(), re.ASCII)
    if match is None:
        raise UsageError("--max-time", f"'{text}' is not a length of time", "Write it as 90s, 10m, 1.5h or 1d.")
    return float(match[1]) * SECONDS[match[2]]
