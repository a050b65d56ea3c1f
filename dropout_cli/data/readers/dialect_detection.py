"""Detection of a text table's notation from its first lines: separator, quotes, header."""

import io
from bisect import bisect
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TextIO

from dropout_cli.core.errors import DataError
from dropout_cli.data.readers import number_formats
from dropout_cli.data.readers.cells import MISSING_TEXTS, remove_zero_width
from dropout_cli.data.readers.dialect import Dialect, iter_rows
from dropout_cli.data.readers.encoding import SAMPLE_BYTES
from dropout_cli.data.readers.extra_rows import ExtraRows, find_rows_below_header, find_titles, rows_left_out
from dropout_cli.data.readers.text import count_comment_lines, find_encoding, open_text

SEPARATORS = (",", "\t", ";", "|", None)
RARE_SEPARATORS = ("~", "^", ":")
"""Tried if none of SEPARATORS gives columns."""
QUOTES = ('"', "'")
SAMPLE_LINES = 200
SCORED_CHARACTERS = 50_000
"""Number of characters, from the top, on which every separator is tried."""
SCORED_CELLS = 50
"""Number of cells per row that count towards a separator's score."""
EQUAL_LENGTH_WEIGHT = 10
"""Weight of equally long rows in the score, relative to the share of cells that are numbers."""


def detect_dialect(
    path: Path,
    *,
    separator: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    header_line: int | None = None,
    extra_rows: ExtraRows = "leave_out",
    decimal_comma: bool | None = None,
    known_names: Collection[str] = (),
) -> Dialect:
    """Detect how a file is written.

    Args:
        path: the file.
        separator: the character between cells, or "space"; None detects it.
        header: True if the first line names the columns; None detects this.
        encoding: the name of the encoding; None detects it.
        header_line: line of the header, counted from 1; None detects titles above it.
        extra_rows: leave_out: titles, units, totals and notes are no rows.
        decimal_comma: True if numbers have a decimal comma; None detects this.
        known_names: names of columns that the header should have.

    Raises:
        DataError: if the file is empty or is not text.
    """
    found = find_encoding(path, encoding)
    title_lines = 0 if header_line is None else _lines_above(path, found.name, header_line)
    with open_text(path, found.name, title_lines) as file:
        lines = _first_lines(file)
    if not lines:
        raise DataError(str(path), "is empty", "Give a file with rows")
    separators = SEPARATORS if separator is None else ({"space": None}.get(separator, separator),)
    delimiter, quote = _best_separator(lines, separators)
    escape = _escape_character(lines, delimiter, quote)
    sample = iter_rows(_to_file(lines), delimiter, quote, str(path), escape)
    rows = [[_strip_quotes(cell) for cell in row] for row, _ in sample]
    if not rows:
        raise DataError(str(path), "is empty", "Give a file with rows")
    leave_out = extra_rows == "leave_out"
    titles = find_titles(rows, known_names) if leave_out and header is None and header_line is None else 0
    notices: list[str] = []
    comments = count_comment_lines(path, found.name)
    if titles:
        with open_text(path, found.name) as file:
            numbered = iter_rows(file, delimiter, quote, str(path), escape)
            title_lines = next(line for index, (_, line) in enumerate(numbered) if index == titles) - 1
        title = next(cell for row in rows for cell in row if cell)[:40]
        notices.append(
            f"{path}: the header is in line {comments + title_lines + 1}. The lines above it are left out, as titles "
            f"('{title}'). If that is wrong, set dataset.header_line."
        )
    rows = rows[titles:]
    header = True if header_line is not None else has_header(rows) if header is None else header
    below = find_rows_below_header(rows) if header and leave_out else 0
    if below:
        left_out = [cell for row in rows[1 : 1 + below] for cell in row if cell]
        place = f"{path}, line {comments + title_lines + 2}"
        notices.append(
            f"{place}: {rows_left_out(below)}, as units or a second header below the names of the columns "
            f"('{left_out[0][:40]}'). If that is wrong, set dataset.extra_rows=keep."
        )
        rows = [rows[0], *rows[1 + below :]]
    first = rows[0]
    if header:
        # Some programs mark the header as a comment.
        first = [first[0].removeprefix("#").strip(), *first[1:]]
    if header and len(rows) > 1 and all(len(row) == len(first) + 1 for row in rows[1:]):
        ends_in_separator = not any(row[-1] for row in rows[1:])
        first = [*first, ""] if ends_in_separator else ["", *first]  # R writes row names without a title
    cells = (cell for row in rows[header:] for cell in row)
    comma = number_formats.has_decimal_comma(cells, delimiter) if decimal_comma is None else decimal_comma
    return Dialect(
        delimiter,
        quote,
        found.name,
        header,
        tuple(first),
        comma,
        found.guess,
        escape,
        title_lines,
        below,
        extra_rows,
        tuple(notices),
    )


def _lines_above(path: Path, encoding: str, header_line: int) -> int:
    """Return the number of lines between the comments and a header.

    Raises:
        DataError: if the header would be in a comment.
    """
    lines = header_line - 1 - count_comment_lines(path, encoding)
    if lines < 0:
        raise DataError("dataset.header_line", f"line {header_line} of {path} is a comment", "Give the line below it")
    return lines


def _escape_character(lines: list[str], separator: str | None, quote: str) -> str | None:
    """Return a backslash if it stands before quotation marks inside cells."""
    if separator is None or not any(f"\\{quote}" in line for line in lines):
        return None

    def equal_rows(escape: str | None) -> int:
        try:
            lengths = Counter(len(row) for row, _ in iter_rows(_to_file(lines), separator, quote, "", escape))
        except DataError:
            return 0
        return max(lengths.values())

    return "\\" if equal_rows("\\") > equal_rows(None) else None


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return True if the first row names the columns.

    This holds if its words are above columns of numbers, or if its words never occur again. Numbers in it count
    against a header, unless they ascend (like years) above such columns, or count by ones: 0, 1, 2.
    """
    first, *others = ([cell.strip() for cell in row] for row in rows)
    # A missing value is not the name of a column.
    if any(cell in MISSING_TEXTS and cell for cell in first):
        return False
    below = [
        [row[index] for row in others if index < len(row) and row[index] not in MISSING_TEXTS]
        for index in range(len(first))
    ]
    words = [
        (cell, column)
        for cell, column in zip(first, below, strict=True)
        if cell and not number_formats.is_number_text(cell)
    ]
    above_numbers = any(column and all(map(number_formats.is_number_text, column)) for _, column in words)
    never_repeated = not any(cell in column for cell, column in words)
    numbers = [cell for cell in first if number_formats.is_number_text(cell)]
    if numbers:
        counting = len(numbers) > 2 and _count_by_ones(numbers) and not (others and _count_by_ones(others[0]))
        named = counting and never_repeated and (bool(words) or numbers[0] in ("0", "1"))
        return bool(others) and (named or (above_numbers and _ascends(numbers)))
    return above_numbers or (never_repeated and len({cell for cell, _ in words}) == len(words))


def _count_by_ones(cells: Sequence[str]) -> bool:
    """Return True if each whole number among the cells is one more than the one before."""
    numbers = [int(cell) for cell in cells if cell.isascii() and cell.isdigit() and len(cell) < 10]
    return len(numbers) > 1 and all(after - before == 1 for before, after in pairwise(numbers))


def _ascends(cells: Sequence[str]) -> bool:
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return False
    return all(before < after for before, after in pairwise(numbers))


def _strip_quotes(cell: str) -> str:
    """Return the cell without blanks and quotation marks around it, and zero-width marks."""
    text = remove_zero_width(cell).strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] and text[0] in QUOTES else text


def _first_lines(file: TextIO) -> list[str]:
    """Return the first lines that are not blank."""
    text = file.read(SAMPLE_BYTES)
    all_lines = [line.rstrip("\r\n") for line in io.StringIO(text, newline="")]
    # A full sample probably ends in the middle of a line.
    lines = all_lines[:-1] if len(text) == SAMPLE_BYTES and len(all_lines) > 1 else all_lines
    return [line for line in lines if line.strip()][:SAMPLE_LINES]


def _best_separator(lines: list[str], separators: Sequence[str | None]) -> tuple[str | None, str]:
    """Return the separator and quotation mark with the best score.

    The score prefers rows of equal length, then cells that are numbers.
    """
    ends = list(accumulate(map(len, lines)))
    # At least two lines, or their lengths cannot be compared.
    sample = lines[: max(2, bisect(ends, SCORED_CHARACTERS))]
    scores = {
        (separator, quote): _score(sample, separator, quote)
        for separator in separators
        for quote in QUOTES
        # Apostrophes are common in text, so ' must enclose whole cells to count as a quotation mark.
        if quote == '"' or _encloses(quote, sample)
    }
    if separators == SEPARATORS and max(scores.values()) <= 0:
        scores = {
            (separator, '"'): _score(sample, separator, '"')
            for separator in RARE_SEPARATORS
            if len({line.count(separator) for line in sample}) == 1
        } or scores
    best = max(scores, key=lambda pair: (scores[pair], pair[1] == "'" and not _encloses('"', sample)))
    return best if scores[best] > 0 or len(separators) == 1 else (None, best[1])


def _score(lines: list[str], separator: str | None, quote: str) -> float:
    """Return the score of a separator and quotation mark; 0 if rows have a single cell."""
    rows = [row for row, _ in _try_rows(lines, separator, quote)]
    width, often = Counter(map(len, rows)).most_common(1)[0] if rows else (1, 0)
    if width < 2:
        return 0.0
    cells = [number_formats.is_number_text(_strip_quotes(cell)) for row in rows for cell in row[:SCORED_CELLS]]
    # Breaks ties towards more columns, except for white space: the words of a sentence are not columns.
    tie_break = 0.0 if separator is None else min(width, 1000) / 1e5
    return EQUAL_LENGTH_WEIGHT * often / len(rows) + sum(cells) / len(cells) + tie_break


def _try_rows(lines: list[str], separator: str | None, quote: str) -> list[tuple[list[str], int]]:
    try:
        return list(iter_rows(_to_file(lines), separator, quote, ""))
    except DataError:
        return []


def _encloses(quote: str, lines: list[str]) -> bool:
    """Return True if half of the lines have a cell enclosed in this quotation mark."""
    with_one = sum(any(_is_enclosed(piece, quote) for piece in _rough_cells(line)) for line in lines)
    return 2 * with_one >= len(lines)


def _rough_cells(line: str) -> list[str]:
    for separator in "\t;|":
        line = line.replace(separator, ",")
    return line.split(",") if "," in line else line.split()


def _is_enclosed(piece: str, quote: str) -> bool:
    text = piece.strip()
    return len(text) > 1 and text[0] == text[-1] == quote


def _to_file(lines: list[str]) -> io.StringIO:
    return io.StringIO("\n".join(lines), newline="")
