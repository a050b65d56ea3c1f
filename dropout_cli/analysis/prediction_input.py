"""Read the rows of a file that a run is to predict, in chunks that fit its network."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dropout_cli.core import npz
from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.readers import idx, npy
from dropout_cli.data.readers.cells import FLOAT32_MAX, RowLocator, to_json_cells
from dropout_cli.data.readers.column_matching import match_columns
from dropout_cli.data.readers.csv import check_rows, iter_text_chunks
from dropout_cli.data.readers.dialect import UNNAMED_PREFIX
from dropout_cli.data.readers.dialect import column_names as names_of
from dropout_cli.data.readers.excel_parquet import EXCEL_SUFFIXES, PARQUET_SUFFIXES, iter_parquet, read_excel
from dropout_cli.data.sources.table import TableSource
from dropout_cli.training.restore import LoadedWithoutData

if TYPE_CHECKING:
    from pandas import DataFrame

INPUT_BLOCK_BYTES = 64 << 20
"""Memory for the examples of one block of an array, as float32."""

InputChunk: TypeAlias = tuple[Sequence[str], list[list[Any]], Array, list[str]]
"""Names and cells of the file, x of shape (N, ...), and notices."""


def read_input_of_all(models: Sequence[LoadedWithoutData], file: Path) -> Iterator[tuple[InputChunk, ...]]:
    """Yield the rows of a file in chunks, each as every one of several models takes it.

    Args:
        models: The restored models, with the same columns.
        file: As in `read_input`.

    Raises:
        DataError: The file cannot be read, or does not fit a model.
    """
    first = models[0].fitted
    # Without an encoding, examples depend on the dtype alone, so that one reading is enough for all models.
    shared = all(
        model.fitted.encoding is None and _example_dtype(model.fitted) is _example_dtype(first) for model in models
    )
    if shared:
        for chunk in read_input(models[0], file):
            yield (chunk,) * len(models)
    else:
        yield from zip(*(read_input(model, file) for model in models), strict=True)


def read_input(model: LoadedWithoutData, file: Path) -> Iterator[InputChunk]:
    """Yield the rows of a file in chunks.

    Args:
        model: The restored model; its preprocessing decides what the file must have.
        file: A table, or an array file if the run was trained on arrays or pictures.

    Raises:
        DataError: The file cannot be read, or does not fit the run.
    """
    if model.fitted.columns and not _is_array(file):
        return _tables(model, file)
    return _arrays(model.fitted, file)


def _is_array(file: Path) -> bool:
    """Return True if the name of the file is that of an array file."""
    name = file.name.lower()
    # IDX files are published gzipped.
    return name.removesuffix(".gz").endswith((".npy", ".npz", "ubyte", ".idx"))


def _tables(model: LoadedWithoutData, file: Path) -> Iterator[InputChunk]:
    """Yield the rows of a table in chunks, with columns matched by name."""
    fitted = model.fitted
    settings = (
        model.experiment.dataset if isinstance(model.experiment.dataset, TableSource) else TableSource(path=str(file))
    )
    first = 0
    for frame, comma, where in _frames(fitted, settings, file):
        start = first

        # Default arguments keep the values of this chunk; the function is called after the loop variables change.
        def here(row: int, where: RowLocator = where, start: int = start) -> str:
            return where(row if row < 0 else start + row)

        raw, notices = match_columns(frame, fitted.columns, settings.missing_texts, comma, here)
        # Without an encoding, the training had no missing values, so there is no value to fill in.
        if fitted.encoding is None and np.isnan(raw).any():
            row, column = np.argwhere(np.isnan(raw))[0]
            raise DataError(here(int(row)), f"has no value for '{fitted.columns[column].name}'", "Fill in the cell")
        raw = raw.astype(_example_dtype(fitted))
        x = raw if fitted.encoding is None else fitted.encoding.apply(raw)
        cells = zip(*(to_json_cells(frame[name]) for name in frame.columns), strict=True)
        yield list(map(str, frame.columns)), [list(row) for row in cells], x, notices
        first += len(frame)


def _frames(
    fitted: Preprocessing, settings: TableSource, file: Path
) -> "Iterator[tuple[DataFrame, bool | None, RowLocator]]":
    """Yield chunks of a table.

    Each chunk is a frame, whether its numbers have a decimal comma (None: its cells are typed), and a function from a
    row's index to its place in the file, for messages.
    """
    kind = file.suffix.lower()
    if kind in PARQUET_SUFFIXES:
        # Parquet and Excel store typed numbers, so a decimal comma cannot occur.
        for frame in iter_parquet(file):
            yield frame, None, lambda row: f"{file}, row {row + 1}" if row >= 0 else str(file)
        return
    if kind in EXCEL_SUFFIXES:
        frame, rows = read_excel(file, settings.header)
        yield frame, None, lambda row: f"{file}, row {rows[row]}" if row >= 0 else str(file)
        return
    wanted = [column.name for column in fitted.columns]
    dialect = settings.detect_dialect(file)
    # A header is recognized by a column of the training, even if the file looks like one without a header.
    named = any(name in dialect.first_row for name in wanted)
    if settings.header == "auto":
        dialect = replace(dialect, header=named or (dialect.header and _by_place(wanted)))
    checked = check_rows(file, dialect)
    names = names_of(dialect, checked.cells_per_row)
    if not dialect.header or not named:
        names = _without_names(wanted, checked.cells_per_row, file)
    for frame in iter_text_chunks(file, dialect, names, checked):
        yield (
            frame,
            dialect.decimal_comma,
            lambda row: f"{file}, line {checked.row_lines[row]}" if row >= 0 else str(file),
        )


def _by_place(names: Sequence[str]) -> bool:
    """Return True if the table of the training had no header."""
    return all(name.startswith(UNNAMED_PREFIX) for name in names)


def _without_names(wanted: Sequence[str], width: int, file: Path) -> list[str]:
    """Return names for the columns of a file without a header.

    Args:
        wanted: The columns of the training, in order, without the target.
        width: Number of columns of the file.
        file: For messages.

    Raises:
        DataError: The columns of the file cannot be matched.
    """
    # Without names, only files with the columns of the training in their order can be matched.
    if width == len(wanted):
        return list(wanted)
    if _by_place(wanted):
        return [f"{UNNAMED_PREFIX}{place}" for place in range(width)]
    fact = f"has {counted(width, 'column')} and no header, but the network needs {len(wanted)}"
    raise DataError(str(file), fact, "Add a header, or keep only the columns used in training")


def _example_dtype(fitted: Preprocessing) -> type:
    """Return the dtype in which examples are scaled: float64 if a feature has an offset."""
    return np.float32 if fitted.scaling.offset is None else np.float64


def _arrays(fitted: Preprocessing, file: Path) -> Iterator[InputChunk]:
    """Yield the examples of an array file in blocks. Raise DataError if they do not fit."""
    if fitted.encoding is not None:
        raise DataError(str(file), "is an array, but this run was trained on a table", "Give a table")
    if not _is_array(file):
        raise DataError(
            str(file), "is not a .npy, .npz or IDX file, but this run was trained on arrays", "Save it as one of these"
        )
    x: Any
    if file.suffix.lower() == ".npz":
        try:
            x = npz.read_npz(file.read_bytes(), str(file)).get("x")
        except OSError as error:
            raise DataError(str(file), f"cannot be read: {error.strerror}", "Give a file") from None
        if x is None:
            raise DataError(str(file), "has no array `x`", "Save the examples under the name x")
    elif file.suffix.lower() == ".npy":
        x = npy.open_npy_rows([file], INPUT_BLOCK_BYTES)
    else:
        x = idx.read_idx(file)
    shape = tuple(x.shape[1:])
    # Gray pictures may come without their channel axis.
    if shape == fitted.shape[:2] and len(fitted.shape) == 3 and fitted.shape[2] == 1:
        shape = fitted.shape
    if shape != fitted.shape or x.dtype.kind not in "uifb":
        needed, given = (" x ".join(map(str, sizes)) for sizes in (fitted.shape, x.shape[1:]))
        fact = f"its examples have the shape {given or '()'} and the type {x.dtype}, but the network needs {needed}"
        raise DataError(str(file), fact, "Give numbers in the shape of the examples in training")
    # 4: bytes of a float32. The file may have pixels of one byte.
    step = max(1, INPUT_BLOCK_BYTES // max(1, 4 * int(np.prod(shape))))
    for start in range(0, len(x), step):
        block = np.asarray(x[start : start + step]).reshape(-1, *shape)
        broken = np.argwhere(~(np.abs(block) <= FLOAT32_MAX)) if block.dtype.kind == "f" else np.empty((0, 1))
        if not len(broken) and block.dtype != np.uint8:
            block = block.astype(_example_dtype(fitted))
        if len(broken):
            place = f"{file}, row {start + int(broken[0, 0])}"
            raise DataError(place, "has a value that is not a finite 32-bit number", "Correct this value")
        yield ["row"], [[row] for row in range(start, start + len(block))], block, []
