"""Read the rows of a file that a run is to predict, in chunks that fit its network."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dropout_cli.analysis.image_input import INPUT_BLOCK_BYTES, InputChunk, is_image_input, read_images
from dropout_cli.core import npz
from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.readers import idx, npy
from dropout_cli.data.readers.array_names import find_examples_name
from dropout_cli.data.readers.cells import FLOAT32_MAX, RowLocator, to_json_cells
from dropout_cli.data.readers.column_matching import match_columns
from dropout_cli.data.readers.csv import check_rows, iter_text_chunks
from dropout_cli.data.readers.dialect import UNNAMED_PREFIX
from dropout_cli.data.readers.dialect import column_names as names_of
from dropout_cli.data.readers.excel_parquet import iter_parquet
from dropout_cli.data.readers.file_format import find_format
from dropout_cli.data.readers.table_file import read_table_file, row_locator, text_dialect
from dropout_cli.data.sources.arrays import Arrays
from dropout_cli.data.sources.table import TableSource
from dropout_cli.training.restore import LoadedWithoutData

if TYPE_CHECKING:
    from pandas import DataFrame

FrameChunk: TypeAlias = "tuple[DataFrame, bool | None, RowLocator, tuple[str, ...]]"
"""Rows of a table, whether their numbers have a decimal comma (None: the cells are typed), a function from the index of
a row to its place in the file, and messages about the file."""
IN_MEMORY = "X"
"""The name of data in memory, in messages."""


def read_input_of_all(
    models: Sequence[LoadedWithoutData], given: "Sequence[Path] | DataFrame | Array", missing: Sequence[str] = ()
) -> Iterator[tuple[InputChunk, ...]]:
    """Yield the rows of new data in chunks, each as every one of several models takes it.

    Args:
        models: The restored models, with the same columns.
        given: As in `read_input`.
        missing: As in `read_input`.

    Raises:
        DataError: A file cannot be read, or does not fit a model.
    """
    first = models[0].fitted
    # Without an encoding, examples depend on the dtype alone, so that one reading is enough for all models.
    shared = all(
        model.fitted.encoding is None and _example_dtype(model.fitted) is _example_dtype(first) for model in models
    )
    if shared:
        for chunk in read_input(models[0], given, missing):
            yield (chunk,) * len(models)
    else:
        yield from zip(*(read_input(model, given, missing) for model in models), strict=True)


def read_input(
    model: LoadedWithoutData, given: "Sequence[Path] | DataFrame | Array", missing: Sequence[str] | None = ()
) -> Iterator[InputChunk]:
    """Yield the rows of new data in chunks.

    Args:
        model: The restored model; its preprocessing decides what the data must have.
        given: Files: a table, or an array file if the run was trained on arrays or images; or images and folders of
            images. Or a table or an array in memory.
        missing: Texts that stand for a missing value in a table, in addition to those of the training; None: the
            caller cannot be given any, so that no message advises it.

    Raises:
        UsageError: There are several files that are not images.
        DataError: A file cannot be read, or the data do not fit the run.
    """
    if isinstance(given, np.ndarray):
        return _blocks(model, given, IN_MEMORY)
    if not isinstance(given, Sequence):
        if not model.fitted.columns:
            raise DataError(IN_MEMORY, "is a table, but this run was trained on arrays", "Give an array")
        frame = given.rename(columns=str).reset_index(drop=True)
        return _tables(model, [(frame, None, _place_in_memory, ())], missing)
    files = given
    if any(map(is_image_input, files)):
        for other in files:
            if not is_image_input(other):
                raise DataError(str(other), "is not an image, but the other files are", "Give images only")
        return read_images(model, files)
    if len(files) > 1:
        raise UsageError("FILE", "only images can be several files", "Predict one file after the other.")
    (file,) = files
    if model.fitted.columns and not _is_array(file):
        return _tables(model, _frames(model.fitted, _table_settings(model), file), missing)
    return _arrays(model, file)


def _is_array(file: Path) -> bool:
    """Return True if the name of the file is that of an array file."""
    name = file.name.lower()
    # IDX files are published gzipped.
    return name.removesuffix(".gz").endswith((".npy", ".npz", "ubyte", ".idx"))


def _place_in_memory(row: int) -> str:
    """Return the name of a row of a table in memory, for messages."""
    return f"{IN_MEMORY}, row {row}" if row >= 0 else IN_MEMORY


def _table_settings(model: LoadedWithoutData) -> TableSource:
    """Return the options with which the tables of a run are read."""
    source = model.experiment.dataset
    return source if isinstance(source, TableSource) else TableSource(path="")


def _tables(
    model: LoadedWithoutData, frames: "Iterable[FrameChunk]", missing: Sequence[str] | None
) -> Iterator[InputChunk]:
    """Yield the rows of a table in chunks, with columns matched by name."""
    fitted, settings = model.fitted, _table_settings(model)
    first = 0
    for frame, comma, where, read_notices in frames:
        start = first

        # Default arguments keep the values of this chunk; the function is called after the loop variables change.
        def here(row: int, where: RowLocator = where, start: int = start) -> str:
            return where(row if row < 0 else start + row)

        spellings = fitted.encoding is not None and fitted.encoding.merges_spellings
        options = settings.options(comma)
        options = replace(options, missing=(*options.missing, *(missing or ())))
        can_be_missing = fitted.encoding is not None and missing is not None
        raw, notices = match_columns(
            frame, fitted.columns, options, here, spellings=spellings, can_be_missing=can_be_missing
        )
        # Without an encoding, the training had no missing values, so there is no value to fill in.
        if fitted.encoding is None and np.isnan(raw).any():
            row, column = np.argwhere(np.isnan(raw))[0]
            raise DataError(here(int(row)), f"has no value for '{fitted.columns[column].name}'", "Fill in the cell")
        raw = raw.astype(_example_dtype(fitted))
        x = raw if fitted.encoding is None else fitted.encoding.apply(raw)
        cells = zip(*(to_json_cells(frame[name]) for name in frame.columns), strict=True)
        yield list(map(str, frame.columns)), [list(row) for row in cells], x, [*read_notices, *notices]
        first += len(frame)


def _frames(fitted: Preprocessing, settings: TableSource, file: Path) -> "Iterator[FrameChunk]":
    """Yield chunks of a table file."""
    options = settings.file_options
    wanted = [column.name for column in fitted.columns]
    # Names of a table without a header would be found nowhere.
    known = (
        () if _by_place(wanted) else [column.date.column if column.date else column.name for column in fitted.columns]
    )
    kind = find_format(file)
    if kind == "parquet":
        # Parquet files can be larger than the memory.
        for frame in iter_parquet(file):
            yield frame, None, row_locator(file), ()
        return
    if kind != "text":
        cells = read_table_file(file, options, known)
        # Typed numbers have no decimal comma.
        yield cells.frame, None, cells.where, cells.notices
        return
    dialect = text_dialect(file, options, known)
    # A header is recognized by a column of the training, even if the file looks like one without a header.
    named = any(name in dialect.first_row for name in known or wanted)
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
            (*dialect.notices, *checked.notices),
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


def _arrays(model: LoadedWithoutData, file: Path) -> Iterator[InputChunk]:
    """Yield the examples of an array file in blocks. Raise DataError if they do not fit."""
    source = model.experiment.dataset
    if not _is_array(file) and source.takes_pictures:
        fact = "is not an image, but this run was trained on images"
        raise DataError(str(file), fact, "Give images, a folder of images, or an array (.npy)")
    if not _is_array(file):
        raise DataError(
            str(file), "is not a .npy, .npz or IDX file, but this run was trained on arrays", "Save it as one of these"
        )
    x: Any
    if file.suffix.lower() == ".npz":
        try:
            arrays = npz.read_npz(file.read_bytes(), str(file))
        except OSError as error:
            raise DataError(
                str(file), f"cannot be read: {error.strerror}", "Check the path and its permissions"
            ) from None
        x = arrays[find_examples_name(arrays, str(file))]
    elif file.suffix.lower() == ".npy":
        x = npy.open_npy_rows([file], INPUT_BLOCK_BYTES)
    else:
        x = idx.read_idx(file)
    yield from _blocks(model, x, str(file))


def _blocks(model: LoadedWithoutData, x: Any, place: str) -> Iterator[InputChunk]:
    """Yield the examples of an array in blocks.

    Args:
        model: The restored model.
        x: The array, in memory or in a file.
        place: Its name in messages.

    Raises:
        DataError: The examples do not fit.
    """
    fitted, source = model.fitted, model.experiment.dataset
    if fitted.encoding is not None:
        raise DataError(place, "is an array, but this run was trained on a table", "Give a table")
    channels_first = isinstance(source, Arrays) and source.channels == "first" and len(x.shape) == 4
    shape = (*x.shape[2:], x.shape[1]) if channels_first else tuple(x.shape[1:])
    # Gray pictures may come without their channel axis.
    if shape == fitted.shape[:2] and len(fitted.shape) == 3 and fitted.shape[2] == 1:
        shape = fitted.shape
    if shape != fitted.shape or x.dtype.kind not in "uifb":
        needed, given = (" x ".join(map(str, sizes)) for sizes in (fitted.shape, x.shape[1:]))
        fact = f"its examples have the shape {given or '()'} and the type {x.dtype}, but the network needs {needed}"
        raise DataError(place, fact, "Give numbers in the shape of the examples in training")
    # 4: bytes of a float32. The file may have pixels of one byte.
    step = max(1, INPUT_BLOCK_BYTES // max(1, 4 * int(np.prod(shape))))
    for start in range(0, len(x), step):
        block = np.asarray(x[start : start + step])
        block = np.ascontiguousarray(block.transpose(0, 2, 3, 1)) if channels_first else block.reshape(-1, *shape)
        broken = np.argwhere(~(np.abs(block) <= FLOAT32_MAX)) if block.dtype.kind == "f" else np.empty((0, 1))
        if not len(broken) and block.dtype != np.uint8:
            block = block.astype(_example_dtype(fitted))
        if len(broken):
            where = f"{place}, row {start + int(broken[0, 0])}"
            raise DataError(where, "has a value that is not a finite 32-bit number", "Correct this value")
        yield ["row"], [[row] for row in range(start, start + len(block))], block, []
