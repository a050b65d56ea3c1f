"""Results on stdout, errors on stderr, and tables that fit a terminal."""

import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from dropout_cli.core.errors import READER_GONE, RunFailed, Stop
from dropout_cli.core.text import significant, visible

if TYPE_CHECKING:
    from dropout_cli.runs import Run


def result(text: str) -> None:
    """Print to stdout. Raises Stop when nobody reads it."""
    write_line(text, sys.stdout)


def complain(text: str) -> None:
    """Print to stderr, if anybody is there to read it."""
    with suppress(Stop, RunFailed):
        write_line(visible(text), sys.stderr)


warned: list[str] = []
"""The warnings that this process has printed; the log of a run begins with them."""


def warn(text: str) -> None:
    """Print a warning to stderr, and keep it for the log of a run that may follow."""
    warned.append(text)
    complain(text)


def write_line(text: str, file: Any) -> None:
    """Print a line. Raises Stop when nobody reads it, and RunFailed when it cannot be written."""
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

    from dropout_cli.cli import table_layout

    headers, texts = [cell_text(header) for header in headers], [[cell_text(cell) for cell in row] for row in rows]
    numeric = [_are_numbers([row[place] for row in rows]) for place in range(len(headers))]
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else 10_000, color_system=None, legacy_windows=False)
    columns, shown, widths = list(range(len(headers))), list(headers), None
    if terminal:
        columns, shown, widths = table_layout.fitted(headers, texts, console.width, least)
        if widths is None:
            return table_layout.blocks(headers, texts)
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    if terminal:
        made.show_edge, made.padding = False, (0, table_layout.GAP - 1, 0, 0)  # beside the space of the box itself
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
    text = significant(cell) if isinstance(cell, float) else str(cell)
    return visible(text).replace("\n", "\\n")


def run_ended(run: "Run", summary: dict[str, Any], json: bool) -> None:
    """Print whether the run that has ended is beaten by a dummy, its warnings, and its folder or its numbers."""
    from dropout_cli.training import against_dummy

    beaten = against_dummy.sentence(summary)
    if beaten is not None:
        complain(beaten)
    for warning in summary["warnings"]:
        complain(warning)
    result(as_json({"run": str(run.path)} | summary) if json else str(run.path))
