"""How a table is written as text, and the cells of its rows."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

from dropout_cli.core.errors import DataError


@dataclass(frozen=True)
class Dialect:
    """How a file is written."""

    separator: str | None
    """None: any white space."""
    quote: str
    encoding: str
    header: bool
    first: tuple[str, ...]
    """The cells of the first line; with an empty one added where a header has one less than the rows."""
    comma: bool | None
    """Whether numbers have a decimal comma; None: the first rows do not tell."""

    @property
    def said(self) -> str:
        """In a few words."""
        names = {None: "white space", ",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
        between = names.get(self.separator, f"'{self.separator}'")
        encoding = {"utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}[self.encoding]
        header = "a header" if self.header else "no header"
        return f"{encoding}, cells between {between}, {header}{', decimal commas' if self.comma else ''}"


def names(dialect: Dialect, width: int) -> list[str]:
    """The columns' names: those of the header, made different where they are not, or `column 0` and so on."""
    given = list(dialect.first) if dialect.header else []
    return different([*given, *[""] * (width - len(given))])


def different(given: Iterable[str]) -> list[str]:
    """The names, numbers behind those that were there before; `column 3` for one that is empty."""
    found: dict[str, None] = {}
    for place, name in enumerate(given):
        unique, number = name or f"{UNNAMED}{place}", 1
        while unique in found:
            unique, number = f"{name or 'column'}.{number}", number + 1
        found[unique] = None
    return list(found)


UNNAMED = "column "
"""How the names begin that columns without one are given."""


def rows_of(file: TextIO, separator: str | None, quote: str, place: str) -> Iterator[tuple[list[str], int]]:
    """The cells of each row that is not blank, and the line that it begins on. Raises DataError."""
    if separator is None:
        for number, line in enumerate(file, 1):
            cells = re.findall(rf"{quote}[^{quote}]*{quote}|\S+", line)
            if cells:
                yield cells, number
        return
    reader = csv.reader(file, delimiter=separator, quotechar=quote, skipinitialspace=True)
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
