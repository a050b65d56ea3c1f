"""A table that fits a terminal: no number, name or header is broken within a word.

Prose is wrapped between its words. Where that is not enough, headers are cut to the last part of their keys, then
columns that matter least are left out, and where even the others do not fit, each row becomes a block of lines.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dropout_cli.core.dotted import last_name

GAP = 2
"""Between two columns."""
FEW = 3
"""With so few columns blocks would help nobody: there, what is too long for a line goes on in the next one."""
NUMBER = re.compile(r"[-+.]?\d")
"""How a number begins, or an interval, which stays on one line."""
PARTS = ("train", "val", "test")

Texts = Sequence[Sequence[str]]


class Fitted(NamedTuple):
    """Which columns of a table are shown, under which headers, and how wide."""

    columns: list[int]
    headers: list[str]
    widths: list[int] | None
    """None: rows as blocks."""


def fitted(headers: Sequence[str], rows: Texts, width: int, least: Sequence[str] = ()) -> Fitted:
    """The table within `width`; `least` names columns that may be left out, the first one first."""
    columns, short = list(range(len(headers))), shortened(headers)
    if (widths := _widths(headers, rows, columns, width)) is not None:
        return Fitted(columns, list(headers), widths)
    for name in (None, *least):
        there = [column for column in columns if headers[column] == name]
        columns = [column for column in columns if column not in there[:1]]
        if (widths := _widths(short, rows, columns, width)) is not None:
            return Fitted(columns, [short[one] for one in columns], widths)
    columns = list(range(len(headers)))
    if len(columns) > FEW:
        return Fitted(columns, list(headers), None)
    return Fitted(columns, short, _folded(short, rows, width))


def shortened(headers: Sequence[str]) -> list[str]:
    """The last part of each dotted key, where no other has the same; numbers keep their part of the data."""
    last = [last_name(header) for header in headers]
    return [
        short if last.count(short) == 1 and header.partition(".")[0] not in PARTS else header
        for header, short in zip(headers, last, strict=True)
    ]


def blocks(headers: Sequence[str], rows: Texts) -> str:
    """Each row as lines of header and cell; empty cells are left out."""
    room = max(map(len, headers), default=0)
    return "\n\n".join(
        "\n".join(f"{header:{room}}  {cell}" for header, cell in zip(headers, row, strict=True) if cell) for row in rows
    )


def _widths(headers: Sequence[str], rows: Texts, columns: Sequence[int], width: int) -> list[int] | None:
    """How wide the columns are within `width`; None where some word would have to be broken."""
    cells = [[headers[one], *(row[one] for row in rows)] for one in columns]
    widths = [max(map(_length, column)) for column in cells]
    least = [
        max([*(_longest_word(column[0])), *(end for cell in column[1:] for end in _unbroken(cell))], default=0)
        for column in cells
    ]
    room = width - GAP * (len(columns) - 1)
    if sum(least) > room:
        return None
    return _narrowed(widths, least, room)


def _folded(headers: Sequence[str], rows: Texts, width: int) -> list[int]:
    """The widest column gets what the others leave, at least as much as its header needs."""
    widths = [max(map(_length, [headers[one], *(row[one] for row in rows)])) for one in range(len(headers))]
    least = [max([0, *_longest_word(header)]) for header in headers]
    return _narrowed(widths, least, max(width - GAP * (len(headers) - 1), sum(least)))


def _narrowed(widths: list[int], least: Sequence[int], room: int) -> list[int]:
    """Take from the widest column that can give, until they have room."""
    widths = [max(min(one, room), low) for one, low in zip(widths, least, strict=True)]
    while sum(widths) > room:
        widest = max((one for one in range(len(widths)) if widths[one] > least[one]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _unbroken(cell: str) -> Iterator[int]:
    """The lengths of what stays on one line: a word of prose, a number with all that follows it."""
    if NUMBER.match(cell):
        yield _length(cell)
    else:
        yield from _longest_word(cell)


def _longest_word(text: str) -> Iterator[int]:
    yield from map(_length, text.split())


def _length(text: str) -> int:
    """In columns of a terminal."""
    from rich.cells import cell_len

    return cell_len(text)
