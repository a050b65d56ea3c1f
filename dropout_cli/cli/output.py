"""Results on stdout, messages on stderr, and tables that fit a terminal."""

import sys
import textwrap
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from dropout_cli.cli.streams import output_problem
from dropout_cli.core.errors import PIPE_CLOSED, RunFailed, StopRequest
from dropout_cli.core.text import escape_control_chars, significant


def print_result(text: str) -> None:
    """Print a result to stdout.

    Raises:
        Stop: The reader of the pipe is gone.
        RunFailed: The text cannot be written, for example because the disk is full.
    """
    write_line(text, sys.stdout)


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of a result to stdout; control characters and line ends within a line are spelled out."""
    print_result("\n".join(map(cell_text, lines)))


def print_path(path: Path) -> None:
    """Print a path to stdout: as it is for a program, with control characters spelled out on a terminal."""
    print_result(cell_text(path) if sys.stdout.isatty() else str(path))


def print_stderr(text: str) -> None:
    """Print an error, a warning or a notice to stderr; do nothing if stderr is closed."""
    # The exit code must not depend on whether somebody reads the messages.
    with suppress(StopRequest, RunFailed):
        write_line(escape_control_chars(text), sys.stderr)


warned: list[str] = []
"""The warnings that this process has printed; the log of a run begins with them."""


def warn(text: str) -> None:
    """Print a warning to stderr, and keep it for the log of a run that may follow."""
    warned.append(text)
    print_stderr(text)


def write_line(text: str, file: Any) -> None:
    """Print a line to a file.

    Raises:
        Stop: The reader of the pipe is gone.
        RunFailed: The line cannot be written.
    """
    try:
        print(text, file=file, flush=True)
    except BrokenPipeError:
        raise StopRequest(PIPE_CLOSED) from None
    except OSError as error:
        raise RunFailed(*output_problem(error)) from None


def json_text(value: Any) -> str:
    """Return indented JSON text of the value; NaN and infinities raise ValueError."""
    import json  # here: `dropout --help` does without it

    return json.dumps(value, indent=2, allow_nan=False)


def format_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    drop_order: Sequence[str] = (),
    full_table_option: str = "--json",
) -> str:
    """Return a plain table: of full width for pipes and files, fitted to a terminal.

    Args:
        headers: The names of the columns.
        rows: The cells, in the order of `headers`.
        drop_order: Columns that a narrow terminal may leave out, the first one first. A line below names them.
        full_table_option: The option that prints all columns, for that line.
    """
    # Inside the function: `dropout --help` and commands without a table do not wait for these imports.
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
        columns, shown, widths = table_layout.fit_table(headers, texts, console.width, drop_order)
        if widths is None:
            return table_layout.format_as_blocks(headers, texts)
    rich_table = Table(box=SIMPLE_HEAD, pad_edge=False)
    if terminal:
        # The box itself adds one space between columns; the padding adds the rest of the gap.
        rich_table.show_edge, rich_table.padding = False, (0, table_layout.COLUMN_GAP - 1, 0, 0)
    for place, (column, header) in enumerate(zip(columns, shown, strict=True)):
        width = None if widths is None else widths[place]
        justify: Literal["left", "right"] = "right" if numeric[column] else "left"
        rich_table.add_column(Text(header), justify=justify, overflow="fold", width=width)
    for row in texts:
        rich_table.add_row(*(Text(row[column]) for column in columns))  # Text: square brackets are no markup
    with console.capture() as captured:
        console.print(rich_table)
    lines = [line.rstrip() for line in captured.get().strip("\n").splitlines()]
    if left_out := [header for column, header in enumerate(headers) if column not in columns]:
        note = (
            f"This terminal is too narrow for the columns {', '.join(left_out)}. Use a wider one, or "
            f"{full_table_option}."
        )
        lines += textwrap.wrap(note, console.width, break_long_words=False)
    return "\n".join(lines)


def _are_numbers(cells: Sequence[Any]) -> bool:
    return bool(cells) and all(isinstance(cell, int | float) or cell in (None, "") for cell in cells)


def cell_text(cell: Any) -> str:
    """Return a value as text for a person, with control characters escaped.

    Args:
        cell: None gives an empty text; a float is rounded to four significant digits.
    """
    if cell is None:
        return ""
    text = significant(cell) if isinstance(cell, float) else str(cell)
    return escape_control_chars(text).replace("\n", "\\n")
