"""Notation of a text table, and an iterator over its rows."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

from dropout_cli.core.errors import DataError
from dropout_cli.data.readers.encoding import Encoding
from dropout_cli.data.readers.extra_rows import ExtraRows


@dataclass(frozen=True)
class Dialect:
    """Notation of a file: separator, quotation mark, encoding, header, decimal mark."""

    separator: str | None
    """Character between fields; None: any white space."""
    quote: str
    encoding: str
    header: bool
    first_row: tuple[str, ...]
    """Cells of the first line. A header with one cell fewer than the rows gets an empty one added."""
    decimal_comma: bool | None
    """True if numbers have a decimal comma; None if the first rows do not show it."""
    guessed_word: str = ""
    """A word of the file if its encoding was guessed, else empty."""
    escape: str | None = None
    """Character before a quotation mark inside a quoted cell; None if quotation marks are doubled."""
    title_lines: int = 0
    """Number of lines between the comments and the header that are no part of the table."""
    rows_below_header: int = 0
    """Number of rows below the header that hold units or a second header."""
    extra_rows: ExtraRows = "leave_out"
    """leave_out: totals and notes at the end are no rows."""
    notices: tuple[str, ...] = ()
    """Messages about the file for the user."""

    @property
    def description(self) -> str:
        """Short description for messages."""
        separators = {None: "white space", ",": "commas", "\t": "tabs", ";": "semicolons", "|": "vertical bars"}
        between = separators.get(self.separator, f"'{self.separator}'")
        encoding = Encoding(self.encoding).title
        header = "with a header" if self.header else "without a header"
        return f"{encoding}, separated by {between}, {header}{', decimal commas' if self.decimal_comma else ''}"


def column_names(dialect: Dialect, width: int) -> list[str]:
    """Return the column names: unique names from the header, or `column 0` and so on.

    Args:
        dialect: supplies the header.
        width: number of columns.
    """
    header_cells = list(dialect.first_row) if dialect.header else []
    return make_unique([*header_cells, *[""] * (width - len(header_cells))])


def make_unique(names: Iterable[str]) -> list[str]:
    """Return the names made unique: repeats get a number, empty names become `column 3`."""
    unique_names: dict[str, None] = {}
    for index, name in enumerate(names):
        unique, number = name or f"{UNNAMED_PREFIX}{index}", 1
        # Also against names that the file itself has, such as a.1.
        while unique in unique_names:
            unique, number = f"{name or 'column'}.{number}", number + 1
        unique_names[unique] = None
    return list(unique_names)


UNNAMED_PREFIX = "column "
"""Prefix of the names given to columns without one."""


def iter_rows(
    file: TextIO, separator: str | None, quote: str, place: str, escape: str | None = None
) -> Iterator[tuple[list[str], int]]:
    """Yield the cells of each row that is not blank, with the line it begins on.

    Args:
        file: the text below its comments.
        separator: character between cells; None: any white space.
        quote: quotation mark around cells.
        place: the file's name, for messages.
        escape: character before a quotation mark inside a quoted cell.

    Raises:
        DataError: if the csv module cannot read a row.
    """
    if separator is None:
        for number, line in enumerate(file, 1):
            # The csv module cannot split at any amount of white space.
            cells = re.findall(rf"{quote}[^{quote}]*{quote}|\S+", line)
            if cells:
                yield cells, number
        return
    reader = csv.reader(file, delimiter=separator, quotechar=quote, escapechar=escape, skipinitialspace=True)
    # A quoted cell may span several lines: a row begins after the last line of the row before it.
    lines_read = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{place}, line {reader.line_num}", f"cannot be read: {error}", "Correct it") from None
        if row and (len(row) > 1 or row[0].strip()):
            yield row, lines_read + 1
        lines_read = reader.line_num
