"""How a table is written as text: what divides its cells, what is around them, whether the first line is a header."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from dropout_cli.data.cells import MISSING
from dropout_cli.data.text_files import SAMPLE_BYTES, encoding_of, opened
from dropout_cli.errors import DataError

SEPARATORS = (",", "\t", ";", "|")
SAMPLE_LINES = 200
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How a file is written."""

    separator: str | None
    """None: any white space."""
    quote: str
    encoding: str
    header: bool
    first: tuple[str, ...]
    """The cells of the first line."""

    @property
    def said(self) -> str:
        """In a few words."""
        names = {None: "white space", ",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
        between = names.get(self.separator, f"'{self.separator}'")
        return f"{self.encoding}, cells between {between}, {'a header' if self.header else 'no header'}"


def detect(path: Path, *, separator: str | None = None, header: bool | None = None) -> Dialect:
    """Find out how the file is written; what is given is taken for granted. Raises DataError."""
    encoding = encoding_of(path)
    with opened(path, encoding) as file:
        lines = _sample(file)
    if not lines:
        raise DataError(str(path), "is empty", "Name a file with rows")
    quote = _quote(lines)
    between = {"space": None}.get(separator, separator) if separator else _separator(lines, quote)
    dialect = Dialect(between, quote, encoding, False, ())
    rows = [row for row, _ in rows_of(io.StringIO("\n".join(lines)), dialect, str(path))]
    if not rows:
        raise DataError(str(path), "is empty", "Name a file with rows")
    cells = tuple(cell.strip().strip(quote).strip() for cell in rows[0])
    return replace(dialect, first=cells, header=_has_header(rows) if header is None else header)


def names(dialect: Dialect, width: int) -> list[str]:
    """The columns' names: those of the header, made different where they are not, or `column 0` and so on."""
    given = list(dialect.first) if dialect.header else []
    if len(given) == width - 1:  # as R writes it: the row names have no name
        given = ["", *given]
    given += [""] * (width - len(given))
    found: dict[str, None] = {}
    for place, name in enumerate(given):
        unique, number = name or f"column {place}", 1
        while unique in found:
            unique, number = f"{name or 'column'}.{number}", number + 1
        found[unique] = None
    return list(found)


def _sample(file: TextIO) -> list[str]:
    """The first lines that are not blank."""
    text = file.read(SAMPLE_BYTES)
    whole = text.splitlines()
    lines = whole[:-1] if len(text) == SAMPLE_BYTES and len(whole) > 1 else whole
    return [line for line in lines if line.strip()][:SAMPLE_LINES]


def _quote(lines: list[str]) -> str:
    """The mark around cells: the one that is before and after separators more often."""
    text = "\n".join(lines)
    counts = {mark: len(re.findall(rf"(?:^|[,;\t| ]){mark}|{mark}(?:$|[,;\t| ])", text, re.M)) for mark in "\"'"}
    return "'" if counts["'"] > counts['"'] else '"'


def _separator(lines: list[str], quote: str) -> str | None:
    """The one that divides most lines into equally many cells, two at least; else white space."""
    best, most = None, 0.0
    for separator in SEPARATORS:
        widths = Counter(len(row) for row, _ in rows_of(io.StringIO("\n".join(lines)), _plain(separator, quote), ""))
        width, share = max(widths.items(), key=lambda one: (one[1], one[0])) if widths else (1, 0)
        score = share / max(1, sum(widths.values())) + min(width, 1000) / 1e6
        if width > 1 and score > most:
            best, most = separator, score
    return best


def _plain(separator: str | None, quote: str) -> Dialect:
    return Dialect(separator, quote, "utf-8", False, ())


def rows_of(file: TextIO, dialect: Dialect, place: str) -> Iterator[tuple[list[str], int]]:
    """The cells of each row that is not blank, and the line that it begins on."""
    if dialect.separator is None:
        for number, line in enumerate(file, 1):
            cells = re.findall(rf"{dialect.quote}[^{dialect.quote}]*{dialect.quote}|\S+", line)
            if cells:
                yield cells, number
        return
    reader = csv.reader(file, delimiter=dialect.separator, quotechar=dialect.quote, skipinitialspace=True)
    before = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{place}, line {reader.line_num}", f"cannot be read: {error}", "Correct it") from None
        if row and (len(row) > 1 or row[0].strip()):
            yield row, before + 1
        before = reader.line_num


def _has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns: no number in it, and numbers below, or words that never come again."""
    first, *others = ([cell.strip() for cell in row] for row in rows)
    if any(NUMBER.fullmatch(cell) or (cell in MISSING and cell) for cell in first):
        return False
    below = [[row[place] for row in others if place < len(row)] for place in range(len(first))]
    known = [[cell for cell in column if cell not in MISSING] for column in below]
    if any(column and all(NUMBER.fullmatch(cell) for cell in column) for column in known):
        return True
    named = [cell for cell in first if cell]
    return len(set(named)) == len(named) and not any(
        cell in column for cell, column in zip(first, known, strict=True) if cell
    )
