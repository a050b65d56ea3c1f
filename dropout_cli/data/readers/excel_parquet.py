"""Tables in Excel and Parquet files, whose cells already have types."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from dropout_cli.core.environment import install_command
from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.readers.cells import missing_tokens, strip_cells
from dropout_cli.data.readers.dialect import make_unique
from dropout_cli.data.readers.dialect_detection import SAMPLE_LINES, has_header

if TYPE_CHECKING:
    from pandas import DataFrame

EXCEL_SUFFIXES = (".xlsx", ".xlsm")
PARQUET_SUFFIXES = (".parquet", ".pq")
BATCH_ROWS = 20_000


def read_excel(
    path: Path, header: Literal["auto"] | bool, not_missing: Sequence[str] = ()
) -> tuple["DataFrame", Array]:
    """Read the first sheet of a workbook.

    Args:
        path: the workbook.
        header: True if the first row names the columns; "auto" detects this.
        not_missing: texts that usually stand for a missing value, but not here.

    Returns:
        The rows that are not blank, and the row number of each in the sheet, from 1.

    Raises:
        DataError: if the file cannot be read, is empty, or openpyxl is not installed.
    """
    import pandas as pd

    try:
        missing = sorted(missing_tokens((), not_missing)) if not_missing else []
        sheet = pd.read_excel(path, header=None, na_values=missing, keep_default_na=not missing)
    except ImportError:
        way_out = f"Install it with '{install_command('excel')}', or save the file as CSV"
        raise DataError(str(path), "is an Excel file, but openpyxl is not installed", way_out) from None
    except Exception as error:  # zipfile and openpyxl do not document what they raise for damaged bytes
        raise _unreadable(path, error, "an Excel workbook") from None
    sheet = sheet.dropna(how="all")
    if not len(sheet):
        raise DataError(str(path), "is empty", "Give a file with rows")
    has_titles = has_header(_to_text_rows(sheet.iloc[:SAMPLE_LINES])) if header == "auto" else header
    titles = _to_text_rows(sheet.iloc[:1])[0] if has_titles else [""] * len(sheet.columns)
    # Without the header row, a column of numbers has a numeric type again.
    frame = sheet.iloc[int(has_titles) :].infer_objects()
    frame.columns = make_unique(titles)
    return frame.reset_index(drop=True), frame.index.to_numpy(np.int64) + 1


def _to_text_rows(sheet: "DataFrame") -> list[list[str]]:
    """Return each row as a list of texts; an empty cell is an empty text."""
    columns = [strip_cells(sheet[name]) for name in sheet.columns]
    texts = [
        ["" if missing else str(cell) for cell, missing in zip(column, column.isna(), strict=True)]
        for column in columns
    ]
    return [list(row) for row in zip(*texts, strict=True)]


def iter_parquet(path: Path) -> Iterator["DataFrame"]:
    """Yield the rows of a Parquet file in chunks, at least one.

    Args:
        path: the file.

    Raises:
        DataError: if the file cannot be read, has no rows, or pyarrow is not installed.
    """
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        way_out = f"Install it with '{install_command('parquet')}', or save the file as CSV"
        raise DataError(str(path), "is a Parquet file, but pyarrow is not installed", way_out) from None
    try:
        with ParquetFile(path) as file:
            if not file.metadata.num_rows or not file.metadata.num_columns:
                raise DataError(str(path), "has no rows", "Give a file with rows")
            first = 0
            for batch in file.iter_batches(BATCH_ROWS):
                frame = batch.to_pandas()
                frame.columns = make_unique(str(name).strip() for name in frame.columns)
                # Every batch counts its rows from 0.
                frame.index = range(first, first + len(frame))
                first += len(frame)
                yield frame
    except DataError:
        raise
    except Exception as error:  # pyarrow raises exception classes of its own
        raise _unreadable(path, error, "a Parquet file") from None


def _unreadable(path: Path, error: Exception, what: str) -> DataError:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200] or type(error).__name__
    return DataError(str(path), f"cannot be read as {what}: {reason}", "Give another file")
