"""A file of any format as a table of cells."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import plural
from dropout_cli.data.readers import csv as csv_reader
from dropout_cli.data.readers import other_tables
from dropout_cli.data.readers.cells import RowLocator, quote_names
from dropout_cli.data.readers.dialect import UNNAMED_PREFIX, Dialect
from dropout_cli.data.readers.dialect_detection import detect_dialect
from dropout_cli.data.readers.encoding import Encoding, require_encoding
from dropout_cli.data.readers.excel_parquet import iter_parquet, read_excel
from dropout_cli.data.readers.extra_rows import ExtraRows
from dropout_cli.data.readers.file_format import find_format
from dropout_cli.data.readers.leading_zeros import SAMPLE_ROWS, columns_of_codes

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class FileOptions:
    """Notation of a file; the fields are keys of `dataset: {name: table}`."""

    header: Literal["auto"] | bool = "auto"
    header_line: int | None = None
    extra_rows: ExtraRows = "leave_out"
    separator: str = "auto"
    decimal: Literal["auto", ".", ","] = "auto"
    encoding: str = "auto"
    sheet: str | int | None = None
    missing: tuple[str, ...] = ()
    not_missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableCells:
    """The cells of a file, and how they were read."""

    frame: "DataFrame"
    where: RowLocator
    """Maps a row number to its place in the file, -1 to the file."""
    read_as: str
    """Notation of the file, in a few words."""
    decimal_comma: bool | None = None
    """True if numbers have a decimal comma; None if the file does not tell."""
    notices: tuple[str, ...] = ()
    """Messages about the file for the user."""
    code_columns: tuple[str, ...] = ()
    """Columns of digits with leading zeros."""


def read_table_file(path: Path, options: FileOptions, known_names: Collection[str] = ()) -> TableCells:
    """Read the cells of a file.

    Args:
        path: the file. Its format is recognized by its content.
        options: how it is written.
        known_names: names of columns that the header should have.

    Raises:
        DataError: if the file cannot be read.
    """
    kind = find_format(path)
    if kind == "text":
        cells = _read_text(path, options)
    elif kind == "excel":
        frame, rows, notices = read_excel(
            path,
            options.header,
            options.sheet,
            options.header_line,
            options.extra_rows,
            known_names,
            options.not_missing,
        )
        # Rows count from 1, so the first row of data is row 1 only without a header.
        header = "with a header" if rows[0] > 1 else "without a header"
        cells = TableCells(
            frame,
            lambda row: f"{path}, row {rows[row]}" if row >= 0 else str(path),
            f"Excel, {header}",
            notices=notices,
        )
    else:
        cells = TableCells(_read_typed(path, kind), row_locator(path), _TITLES[kind])
    cells = _without_nested(replace(cells, frame=_drop_blank_columns(cells.frame)), path)
    if not len(cells.frame.columns):
        raise DataError(str(path), "has no column of words or numbers", "Give a table with columns")
    return cells


def row_locator(path: Path) -> RowLocator:
    """Return a function that names the rows of a file without lines."""
    return lambda row: f"{path}, row {row + 1}" if row >= 0 else str(path)


def text_dialect(path: Path, options: FileOptions, known_names: Collection[str] = ()) -> Dialect:
    """Return the notation of a text file.

    Args:
        path: the file.
        options: what the user has set.
        known_names: names of columns that the header should have.

    Raises:
        DataError: if the file is empty or is not text.
    """
    return detect_dialect(
        path,
        separator=None if options.separator == "auto" else options.separator,
        header=None if options.header == "auto" else options.header,
        encoding=None if options.encoding == "auto" else require_encoding(options.encoding),
        header_line=options.header_line,
        extra_rows=options.extra_rows,
        decimal_comma=None if options.decimal == "auto" else options.decimal == ",",
        known_names=known_names,
    )


_TITLES = {"parquet": "Parquet", "json": "JSON", "arff": "ARFF", "libsvm": "libsvm"}


def _read_typed(path: Path, kind: str) -> "DataFrame":
    import pandas as pd

    if kind == "parquet":
        return pd.concat(iter_parquet(path))
    readers = {"json": other_tables.read_json, "arff": other_tables.read_arff, "libsvm": other_tables.read_libsvm}
    return readers[kind](path)


def _read_text(path: Path, options: FileOptions) -> TableCells:
    dialect = text_dialect(path, options)
    frame, checked = csv_reader.read_csv(path, dialect, options.missing, options.not_missing)
    lines = checked.row_lines
    first = csv_reader.read_first_rows(path, dialect, checked, SAMPLE_ROWS)
    notices = [*dialect.notices, *checked.notices]
    if dialect.guessed_word:
        notices.append(
            f"{path}: its encoding was guessed: {Encoding(dialect.encoding).title}, in which it has the word "
            f"'{dialect.guessed_word}'. If that is wrong, set dataset.encoding."
        )
    if options.decimal == "auto":
        notices += _point_notices(path, dialect, first)
    return TableCells(
        frame,
        lambda row: f"{path}, line {lines[row]}" if row >= 0 else str(path),
        dialect.description,
        dialect.decimal_comma,
        tuple(notices),
        columns_of_codes(first),
    )


def _point_notices(path: Path, dialect: Dialect, first: "DataFrame") -> list[str]:
    """Return a notice about numbers such as 1.105 between semicolons, which may be 1105."""
    if dialect.separator != ";" or dialect.decimal_comma is not None:
        return []
    doubtful = [
        str(name)
        for name in first.columns
        if (cells := first[name].str.strip()).str.fullmatch(r"[1-9]\d{0,2}(\.\d{3})+").any()
        and cells[cells != ""].str.fullmatch(r"[+-]?[1-9]\d{0,2}(\.\d{3})*").all()
    ]
    if not doubtful:
        return []
    example = next(cell for cell in first[doubtful[0]] if "." in cell).strip()
    taken = f"{plural(len(doubtful), 'column')} {quote_names(doubtful, 5)}: numbers such as {example} were read with a"
    way_out = "If the point separates thousands, set dataset.decimal=','"
    return [f"{path}: {taken} decimal point. {way_out}."]


def _drop_blank_columns(frame: "DataFrame") -> "DataFrame":
    """Return the table without trailing columns that have neither name nor value.

    They appear if the lines end in separators.
    """
    names = list(frame.columns)
    while len(names) > 1 and str(names[-1]).startswith(UNNAMED_PREFIX) and frame[names[-1]].isna().all():
        names.pop()
    return frame[names]


def _without_nested(cells: TableCells, path: Path) -> TableCells:
    """Return the table without columns of lists or mappings, which no network can learn from."""
    frame = cells.frame
    nested = [
        name
        for name in frame.columns
        if frame[name].dtype == object
        and any(hasattr(cell, "__iter__") and not isinstance(cell, str | bytes) for cell in frame[name])
    ]
    codes = cells.code_columns or columns_of_codes(frame.drop(columns=nested))
    if not nested:
        return replace(cells, code_columns=codes)
    verbs = "holds lists and is" if len(nested) == 1 else "hold lists and are"
    notice = f"{path}: {plural(len(nested), 'column')} {quote_names(nested, 5)} {verbs} left out."
    return replace(cells, frame=frame.drop(columns=nested), code_columns=codes, notices=(*cells.notices, notice))
