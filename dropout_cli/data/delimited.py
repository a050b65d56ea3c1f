"""Text files with a row per line: CSV, TSV, white space, gzipped or not; how one is written is found out from it.

Python's csv module goes over every line first, so that what is wrong is said with its line; pandas then reads.
"""

import csv
import gzip
import io
import re
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.data.store import must_be_plain
from dropout_cli.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame

SEPARATORS = (",", "\t", ";", "|")
SAMPLE_LINES = 200
SAMPLE_BYTES = 1 << 20
MISSING = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "-nan", "<NA>", "NULL", "null", "None", "#N/A", "-")
"""What stands for a missing value."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)", re.ASCII | re.IGNORECASE)
MOST_COLUMNS = 100_000
CHUNK_ROWS = 20_000


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
    encoding = _encoding(path)
    with _opened(path, encoding) as file:
        lines = _sample(file)
    if not lines:
        raise DataError(str(path), "is empty", "Name a file with rows")
    quote = _quote(lines)
    between = {"space": None}.get(separator, separator) if separator else _separator(lines, quote)
    dialect = Dialect(between, quote, encoding, False, ())
    rows = [row for row, _ in _rows(io.StringIO("\n".join(lines)), dialect, str(path))]
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


def check(path: Path, dialect: Dialect) -> tuple[int, Array]:
    """Go over the whole file; return how many columns it has, and the line number of each row, header left out.

    Raises DataError, with the line, where rows have not the same number of cells.
    """
    lines = array("q")
    width, first = 0, 0
    with _opened(path, dialect.encoding) as file:
        above = _comments(path, dialect.encoding)
        for number, (row, line) in enumerate(_numbered(file, dialect, str(path), above)):
            if number == 0 and dialect.header:
                width, first = len(row), line
                continue
            if not lines and len(row) == width + 1:
                width = len(row)
            if width == 0:
                width, first = len(row), line
            if len(row) != width:
                fact = f"has {_cells(len(row))}, and line {first} has {width}"
                way_out = "Correct it, or quote the cells in which the separator stands"
                raise DataError(f"{path}, line {line}", fact, way_out)
            lines.append(line)
    if width > MOST_COLUMNS:
        raise DataError(str(path), f"has {width:,} columns", f"At most {MOST_COLUMNS:,} can be read")
    if not lines:
        raise DataError(str(path), "has a header and no rows", "Add rows, or set dataset.header: false")
    return width, np.frombuffer(lines, np.int64)


def read(path: Path, dialect: Dialect, columns: list[str], missing: tuple[str, ...]) -> "DataFrame":
    """All rows as pandas reads them."""
    with _opened(path, dialect.encoding) as file:
        import pandas as pd

        try:
            frame: DataFrame = pd.read_csv(file, **_arguments(dialect, columns, missing))
            return frame
        except Exception as error:  # pandas does not say what its parsers raise
            raise _unreadable(path, error) from None


def chunks(
    path: Path, dialect: Dialect, columns: list[str], missing: tuple[str, ...], *, as_text: bool = False
) -> Iterator["DataFrame"]:
    """The same, some thousand rows at a time; `as_text`: every cell as it stands there."""
    arguments = _arguments(dialect, columns, missing)
    if as_text:
        arguments |= {"dtype": str, "na_filter": False}
    with _opened(path, dialect.encoding) as file:
        import pandas as pd

        try:
            yield from pd.read_csv(file, chunksize=CHUNK_ROWS, **arguments)
        except DataError:
            raise
        except (ValueError, OSError, pd.errors.ParserError) as error:
            raise _unreadable(path, error) from None


def _arguments(dialect: Dialect, columns: list[str], missing: tuple[str, ...]) -> dict[str, Any]:
    return {
        "sep": dialect.separator or r"\s+",
        "quotechar": dialect.quote,
        "header": 0 if dialect.header else None,
        "names": columns,
        "index_col": False,
        "na_values": [*MISSING, *missing],
        "keep_default_na": False,
        "skipinitialspace": dialect.separator is not None,
        "low_memory": False,
    }


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DataError(str(path), f"cannot be read as a table ({reason})", "Correct it")


def _encoding(path: Path) -> str:
    """UTF-8, or what Windows programs write where it is not. Raises DataError for UTF-16 and for what is no text."""
    must_be_plain(path)
    try:
        with _bytes(path) as file:
            head = file.read(SAMPLE_BYTES)
            encoding = "utf-8-sig"
            if head.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise DataError(str(path), "is in UTF-16", "Save it as UTF-8")
            piece, rest = head, b""
            while piece:
                if b"\0" in piece:
                    raise DataError(str(path), "is no text: it has zero bytes", "Save it as CSV in UTF-8")
                rest += piece
                try:
                    rest.decode("utf-8")
                    rest = b""
                except UnicodeDecodeError as error:
                    if error.reason != "unexpected end of data":
                        encoding = "cp1252"
                    rest = rest[error.start :] if encoding == "utf-8-sig" else b""
                piece = file.read(SAMPLE_BYTES)
            return "cp1252" if rest else encoding
    except (OSError, EOFError, ValueError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
        raise _no_file(path, error) from None


def _no_file(path: Path, error: Exception) -> DataError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return DataError(str(path), f"cannot be read: {reason}", "Name a file with rows")


@contextmanager
def _bytes(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        if raw.peek(2)[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=raw) as unzipped:
                yield cast("IO[bytes]", unzipped)
        else:
            yield raw


@contextmanager
def _opened(path: Path, encoding: str) -> Iterator[TextIO]:
    try:
        with (
            _bytes(path) as raw,
            io.TextIOWrapper(raw, encoding, errors="replace", newline="") as text,
        ):
            _skip_comments(text)
            yield text
    except (OSError, EOFError) as error:
        raise _no_file(path, error) from None


def _skip_comments(file: TextIO) -> int:
    """Go past the lines at the top that begin with #; return how many there are."""
    count = 0
    while True:
        before = file.tell()
        if not file.readline(SAMPLE_BYTES).startswith("#"):
            file.seek(before)
            return count
        count += 1


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
        widths = Counter(len(row) for row, _ in _rows(io.StringIO("\n".join(lines)), _plain(separator, quote), ""))
        width, share = max(widths.items(), key=lambda one: (one[1], one[0])) if widths else (1, 0)
        score = share / max(1, sum(widths.values())) + min(width, 1000) / 1e6
        if width > 1 and score > most:
            best, most = separator, score
    return best


def _plain(separator: str | None, quote: str) -> Dialect:
    return Dialect(separator, quote, "utf-8", False, ())


def _rows(file: TextIO, dialect: Dialect, place: str) -> Iterator[tuple[list[str], int]]:
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


def _numbered(file: TextIO, dialect: Dialect, place: str, above: int) -> Iterator[tuple[list[str], int]]:
    """The rows with their lines, counted from the top of the file."""
    for row, line in _rows(file, dialect, place):
        yield row, line + above


def _comments(path: Path, encoding: str) -> int:
    """How many lines at the top are comments."""
    with _bytes(path) as raw, io.TextIOWrapper(raw, encoding, errors="replace", newline="") as text:
        return _skip_comments(text)


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


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
