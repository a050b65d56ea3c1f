"""Fit a table to a terminal without a break inside a number, a name or a header.

Text is wrapped between words. If that is not enough, headers are cut to the last part of their keys, then the least
important columns are left out. If the other columns still do not fit, each row becomes a block of lines.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dropout_cli.core.dotted import last_name

COLUMN_GAP = 2
"""Spaces between two columns."""
FEW_COLUMNS = 3
"""Tables with at most this many columns never become blocks: a long cell continues in the next line instead."""
NUMBER = re.compile(r"[-+.]?\d")
"""The beginning of a number or an interval, which stays on one line."""
DATA_PARTS = ("train", "val", "test")
"""First parts of keys that are never cut off: val.accuracy and test.accuracy are different metrics."""

TextRows = Sequence[Sequence[str]]


class TableLayout(NamedTuple):
    """The columns of a table that are shown, with their headers and widths."""

    columns: list[int]
    headers: list[str]
    widths: list[int] | None
    """Of each shown column; None: the rows are printed as blocks."""


def fit_table(headers: Sequence[str], rows: TextRows, width: int, drop_order: Sequence[str] = ()) -> TableLayout:
    """Choose columns, headers and column widths so that a table fits a terminal.

    Args:
        headers: The names of all columns.
        rows: The cells, in the order of `headers`.
        width: The columns of the terminal.
        drop_order: Names of columns that may be left out, the first one first.
    """
    columns, short = list(range(len(headers))), shorten_headers(headers)
    if (widths := _widths(headers, rows, columns, width)) is not None:
        return TableLayout(columns, list(headers), widths)
    for name in (None, *drop_order):  # None: with short headers, all columns may fit
        same_name = [column for column in columns if headers[column] == name]
        columns = [column for column in columns if column not in same_name[:1]]
        if (widths := _widths(short, rows, columns, width)) is not None:
            return TableLayout(columns, [short[column] for column in columns], widths)
    # Not even the most important columns fit, so nothing is left out.
    columns = list(range(len(headers)))
    if len(columns) > FEW_COLUMNS:
        return TableLayout(columns, list(headers), None)
    # Two or three long columns read better folded than as blocks.
    return TableLayout(columns, short, _folded(short, rows, width))


def shorten_headers(headers: Sequence[str]) -> list[str]:
    """Cut dotted keys to their last part, if that stays clear.

    It must be unique, and the key must not begin with a part of the data, as `val.accuracy` does.
    """
    last = [last_name(header) for header in headers]
    return [
        short if last.count(short) == 1 and header.partition(".")[0] not in DATA_PARTS else header
        for header, short in zip(headers, last, strict=True)
    ]


def format_as_blocks(headers: Sequence[str], rows: TextRows) -> str:
    """Return each row as lines of header and cell; empty cells are left out."""
    room = max(map(len, headers), default=0)
    return "\n\n".join(
        "\n".join(f"{header:{room}}  {cell}" for header, cell in zip(headers, row, strict=True) if cell) for row in rows
    )


def _widths(headers: Sequence[str], rows: TextRows, columns: Sequence[int], width: int) -> list[int] | None:
    """Return the widths of the columns; None if they do not fit without a break inside a word."""
    cells = [[headers[column], *(row[column] for row in rows)] for column in columns]
    widths = [max(map(_length, column)) for column in cells]
    least = [
        max([*(_word_lengths(column[0])), *(end for cell in column[1:] for end in _unbroken(cell))], default=0)
        for column in cells
    ]
    room = width - COLUMN_GAP * (len(columns) - 1)
    if sum(least) > room:
        return None
    return _narrowed(widths, least, room)


def _folded(headers: Sequence[str], rows: TextRows, width: int) -> list[int]:
    """Return widths that shrink the widest column, but not below the words of its header."""
    widths = [max(map(_length, [headers[column], *(row[column] for row in rows)])) for column in range(len(headers))]
    least = [max([0, *_word_lengths(header)]) for header in headers]
    return _narrowed(widths, least, max(width - COLUMN_GAP * (len(headers) - 1), sum(least)))


def _narrowed(widths: list[int], least: Sequence[int], room: int) -> list[int]:
    """Shrink the widest column that is above its minimum, step by step, until all fit."""
    # The first line bounds the number of steps: a cell may hold a text of a million characters.
    widths = [max(min(width, room), low) for width, low in zip(widths, least, strict=True)]
    while sum(widths) > room:
        widest = max((i for i in range(len(widths)) if widths[i] > least[i]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _unbroken(cell: str) -> Iterator[int]:
    """Yield the lengths of what stays on one line: words, or a cell with a number."""
    if NUMBER.match(cell):
        yield _length(cell)
    else:
        yield from _word_lengths(cell)


def _word_lengths(text: str) -> Iterator[int]:
    yield from map(_length, text.split())


def _length(text: str) -> int:
    """Return the columns that the text takes on a terminal, where some characters take two."""
    from rich.cells import cell_len

    return cell_len(text)
