"""The pace of a sweep: the time left, from the runs that ended last."""

from collections import deque

RECENT = 11
"""The number of ends from which the pace is computed: ten intervals smooth runs that train side by side."""


class RunPace:
    """The times at which runs ended, and the time left at the pace of the last ones."""

    def __init__(self) -> None:
        """Start without a run."""
        self._ends: deque[tuple[float, int]] = deque(maxlen=RECENT)

    def add(self, now: float, ended: int) -> None:
        """Note how many runs have ended.

        Args:
            now: The time in seconds.
            ended: The number of runs that have ended, those of earlier sessions included.
        """
        if self._ends and ended < self._ends[-1][1]:  # another sweep begins, as after the finals of a search
            self._ends.clear()
        if not self._ends or ended > self._ends[-1][1]:
            self._ends.append((now, ended))

    def seconds_left(self, remaining: int) -> float | None:
        """Return the time that the remaining runs take; None before a run has ended in this session."""
        if len(self._ends) < 2:
            return None
        (first, before), (last, ended) = self._ends[0], self._ends[-1]
        return remaining * (last - first) / (ended - before)
