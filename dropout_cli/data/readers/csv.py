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


def check_rows(path: Path, dialect: Dialect) -> CheckedLines:
    """Check every line of a file, except its header.

    Args:
        path: the file.
        dialect: how it is written.

    Raises:
        DataError: with the line, if rows differ in their number of fields, or there are no rows.
    """
    # Arrays take 8 bytes per row, where a list of Python integers would take several times that.
    lines, blank = array("q"), array("q")
    width, first_line = len(dialect.first_row), 0
    comment_lines = count_comment_lines(path, dialect.encoding)
    with open_text(path, dialect.encoding) as file:
        for number, (row, below) in enumerate(iter_rows(file, dialect.separator, dialect.quote, str(path))):
            # `iter_rows` counts lines from below the comments.
            line = below + comment_lines
            if number == 0:
                first_line = line
                if dialect.header:
                    continue
            if len(row) != width:
                fact = f"has {_count_fields(len(row))}, but line {first_line} has {_count_fields(width)}"
                way_out = "Correct it, or put quotes around values that contain the separator"
                raise DataError(f"{path}, line {line}", fact, way_out)
            # A row of nothing but separators is left out, as pandas cannot do by itself.
            if any(map(str.strip, row)):
                lines.append(line)
            else:
                blank.append(len(lines) + len(blank))
    if width > MAX_COLUMNS:
        raise DataError(str(path), f"has {width:,} columns", f"At most {MAX_COLUMNS:,} can be read")
    if not lines:
        raise DataError(str(path), "has a header but no rows", "Add rows, or set dataset.header: false")
    return CheckedLines(width, np.frombuffer(lines, np.int64), np.array(blank, np.int64))


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
    arguments = _pandas_arguments(dialect, checked.cells_per_row, missing)
    if not_missing:
        arguments["na_values"] = sorted(missing_tokens(missing, not_missing))
    if dialect.decimal_comma:  # pandas would read 1.234, a thousand here, as a fraction
        arguments["dtype"] = str
    with open_text(path, dialect.encoding) as file:
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


def iter_text_chunks(path: Path, dialect: Dialect, columns: list[str], checked: CheckedLines) -> Iterator["DataFrame"]:
    """Yield the rows in chunks, with every cell as the text in the file.

    Args:
        path: the file.
        dialect: how it is written.
        columns: names for the columns.
        checked: result of `check_rows`.

    Raises:
        DataError: if the file cannot be read as a table.
    """
    arguments = _pandas_arguments(dialect, checked.cells_per_row, ()) | {
        "names": columns,
        "dtype": str,
        "na_filter": False,
    }
    with open_text(path, dialect.encoding) as file:
        import pandas as pd

        try:
            for frame in pd.read_csv(file, chunksize=CHUNK_ROWS, **arguments):
                yield frame[~frame.index.isin(checked.blank_rows)]
        except (ValueError, OSError, pd.errors.ParserError) as error:
            raise _unreadable(path, error) from None


def _pandas_arguments(dialect: Dialect, width: int, missing: tuple[str, ...]) -> dict[str, Any]:
    return {
        "sep": dialect.separator or r"\s+",
        "quotechar": dialect.quote,
        "header": 0 if dialect.header else None,
        "names": column_names(dialect, width),
        "index_col": False,  # pandas would otherwise take the first column of longer rows as an index
        "na_values": [*MISSING_TEXTS, *missing],
        "keep_default_na": False,  # pandas' list has more texts than MISSING_TEXTS
        "skipinitialspace": dialect.separator is not None,
        # One dtype per column; pandas would otherwise infer it chunk by chunk.
        "low_memory": False,
    }


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DataError(str(path), f"cannot be read as a table ({reason})", "Correct it")


def _count_fields(count: int) -> str:
    return counted(count, "field")
