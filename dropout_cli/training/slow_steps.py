"""A message if the steps of a run become much slower than its first ones.

With several threads, another busy program can make a step ten times slower: a matrix product is only complete when its
slowest thread is, and that thread waits for a core.
"""

from dropout_cli.core.text import significant
from dropout_cli.training.loop import EpochRecord, TrainingProgress

SLOWER = 3.0
"""How many times as long a step must take."""
FIRST_SECONDS, LATER_SECONDS = 1.0, 3.0
"""Seconds of training of the first steps, and of the later ones that are compared with them."""
FEWEST = 5
"""Samples in each of the two, so that one pause of the whole program is no slow step."""


class SlowSteps:
    """Compares the steps of a run with its first ones."""

    def __init__(self, batch_size: int, threads: int) -> None:
        """Begin with no steps.

        Args:
            batch_size: The number of examples of a step.
            threads: The number of threads of the run.
        """
        self._batch, self._threads = batch_size, threads
        self._last: tuple[int, int, float] | None = None
        """Epoch, step and time of the last progress."""
        self._counted = 0
        """The last epoch whose progress was counted."""
        self._first: float | None = None
        """Seconds of one of the first steps."""
        self._samples: list[tuple[float, float]] = []
        """Seconds in total and per step."""
        self._is_told = False

    def observe(self, event: TrainingProgress | EpochRecord, now: float) -> str | None:
        """Return a message the first time that steps are slow; None otherwise.

        Args:
            event: An event of the training.
            now: The time of the event in seconds, by a clock that only goes forward.
        """
        if self._is_told:
            return None
        last, self._last = self._last, None
        if isinstance(event, TrainingProgress):
            self._last = (event.epoch, event.step, now)
            if last is None or last[0] != event.epoch or event.step <= last[1]:
                return None
            self._counted = event.epoch
            return self._add(now - last[2], event.step - last[1])
        # A short epoch has no progress of its own.
        return self._add(event.train_seconds, event.examples / self._batch) if self._counted != event.epoch else None

    def _add(self, seconds: float, steps: float) -> str | None:
        """Take a sample; return the message if the later steps are complete and slow."""
        self._samples.append((seconds, seconds / steps))
        wanted = FIRST_SECONDS if self._first is None else LATER_SECONDS
        if len(self._samples) < FEWEST or sum(total for total, _ in self._samples) < wanted:
            return None
        # The median: neither a pause nor the start of the threads counts.
        per_step = sorted(each for _, each in self._samples)[len(self._samples) // 2]
        self._samples.clear()
        if self._first is None:
            self._first = per_step
            return None
        self._is_told = per_step > SLOWER * self._first
        return self._message(per_step, self._first) if self._is_told else None

    def _message(self, now: float, first: float) -> str:
        fact = (
            f"a step now takes {significant(1000 * now, 3)} ms, {significant(now / first, 2)} times as long as at first"
        )
        way_out = "Other programs probably use the processor"
        if self._threads > 1:
            way_out += f", which slows steps with {self._threads} threads most. For new runs, set training.threads=1"
        return f"training.threads: {fact}. {way_out}."
