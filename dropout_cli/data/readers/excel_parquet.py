"""Tables in Excel and Parquet files, whose cells already have types."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from dropout_cli.core.environment import install_command
from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.readers.cells import missing_tokens, quote_names, strip_cells
from dropout_cli.data.readers.dialect import make_unique
from dropout_cli.data.readers.dialect_detection import SAMPLE_LINES, has_header
from dropout_cli.data.readers.extra_rows import (
    MIN_ROWS_BELOW,
    ExtraRows,
    are_sums,
    find_rows_below_header,
    find_titles,
    is_note,
    is_total,
    rows_left_out,
)

if TYPE_CHECKING:
    from pandas import DataFrame

EXCEL_SUFFIXES = (".xlsx", ".xlsm")
PARQUET_SUFFIXES = (".parquet", ".pq")
BATCH_ROWS = 20_000
MAX_NOTES = 20
"""Number of rows at the end that may be notes."""


def read_excel(
    path: Path,
    header: Literal["auto"] | bool,
    sheet: str | int | None = None,
    header_line: int | None = None,
    extra_rows: ExtraRows = "leave_out",
    known_names: Collection[str] = (),
    not_missing: Sequence[str] = (),
) -> tuple["DataFrame", Array, tuple[str, ...]]:
    """Read a sheet of a workbook.

    Args:
        path: the workbook.
        header: True if the first row names the columns; "auto" detects this.
        sheet: name or index of the sheet; None takes the first one that has a table.
        header_line: row of the header, counted from 1; None detects titles above it.
        extra_rows: leave_out: titles, units, totals and notes are no rows.
        known_names: names of columns that the header should have.
        not_missing: texts that usually stand for a missing value, but not here.

    Returns:
        The rows that are not blank, the row number of each in the sheet, from 1, and messages for the user.

    Raises:
        DataError: if the file cannot be read, is empty, has no such sheet, or openpyxl is not installed.
    """
    cells, notices = _read_sheet(path, sheet, not_missing)
    if header_line is not None:
        cells = cells[cells.index >= header_line - 1]
        if not len(cells):
            raise DataError(str(path), f"has no row {header_line}", "Correct dataset.header_line")
    leave_out = extra_rows == "leave_out"
    rows = _to_text_rows(cells.iloc[:SAMPLE_LINES])
    titles = find_titles(rows, known_names) if leave_out and header == "auto" and header_line is None else 0
    if titles:
        notices.append(
            f"{path}: the header is in row {cells.index[titles] + 1}. The rows above it are left out, as titles. "
            "If that is wrong, set dataset.header_line."
        )
        cells, rows = cells.iloc[titles:], rows[titles:]
    has_titles = True if header_line is not None else has_header(rows) if header == "auto" else header
    below = find_rows_below_header(rows) if has_titles and leave_out else 0
    if below:
        notices.append(
            f"{path}, row {cells.index[1] + 1}: {rows_left_out(below)}, as units or a second header below the names of "
            "the columns. If that is wrong, set dataset.extra_rows=keep."
        )
    names = rows[0] if has_titles else [""] * len(cells.columns)
    data = cells.iloc[int(has_titles) + below :]
    if leave_out:
        data, left_out = _without_end(data, path)
        notices += left_out
    if not len(data):
        raise DataError(str(path), "has a header but no rows", "Add rows, or set dataset.header: false")
    # Without the header row, a column of numbers has a numeric type again.
    frame = data.infer_objects()
    frame.columns = make_unique(names)
    return frame.reset_index(drop=True), frame.index.to_numpy(np.int64) + 1, tuple(notices)


def _read_sheet(path: Path, sheet: str | int | None, not_missing: Sequence[str]) -> tuple["DataFrame", list[str]]:
    """Return the rows of a sheet that are not blank, and messages about the choice of the sheet."""
    import pandas as pd

    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            names = [str(name) for name in book.sheet_names]
            if isinstance(sheet, int) and sheet < len(names):
                chosen: str | None = names[sheet]
            elif sheet is None:
                chosen = None
            else:
                chosen = sheet if sheet in names else ""
            if chosen != "":
                wanted = names if chosen is None else [chosen]
                missing = sorted(missing_tokens((), not_missing)) if not_missing else []
                sheets = (
                    (
                        name,
                        pd.read_excel(
                            book, sheet_name=name, header=None, na_values=missing, keep_default_na=not missing
                        ).dropna(how="all"),
                    )
                    for name in wanted
                )
                return _first_table(path, names, sheets, is_named=chosen is not None)
    except DataError:
        raise
    except ImportError:
        way_out = f"Install it with {install_command('excel')}, or save the file as CSV"
        raise DataError(str(path), "is an Excel file, but openpyxl is not installed", way_out) from None
    except Exception as error:  # zipfile and openpyxl do not document what they raise for damaged bytes
        raise _unreadable(path, error, "an Excel workbook") from None
    raise DataError(str(path), f"has no sheet {sheet!r:.40}", f"It has {quote_names(names)}")


def _first_table(
    path: Path, names: list[str], sheets: Iterator[tuple[str, "DataFrame"]], *, is_named: bool
) -> tuple["DataFrame", list[str]]:
    """Return the first sheet with at least two columns and rows; else the first one with cells.

    Args:
        path: the workbook.
        names: all its sheets.
        sheets: the sheets to choose from.
        is_named: True if the user has named the sheet.
    """
    only: DataFrame | None = None
    for name, cells in sheets:
        if len(cells) > 1 and len(cells.dropna(axis=1, how="all").columns) > 1:
            if is_named or name == names[0]:
                return cells, []
            read = f"the sheet '{name}' was read, the first one with a table"
            notice = f"{path}: {read}. To read another one, set dataset.sheet"
            return cells, [f"{notice} ({quote_names(names)})." if len(names) > 1 else f"{notice}."]
        only = cells if only is None and len(cells) else only
    if only is None:
        raise DataError(str(path), "is empty", "Give a file with rows")
    return only, []


def _without_end(data: "DataFrame", path: Path) -> tuple["DataFrame", list[str]]:
    """Return the rows without totals and notes at the end, and messages about them."""
    notices = []
    last = _to_text_rows(data.iloc[-MAX_NOTES:])
    # Rows below a blank one, which was dropped.
    gaps = (np.diff(data.index.to_numpy(), prepend=-1) > 1)[-MAX_NOTES:]
    notes = len(last)
    while notes and is_note(last[notes - 1], len(data.columns), bool(gaps[notes - 1])):
        notes -= 1
    count = len(last) - notes
    if count and notes:
        notices.append(f"{path}, row {data.index[-count] + 1}: {rows_left_out(count)}, as a note below the table.")
        data = data.iloc[:-count]
    if len(data) > MIN_ROWS_BELOW and is_total(_to_text_rows(data.iloc[-1:])[0]):
        *above, total = _to_text_rows(data)
        row = data.index[-1] + 1
        if are_sums(total, above, None):
            data = data.iloc[:-1]
            notices.append(f"{path}, row {row}: this row is left out, as it holds the totals of the columns.")
        else:
            notices.append(
                f"{path}, row {row}: is named like a total, but is read as data. If it is a total, remove it."
            )
    return data, notices


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
        way_out = f"Install it with {install_command('parquet')}, or save the file as CSV"
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
