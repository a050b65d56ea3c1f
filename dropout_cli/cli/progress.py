"""Progress, notices and epochs on stderr; notices and epochs also in `log.txt`."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dropout_cli.cli.notebook_bar import NotebookBar, is_notebook
from dropout_cli.cli.output import print_stderr, warned, write_line
from dropout_cli.cli.pace import RunPace
from dropout_cli.core.text import counted, decimals, escape_control_chars, format_duration

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn

    from dropout_cli.config.schema import Experiment
    from dropout_cli.runs import Run
    from dropout_cli.sweeps.run import SweepProgress
    from dropout_cli.sweeps.tuning.search import SearchProgress
    from dropout_cli.training.loop import EpochRecord, TrainingProgress
    from dropout_cli.training.slow_steps import SlowSteps

NARROW_TERMINAL = 100
"""Columns of a terminal up to which the bar is short, to leave room for numbers."""


def _short_line(record: "EpochRecord", epochs: int) -> str:
    """Return the text beside the bar, short enough for a terminal of 80 columns."""
    row = record.metrics
    number = _number(row)
    name = f"train_{number}" if math.isnan(row["val_loss"]) else f"val_{number}"
    value, loss = decimals(row[name], 4), decimals(row["train_loss"], 4)
    return f"epoch {record.epoch}/{epochs}  {name.replace('_', ' ')} {value}  loss {loss}"


def _number(row: dict[str, float]) -> str:
    """Return the metric that is shown beside the loss: it depends on the task."""
    return "accuracy" if "train_accuracy" in row else "rmse"


class SweepProgressDisplay:
    """Shows the progress of a sweep: a live bar on a terminal, sometimes a line elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Create a display that shows nothing yet.

        Args:
            quiet: True to show no progress at all.
        """
        self._quiet = quiet
        self._bar: Bar | NotebookBar | None = None
        self._task: Any = None  # the number of the task
        self._shown = 0
        self._pace = RunPace()

    @contextmanager
    def display(self) -> Iterator[None]:
        """Show a live bar for as long as the block lasts, if stderr is a terminal."""
        if self._quiet or not _is_live():
            yield
            return
        # Runs may take minutes: the estimate of the bar itself forgets what is older than half a minute.
        with _bar(time_left=False) as self._bar:
            self._task = self._bar.add_task("", total=None)
            try:
                yield
            finally:
                self._bar, self._task = None, None

    def show_search(self, progress: "SearchProgress") -> None:
        """Show the progress of a search.

        Args:
            progress: How many trials have ended, and the best value so far.
        """
        best = "" if progress.best is None else f", best {decimals(progress.best, 4)}"
        line = f"{progress.ended}/{counted(progress.trials, 'trial')}{best}"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, total=progress.trials, completed=progress.ended, description=line)
        elif not self._quiet and progress.ended > self._shown:
            self._shown = progress.ended
            write_line(line, sys.stderr)
            if progress.ended == progress.trials:
                self._shown = 0  # the runs of the winner follow, and are counted from 0 again

    def __call__(self, progress: "SweepProgress") -> None:
        """Show the progress of a sweep.

        Without a bar this is a line for every twentieth part of the runs, and for every run that fails.

        Args:
            progress: How many runs are done and failed, and the run that ended last.
        """
        ended = progress.done + progress.failed
        line = f"{ended}/{counted(progress.cells, 'run')}" + (f", {progress.failed} failed" if progress.failed else "")
        line += f", {progress.look}" if progress.look else ""
        self._pace.add(time.monotonic(), ended)
        seconds = self._pace.seconds_left(progress.cells - ended)
        line += f", about {format_duration(seconds)} left" if seconds and ended < progress.cells else ""
        line += " to this look" if progress.look and seconds and ended < progress.cells else ""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, total=progress.cells, completed=ended, description=line)
        elif not self._quiet:
            failed = progress.last is not None and progress.last.failure is not None
            # At most about twenty lines: the log of a batch job should stay readable for a thousand runs.
            if failed or ended == progress.cells or ended - self._shown >= max(1, progress.cells // 20):
                self._shown = ended
                write_line(line, sys.stderr)


def _is_live() -> bool:
    """Return True if a bar can be shown: on a terminal, or in a notebook."""
    return is_notebook() or sys.stderr.isatty()


def _bar(*, time_left: bool = True) -> "Bar | NotebookBar":
    if is_notebook():
        return NotebookBar()
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(*_columns(console, time_left=time_left), console=console)


def _columns(console: "Console", *, time_left: bool = True) -> "tuple[ProgressColumn, ...]":
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    return (
        BarColumn(20 if console.width > NARROW_TERMINAL else 8),
        TaskProgressColumn(),
        *([TimeRemainingColumn()] if time_left else []),
        TextColumn("{task.description}", markup=False),
    )


MAX_EPOCH_LINES = 10
"""Epochs that are shown without a terminal; `metrics.csv` and `log.txt` have all of them."""


def shown_epochs(first: int, last: int) -> frozenset[int]:
    """Return the epochs that get a line: all, or the first, the last and some between.

    Args:
        first: The first epoch that is trained now.
        last: The last epoch of the run.
    """
    if last - first < MAX_EPOCH_LINES:
        return frozenset(range(first, last + 1))
    return frozenset(first + i * (last - first) // (MAX_EPOCH_LINES - 1) for i in range(MAX_EPOCH_LINES))


class ProgressDisplay:
    """Shows the progress of one run: a live bar on a terminal, some lines elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Create a display that shows nothing yet.

        Args:
            quiet: True to show neither progress nor epochs. Notices are shown all the same.
        """
        self._quiet = quiet
        self._early: list[str] = []  # notices from before the run folder exists; its log gets them later
        self._run: Run | None = None
        self._slow_steps: SlowSteps | None = None
        self._bar: Bar | NotebookBar | None = None
        self._task: Any = None  # the number of the task
        self._epochs = 0
        self._shown: frozenset[int] | None = None
        self._hidden_line: str | None = None  # of the latest epoch, if it was not shown

    def notice(self, text: str) -> None:
        """Show and log a notice for the user."""
        self._log(text)
        self._show(text)

    @contextmanager
    def display(self, run: "Run", experiment: "Experiment") -> Iterator["ProgressDisplay"]:
        """Show and log the events of a run for as long as the block lasts.

        Args:
            run: The run; its `log.txt` gets notices and epochs.
            experiment: The resolved experiment.
        """
        from dropout_cli.training.slow_steps import SlowSteps

        settings = experiment.training
        self._run, self._epochs = run, settings.epochs
        self._slow_steps = SlowSteps(int(settings.batch_size), int(settings.threads))
        for text in (*warned, *self._early):
            run.append_log(text)
        if _is_live() and not self._quiet:
            with self._live():
                yield self
        else:
            try:
                yield self
            finally:
                # Early stopping or a signal can end the training at any epoch: its numbers are the result.
                if self._hidden_line is not None:
                    print_stderr(self._hidden_line)

    def __call__(self, event: "TrainingProgress | EpochRecord") -> None:
        """Show an event of the training, and log it if it is the end of an epoch.

        Args:
            event: Progress within an epoch, or the numbers of an epoch that has ended.
        """
        from dropout_cli.training.loop import EpochRecord  # here: it imports NumPy

        if self._slow_steps is not None and (slow := self._slow_steps.observe(event, time.perf_counter())):
            self.notice(slow)
        if isinstance(event, EpochRecord):
            line = self._epoch_line(event)
            self._log(line)
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=event.epoch, description=_short_line(event, self._epochs))
            elif not self._quiet:
                self._show_or_keep(event.epoch, line)
        elif self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=event.epoch - 1 + event.step / event.steps)

    def _show_or_keep(self, epoch: int, line: str) -> None:
        """Show the line of an epoch, or keep it in case that it is the last one."""
        if self._shown is None:
            self._shown = shown_epochs(epoch, self._epochs)
        if epoch in self._shown or self._epochs == 0:
            self._show(line)
            self._hidden_line = None
        else:
            self._hidden_line = line

    @contextmanager
    def _live(self) -> Iterator[None]:
        with _bar() as self._bar:
            self._task = self._bar.add_task("", total=self._epochs)
            try:
                yield
            finally:
                self._bar, self._task = None, None

    def _epoch_line(self, record: "EpochRecord") -> str:
        row = record.metrics
        width = len(str(self._epochs))
        # A replay trains without `display`, so the number of epochs is not known.
        line = f"epoch {record.epoch:{width}}/{self._epochs}" if self._epochs else f"epoch {record.epoch}"
        number = _number(row)
        line += f"  loss {decimals(row['train_loss'], 4)}  {number} {decimals(row[f'train_{number}'], 4)}"
        if not math.isnan(row["val_loss"]):  # NaN: the run has no validation part
            line += f"  val loss {decimals(row['val_loss'], 4)}  val {number} {decimals(row[f'val_{number}'], 4)}"
        return line

    def _show(self, text: str) -> None:
        if self._bar is not None:
            # Through the bar's console: it prints above the bar. A plain print would break the bar's line.
            self._bar.console.print(escape_control_chars(text), markup=False, highlight=False)
        else:
            write_line(escape_control_chars(text), sys.stderr)

    def _log(self, text: str) -> None:
        if self._run is None:
            self._early.append(text)
        else:
            self._run.append_log(text)
