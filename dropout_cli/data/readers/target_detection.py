"""Finding out how a table is written from its first lines: what is between its cells, whether it has a header."""

import io
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TextIO

from dropout_cli.core.errors import DataError
from dropout_cli.data.readers import number_formats
from dropout_cli.data.readers.cells import MISSING
from dropout_cli.data.readers.dialect import Dialect, rows_of
from dropout_cli.data.readers.text import SAMPLE_BYTES, encoding_of, opened

SEPARATORS = (",", "\t", ";", "|", None)
QUOTES = ('"', "'")
SAMPLE_LINES = 200
SCORED_CHARACTERS = 50_000
"""Of so much text, from the top, every division is tried."""
SCORED_CELLS = 50
EVENNESS = 10
"""How much more it counts that rows have equally many cells than that cells are numbers."""


def detect(path: Path, *, separator: str | None = None, header: bool | None = None) -> Dialect:
    """Find out how the file is written; what is given is taken for granted. Raises DataError."""
    encoding = encoding_of(path)
    with opened(path, encoding) as file:
        lines = _sample(file)
    if not lines:
        raise DataError(str(path), "is empty", "Name a file with rows")
    between, quote = _division(lines, SEPARATORS if separator is None else ({"space": None}.get(separator, separator),))
    rows = [[_bare(cell) for cell in row] for row, _ in rows_of(_as_file(lines), between, quote, str(path))]
    if not rows:
        raise DataError(str(path), "is empty", "Name a file with rows")
    header = has_header(rows) if header is None else header
    first = rows[0]
    if header:
        first = [first[0].removeprefix("#").strip(), *first[1:]]
    if header and len(rows) > 1 and all(len(row) == len(first) + 1 for row in rows[1:]):
        ends_in_separator = not any(row[-1] for row in rows[1:])
        first = [*first, ""] if ends_in_separator else ["", *first]  # the latter as R writes it, row names in front
    cells = (cell for row in rows[header:] for cell in row)
    return Dialect(between, quote, encoding, header, tuple(first), number_formats.has_decimal_comma(cells, between))


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns.

    It does where words stand over columns of numbers, or where its words never come again. Numbers in it speak against
    it, unless they ascend, as years do, under such words, or count by ones: 0, 1, 2.
    """
    first, *others = ([cell.strip() for cell in row] for row in rows)
    if any(cell in MISSING and cell for cell in first):
        return False
    below = [
        [row[place] for row in others if place < len(row) and row[place] not in MISSING] for place in range(len(first))
    ]
    words = [
        (cell, column) for cell, column in zip(first, below, strict=True) if cell and not number_formats.is_number(cell)
    ]
    over_numbers = any(column and all(map(number_formats.is_number, column)) for _, column in words)
    never_again = not any(cell in column for cell, column in words)
    numbers = [cell for cell in first if number_formats.is_number(cell)]
    if numbers:
        counting = len(numbers) > 2 and _counts(numbers) and not (others and _counts(others[0]))
        named = counting and never_again and (bool(words) or numbers[0] in ("0", "1"))
        return bool(others) and (named or (over_numbers and _ascends(numbers)))
    return over_numbers or (never_again and len({cell for cell, _ in words}) == len(words))


def _counts(cells: Sequence[str]) -> bool:
    """Whether the numbers among the cells are whole, each one more than the one before."""
    numbers = [int(cell) for cell in cells if cell.isascii() and cell.isdigit() and len(cell) < 10]
    return len(numbers) > 1 and all(after - before == 1 for before, after in pairwise(numbers))


def _ascends(cells: Sequence[str]) -> bool:
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return False
    return all(before < after for before, after in pairwise(numbers))


def _bare(cell: str) -> str:
    """Without blanks and quotation marks around it."""
    text = cell.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] and text[0] in QUOTES else text


def _sample(file: TextIO) -> list[str]:
    """The first lines that are not blank."""
    text = file.read(SAMPLE_BYTES)
    whole = [line.rstrip("\r\n") for line in io.StringIO(text, newline="")]
    lines = whole[:-1] if len(text) == SAMPLE_BYTES and len(whole) > 1 else whole
    return [line for line in lines if line.strip()][:SAMPLE_LINES]


def _division(lines: list[str], separators: Sequence[str | None]) -> tuple[str | None, str]:
    """What is between cells, and the mark around them.

    Those by which most lines have equally many cells, and by which most cells are numbers.
    """
    ends = list(accumulate(map(len, lines)))
    few = lines[: max(2, bisect(ends, SCORED_CHARACTERS))]
    scores = {
        (separator, quote): _score(few, separator, quote)
        for separator in separators
        for quote in QUOTES
        if quote == '"' or _encloses(quote, few)
    }
    best = max(scores, key=lambda one: (scores[one], one[1] == "'" and not _encloses('"', few)))
    return best if scores[best] > 0 or len(separators) == 1 else (None, best[1])


def _score(lines: list[str], separator: str | None, quote: str) -> float:
    rows = [row for row, _ in _tried(lines, separator, quote)]
    width, often = Counter(map(len, rows)).most_common(1)[0] if rows else (1, 0)
    if width < 2:
        return 0.0
    cells = [number_formats.is_number(_bare(cell)) for row in rows for cell in row[:SCORED_CELLS]]
    little = 0.0 if separator is None else min(width, 1000) / 1e5  # words with blanks between them are no columns
    return EVENNESS * often / len(rows) + sum(cells) / len(cells) + little


def _tried(lines: list[str], separator: str | None, quote: str) -> list[tuple[list[str], int]]:
    try:
        return list(rows_of(_as_file(lines), separator, quote, ""))
    except DataError:
        return []


def _encloses(quote: str, lines: list[str]) -> bool:
    """Whether half of the lines have a cell that begins and ends with the mark."""
    with_one = sum(any(_is_enclosed(piece, quote) for piece in _pieces(line)) for line in lines)
    return 2 * with_one >= len(lines)


def _pieces(line: str) -> list[str]:
    for separator in "\t;|":
        line = line.replace(separator, ",")
    return line.split(",") if "," in line else line.split()


def _is_enclosed(piece: str, quote: str) -> bool:
    text = piece.strip()
    return len(text) > 1 and text[0] == text[-1] == quote


def _as_file(lines: list[str]) -> io.StringIO:
    return io.StringIO("\n".join(lines), newline="")
