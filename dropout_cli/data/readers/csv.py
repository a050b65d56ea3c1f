"""Text files with a row per line, read by pandas.

Python's csv module goes over every line first, so that what is wrong is said with its line.
"""

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.readers.cells import MISSING
from dropout_cli.data.readers.dialect import Dialect, names, rows_of
from dropout_cli.data.readers.text import comments, opened

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_COLUMNS = 100_000
CHUNK_ROWS = 20_000


class Checked(NamedTuple):
    """What a look at every line has found."""

    width: int
    """How many cells a row has."""
    lines: Array
    """The line of each row."""
    blank: Array
    """Which of the rows, counted with these, are nothing but separators; they have no line in `lines`."""


def check(path: Path, dialect: Dialect) -> Checked:
    """Go over the whole file, header left out. Raises DataError, with the line, where rows differ in their cells."""
    lines, blank = array("q"), array("q")
    width, first = len(dialect.first), 0
    above = comments(path, dialect.encoding)
    with opened(path, dialect.encoding) as file:
        for number, (row, below) in enumerate(rows_of(file, dialect.separator, dialect.quote, str(path))):
            line = below + above
            if number == 0:
                first = line
                if dialect.header:
                    continue
            if len(row) != width:
                fact = f"has {_cells(len(row))}, and line {first} has {_cells(width)}"
                way_out = "Correct it, or quote the cells in which the separator stands"
                raise DataError(f"{path}, line {line}", fact, way_out)
            if any(map(str.strip, row)):
                lines.append(line)
            else:
                blank.append(len(lines) + len(blank))
    if width > MOST_COLUMNS:
        raise DataError(str(path), f"has {width:,} columns", f"At most {MOST_COLUMNS:,} can be read")
    if not lines:
        raise DataError(str(path), "has a header and no rows", "Add rows, or set dataset.header: false")
    return Checked(width, np.frombuffer(lines, np.int64), np.array(blank, np.int64))


def read(path: Path, dialect: Dialect, missing: tuple[str, ...]) -> tuple["DataFrame", Checked]:
    """All rows that are not blank, as pandas reads them. Raises DataError."""
    checked = check(path, dialect)
    arguments = _arguments(dialect, checked.width, missing)
    if dialect.comma:  # pandas would take 1.234 for a fraction
        arguments["dtype"] = str
    with opened(path, dialect.encoding) as file:
        import pandas as pd

        try:
            frame: DataFrame = pd.read_csv(file, **arguments)
        except Exception as error:  # pandas does not say what its parsers raise
            raise _unreadable(path, error) from None
    if len(frame) != len(checked.lines) + len(checked.blank):
        fact = f"has {counted(len(checked.lines), 'row')}, of which {len(frame) - len(checked.blank)} can be read"
        raise DataError(str(path), fact, "Check its quotes")
    return frame.drop(index=checked.blank.tolist()).reset_index(drop=True), checked


def text_chunks(path: Path, dialect: Dialect, columns: list[str], checked: Checked) -> Iterator["DataFrame"]:
    """The same, some thousand rows at a time and every cell as it stands there; `columns`: their names."""
    arguments = _arguments(dialect, checked.width, ()) | {"names": columns, "dtype": str, "na_filter": False}
    with opened(path, dialect.encoding) as file:
        import pandas as pd

        try:
            for frame in pd.read_csv(file, chunksize=CHUNK_ROWS, **arguments):
                yield frame[~frame.index.isin(checked.blank)]
        except (ValueError, OSError, pd.errors.ParserError) as error:
            raise _unreadable(path, error) from None


def _arguments(dialect: Dialect, width: int, missing: tuple[str, ...]) -> dict[str, Any]:
    return {
        "sep": dialect.separator or r"\s+",
        "quotechar": dialect.quote,
        "header": 0 if dialect.header else None,
        "names": names(dialect, width),
        "index_col": False,
        "na_values": [*MISSING, *missing],
        "keep_default_na": False,
        "skipinitialspace": dialect.separator is not None,
        "low_memory": False,
    }


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DataError(str(path), f"cannot be read as a table ({reason})", "Correct it")


def _cells(count: int) -> str:
    return counted(count, "cell")
