"""What a person sees: results on stdout; progress, notices and errors on stderr, and the latter in the run's log."""

import math
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

from dropout_cli.errors import READER_GONE, RunFailed, Stop
from dropout_cli.visible import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn, TaskID

    from dropout_cli.runs import Run
    from dropout_cli.sweeps.conduct import Progress as SweepProgress
    from dropout_cli.training import EpochRecord, Progress
    from dropout_cli.tuning.search import Progress as SearchProgress


NARROW = 100
"""Columns of a terminal on which a bar is short, to leave room for numbers."""


def result(text: str) -> None:
    """Print to stdout. Raises Stop when nobody reads it."""
    _print(text, sys.stdout)


def complain(text: str) -> None:
    """Print to stderr, if anybody is there to read it."""
    with suppress(Stop, RunFailed):
        _print(visible(text), sys.stderr)


def _print(text: str, file: Any) -> None:
    try:
        print(text, file=file, flush=True)
    except BrokenPipeError:
        raise Stop(READER_GONE) from None
    except OSError as error:
        raise RunFailed("output", f"cannot be written ({error.strerror})") from None


def as_json(value: Any) -> str:
    """One JSON object, readable."""
    import json

    return json.dumps(value, indent=2, allow_nan=False)


def table(
    headers: Sequence[str], rows: Sequence[Sequence[Any]], *, least: Sequence[str] = (), elsewhere: str = "--json"
) -> str:
    """A plain table; as wide as it needs to be where stdout is no terminal, made to fit where it is one.

    There, columns of `least` may be left out, the first one first, and it is said that `elsewhere` has them.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from dropout_cli.cli import layout

    texts = [[cell_text(cell) for cell in row] for row in rows]
    numeric = [_are_numbers([row[place] for row in rows]) for place in range(len(headers))]
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else 10_000, color_system=None, legacy_windows=False)
    columns, shown, widths = list(range(len(headers))), list(headers), None
    if terminal:
        columns, shown, widths = layout.fitted(headers, texts, console.width, least)
        if widths is None:
            return layout.blocks(headers, texts)
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    if terminal:
        made.show_edge, made.padding = False, (0, layout.GAP - 1, 0, 0)  # beside the space of the box itself
    for place, (column, header) in enumerate(zip(columns, shown, strict=True)):
        width = None if widths is None else widths[place]
        justify: Literal["left", "right"] = "right" if numeric[column] else "left"
        made.add_column(Text(header), justify=justify, overflow="fold", width=width)
    for row in texts:
        made.add_row(*(Text(row[column]) for column in columns))
    with console.capture() as captured:
        console.print(made)
    lines = [line.rstrip() for line in captured.get().strip("\n").splitlines()]
    if left_out := [header for column, header in enumerate(headers) if column not in columns]:
        told = f"Left out, for this terminal is narrow: {', '.join(left_out)}. A wider one has them, and {elsewhere}."
        lines += textwrap.wrap(told, console.width, break_long_words=False)
    return "\n".join(lines)


def _are_numbers(cells: Sequence[Any]) -> bool:
    return bool(cells) and all(isinstance(cell, int | float) or cell in (None, "") for cell in cells)


def cell_text(cell: Any) -> str:
    """A value as a person reads it; control characters are shown, not sent to the terminal."""
    if cell is None:
        return ""
    text = f"{cell:.4g}" if isinstance(cell, float) else str(cell)
    return visible(text).replace("\n", "\\n")


def _short_line(record: "EpochRecord", epochs: int) -> str:
    """What fits beside a bar on a narrow terminal."""
    row = record.metrics
    number = _number(row)
    name = f"train_{number}" if math.isnan(row["val_loss"]) else f"val_{number}"
    return f"epoch {record.epoch}/{epochs}  {name.replace('_', ' ')} {row[name]:.4f}  loss {row['train_loss']:.4f}"


def _number(row: dict[str, float]) -> str:
    """What the task shows beside the loss."""
    return "accuracy" if "train_accuracy" in row else "rmse"


class SweepScreen:
    """Follows a sweep: a live bar of cells on a terminal, now and then a plain line elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        """`quiet` leaves out all of it."""
        self._quiet = quiet
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._shown = 0

    @contextmanager
    def following(self) -> Iterator[None]:
        """Show the cells that end for as long as the block lasts."""
        if self._quiet or not sys.stderr.isatty():
            yield
            return
        with _bar() as self._bar:
            self._task = self._bar.add_task("", total=None)
            try:
                yield
            finally:
                self._bar, self._task = None, None

    def search(self, progress: "SearchProgress") -> None:
        """Show how far a search is: a line, or a step of the bar, whenever a trial has ended."""
        best = "" if progress.best is None else f", best {progress.best:.4f}"
        line = f"{progress.ended}/{progress.trials} trials{best}"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, total=progress.trials, completed=progress.ended, description=line)
        elif not self._quiet and progress.ended > self._shown:
            self._shown = progress.ended
            _print(line, sys.stderr)
            if progress.ended == progress.trials:
                self._shown = 0

    def __call__(self, progress: "SweepProgress") -> None:
        """Show how far the sweep is; in plain text at most twenty times, and whenever a cell fails."""
        ended = progress.done + progress.failed
        line = f"{ended}/{progress.cells} cells" + (f", {progress.failed} failed" if progress.failed else "")
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, total=progress.cells, completed=ended, description=line)
        elif not self._quiet:
            failed = progress.last is not None and progress.last.failure is not None
            if failed or ended == progress.cells or ended - self._shown >= max(1, progress.cells // 20):
                self._shown = ended
                _print(line, sys.stderr)


def _bar() -> "Bar":
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(*_columns(console), console=console)


def _columns(console: "Console") -> "tuple[ProgressColumn, ...]":
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    return (
        BarColumn(20 if console.width > NARROW else 8),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )


class Screen:
    """Follows one run: a live progress display on a terminal, a plain line per epoch elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        """`quiet` leaves out progress and epochs, not notices."""
        self._quiet = quiet
        self._early: list[str] = []
        self._run: Run | None = None
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._epochs = 0

    def notice(self, text: str) -> None:
        """Say something the user should know."""
        self._log(text)
        self._show(text)

    @contextmanager
    def following(self, run: "Run", epochs: int) -> Iterator["Screen"]:
        """Show and log the events of `run` for as long as the block lasts."""
        self._run, self._epochs = run, epochs
        for text in self._early:
            run.log(text)
        if sys.stderr.isatty() and not self._quiet:
            with self._live():
                yield self
        else:
            yield self

    def __call__(self, event: "Progress | EpochRecord") -> None:
        """Show what training yielded."""
        from dropout_cli.training import EpochRecord

        if isinstance(event, EpochRecord):
            line = self._epoch_line(event)
            self._log(line)
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=event.epoch, description=_short_line(event, self._epochs))
            elif not self._quiet:
                self._show(line)
        elif self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=event.epoch - 1 + event.step / event.steps)

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
        line = f"epoch {record.epoch:{width}}/{self._epochs}"
        number = _number(row)
        line += f"  loss {row['train_loss']:.4f}  {number} {row[f'train_{number}']:.4f}"
        if not math.isnan(row["val_loss"]):
            line += f"  val loss {row['val_loss']:.4f}  val {number} {row[f'val_{number}']:.4f}"
        return line

    def _show(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(visible(text), markup=False, highlight=False)
        else:
            _print(visible(text), sys.stderr)

    def _log(self, text: str) -> None:
        if self._run is None:
            self._early.append(text)
        else:
            self._run.log(text)
