"""Text files with one row per line, read by pandas.

Python's csv module reads every line first, so that errors can name the line.
"""

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.readers.cells import MISSING_TEXTS, missing_tokens
from dropout_cli.data.readers.dialect import Dialect, column_names, iter_rows
from dropout_cli.data.readers.extra_rows import MIN_ROWS_BELOW, ExtraRows, are_sums, is_note, is_total, rows_left_out
from dropout_cli.data.readers.text import count_comment_lines, open_text

if TYPE_CHECKING:
    from pandas import DataFrame

MAX_COLUMNS = 100_000
CHUNK_ROWS = 20_000


class CheckedLines(NamedTuple):
    """Result of checking every line of a file."""

    cells_per_row: int
    """Number of fields per row."""
    row_lines: Array
    """Line number of each row that is not blank."""
    blank_rows: Array
    """Numbers of the rows that hold nothing but separators, counted among all rows; `row_lines` leaves them out."""
    notices: tuple[str, ...] = ()
    """Messages about rows at the end that were left out."""


def check_rows(path: Path, dialect: Dialect) -> CheckedLines:
    """Check every line of a file, except its header.

    Args:
        path: the file.
        dialect: how it is written.

    Raises:
        DataError: with the line, if rows differ in their number of fields, or there are no rows.
    """
    width, first_line, line_before = len(dialect.first_row), 0, 0
    rows = _RowLines(path, width)
    for number, (row, line) in enumerate(_numbered_rows(path, dialect)):
        if number == 0:
            rows.header_line = first_line = line
        if not (dialect.header and number <= dialect.rows_below_header):
            rows.add(row, line, after_gap=line > line_before + 1, extra=dialect.extra_rows)
        line_before = line
    if width > MAX_COLUMNS:
        raise DataError(str(path), f"has {width:,} columns", f"At most {MAX_COLUMNS:,} can be read")
    if dialect.extra_rows == "keep":
        rows.accept_candidates()
    notices = rows.left_out_notices()
    if dialect.extra_rows == "leave_out" and is_total(rows.last_row) and len(rows.lines) > MIN_ROWS_BELOW:
        total, total_line = rows.last_row, rows.lines[-1]
        above = (row for row, line in _numbered_rows(path, dialect) if first_line < line < total_line)
        if are_sums(total, above, dialect.decimal_comma):
            rows.remove_last()
            notices.append(f"{path}, line {total_line}: this line is left out, as it holds the totals of the columns.")
        else:
            notices.append(
                f"{path}, line {total_line}: is named like a total, but is read as data. If it is a total, remove it."
            )
    if not rows.lines:
        raise DataError(str(path), "has a header but no rows", "Add rows, or set dataset.header: false")
    return CheckedLines(width, np.frombuffer(rows.lines, np.int64), np.array(rows.blank, np.int64), tuple(notices))


class _RowLines:
    """Lines of the rows of a file, while it is read.

    Rows that may be notes wait until a row of data follows, or the file ends.
    """

    def __init__(self, path: Path, width: int) -> None:
        self.path = path
        self.width = width
        self.header_line = 0
        # Arrays take 8 bytes per row, where a list of Python integers would take several times that.
        self.lines, self.blank = array("q"), array("q")
        self.last_row: list[str] = []
        self._last_position = 0
        self._candidates: list[tuple[list[str], int]] = []

    def add(self, row: list[str], line: int, *, after_gap: bool, extra: ExtraRows) -> None:
        """Add a row, in the order of the file."""
        # Most rows have a second cell, so this is one comparison.
        if not any(map(str.strip, row[1:])) or len(row) != self.width:
            is_blank = not any(map(str.strip, row))
            if is_blank and not self._candidates:
                self._add_blank()
                return
            if is_blank or (extra == "leave_out" and is_note(row, self.width, after_gap or self._follows_blank())):
                self._candidates.append((row, line))
                return
        self.accept_candidates()
        self._add_data(row, line)

    def _follows_blank(self) -> bool:
        return bool(self.blank) and self.blank[-1] == len(self.lines) + len(self.blank) - 1

    def _add_blank(self) -> None:
        # A row of nothing but separators is left out, as pandas cannot do by itself.
        self.blank.append(len(self.lines) + len(self.blank))

    def _add_data(self, row: list[str], line: int) -> None:
        if len(row) != self.width:
            fact = f"has {_count_fields(len(row))}, but line {self.header_line} has {_count_fields(self.width)}"
            way_out = "Correct it, or put quotes around values that contain the separator"
            raise DataError(f"{self.path}, line {line}", fact, way_out)
        self._last_position = len(self.lines) + len(self.blank)
        self.lines.append(line)
        self.last_row = row

    def accept_candidates(self) -> None:
        """Take rows that waited as rows of data."""
        for row, line in self._candidates:
            if any(map(str.strip, row)):
                self._add_data(row, line)
            else:
                self._add_blank()
        self._candidates = []

    def left_out_notices(self) -> list[str]:
        """Return a notice about the notes at the end, if there are any."""
        notes = [(row, line) for row, line in self._candidates if any(map(str.strip, row))]
        if not notes:
            return []
        text = next(cell.strip() for cell in notes[0][0] if cell.strip())[:40]
        left_out = rows_left_out(len(notes), "line")
        return [f"{self.path}, line {notes[0][1]}: {left_out}, as a note below the table ('{text}')."]

    def remove_last(self) -> None:
        """Remove the last row of data, and blank rows below it."""
        self.lines.pop()
        while self.blank and self.blank[-1] > self._last_position:
            self.blank.pop()


def _numbered_rows(path: Path, dialect: Dialect) -> Iterator[tuple[list[str], int]]:
    """Yield each row that is not blank, from the header on, with its line in the file."""
    # `iter_rows` counts lines from below the comments.
    above = count_comment_lines(path, dialect.encoding) + dialect.title_lines
    with open_text(path, dialect.encoding, dialect.title_lines) as file:
        for row, below in iter_rows(file, dialect.separator, dialect.quote, str(path), dialect.escape):
            yield row, below + above


def read_csv(
    path: Path, dialect: Dialect, missing: tuple[str, ...], not_missing: tuple[str, ...] = ()
) -> tuple["DataFrame", CheckedLines]:
    """Read all rows that are not blank.

    Args:
        path: the file.
        dialect: how it is written.
        missing: further texts that stand for a missing value.
        not_missing: texts of MISSING_TEXTS that do not stand for a missing value here.

    Raises:
        DataError: if the file cannot be read as a table.
    """
    checked = check_rows(path, dialect)
    arguments = _pandas_arguments(dialect, checked, missing)
    if not_missing:
        arguments["na_values"] = sorted(missing_tokens(missing, not_missing))
    if dialect.decimal_comma:  # pandas would read 1.234, a thousand here, as a fraction
        arguments["dtype"] = str
    with open_text(path, dialect.encoding, dialect.title_lines) as file:
        import pandas as pd

        try:
            frame: DataFrame = pd.read_csv(file, **arguments)
        except Exception as error:  # pandas does not document what its parsers raise
            raise _unreadable(path, error) from None
    if len(frame) != len(checked.row_lines) + len(checked.blank_rows):
        readable = len(frame) - len(checked.blank_rows)
        fact = f"has {counted(len(checked.row_lines), 'row')}, but only {readable} of them can be read"
        raise DataError(str(path), fact, "Check its quotes")
    return frame.drop(index=checked.blank_rows.tolist()).reset_index(drop=True), checked


def read_first_rows(path: Path, dialect: Dialect, checked: CheckedLines, count: int) -> "DataFrame":
    """Return the first rows, with every cell as the text in the file.

    Args:
        path: the file.
        dialect: how it is written.
        checked: result of `check_rows`.
        count: maximum number of rows.

    Raises:
        DataError: if the file cannot be read as a table.
    """
    return next(iter_text_chunks(path, dialect, column_names(dialect, checked.cells_per_row), checked, count))


def iter_text_chunks(
    path: Path, dialect: Dialect, columns: list[str], checked: CheckedLines, rows: int = CHUNK_ROWS
) -> Iterator["DataFrame"]:
    """Yield the rows in chunks, with every cell as the text in the file.

    Args:
        path: the file.
        dialect: how it is written.
        columns: names for the columns.
        checked: result of `check_rows`.
        rows: number of rows per chunk.

    Raises:
        DataError: if the file cannot be read as a table.
    """
    arguments = _pandas_arguments(dialect, checked, ()) | {
        "names": columns,
        "dtype": str,
        "na_filter": False,
    }
    with open_text(path, dialect.encoding, dialect.title_lines) as file:
        import pandas as pd

        try:
            for frame in pd.read_csv(file, chunksize=rows, **arguments):
                yield frame[~frame.index.isin(checked.blank_rows)]
        except (ValueError, OSError, pd.errors.ParserError) as error:
            raise _unreadable(path, error) from None


def _pandas_arguments(dialect: Dialect, checked: CheckedLines, missing: tuple[str, ...]) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "sep": dialect.separator or r"\s+",
        "quotechar": dialect.quote,
        "header": 0 if dialect.header else None,
        "names": column_names(dialect, checked.cells_per_row),
        "index_col": False,  # pandas would otherwise take the first column of longer rows as an index
        "na_values": [*MISSING_TEXTS, *missing],
        "keep_default_na": False,  # pandas' list has more texts than MISSING_TEXTS
        "skipinitialspace": dialect.separator is not None,
        # One dtype per column; pandas would otherwise infer it chunk by chunk.
        "low_memory": False,
        "escapechar": dialect.escape,
    }
    if dialect.rows_below_header:
        arguments["skiprows"] = range(1, 1 + dialect.rows_below_header)
    if checked.notices:
        arguments["nrows"] = len(checked.row_lines) + len(checked.blank_rows)
    return arguments


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DataError(str(path), f"cannot be read as a table ({reason})", "Correct it")


def _count_fields(count: int) -> str:
    return counted(count, "field")
