"""Text files with a row per line, read by pandas.

Python's csv module goes over every line first, so that what is wrong is said with its line.
"""

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.data.cells import MISSING
from dropout_cli.data.dialect import Dialect, rows_of
from dropout_cli.data.text_files import comments, opened
from dropout_cli.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_COLUMNS = 100_000
CHUNK_ROWS = 20_000


def check(path: Path, dialect: Dialect) -> tuple[int, Array]:
    """Go over the whole file; return how many columns it has, and the line number of each row, header left out.

    Raises DataError, with the line, where rows have not the same number of cells.
    """
    lines = array("q")
    width, first = 0, 0
    with opened(path, dialect.encoding) as file:
        above = comments(path, dialect.encoding)
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
    with opened(path, dialect.encoding) as file:
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
    with opened(path, dialect.encoding) as file:
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


def _numbered(file: TextIO, dialect: Dialect, place: str, above: int) -> Iterator[tuple[list[str], int]]:
    """The rows with their lines, counted from the top of the file."""
    for row, line in rows_of(file, dialect, place):
        yield row, line + above


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
