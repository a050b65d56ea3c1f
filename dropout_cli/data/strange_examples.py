"""Examples of another dataset, prepared for a trained network that knows nothing of their classes."""

from dataclasses import replace

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.base import Examples, Source
from dropout_cli.data.dataset import Part
from dropout_cli.data.loading import convert_pixel_bits, recode_categories
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.readers.file_rows import FileRows
from dropout_cli.data.sparse_rows import SparseRows
from dropout_cli.data.splits import split_rows


def load_strange_part(source: Source, fitted: Preprocessing, place: str) -> Part:
    """Return the test part of a dataset, with the features of a trained network and without labels.

    Args:
        source: The other dataset.
        fitted: The preprocessing of the network.
        place: The name of the dataset in messages.

    Raises:
        DataError: The examples do not fit the network, or there is no test part.
    """
    examples = source.read()
    # Strange examples need the split alone, so that their classes may be any.
    rows = split_rows(examples, source).test
    if not len(rows):
        raise DataError(place, "has no test part", "Give a config with one")
    if examples.images is not None and examples.pixel_bits != fitted.pixel_bits:
        examples = convert_pixel_bits(examples, fitted.pixel_bits)
    if fitted.columns:
        x = _table_features(examples, rows, fitted, place)
    else:
        # Files that exceed the memory, and sparse matrices, stay as they are.
        x = examples.x.subset(rows) if isinstance(examples.x, FileRows | SparseRows) else examples.x[rows]
    if tuple(x.shape[1:]) != fitted.shape:
        needed, given = (" x ".join(map(str, sizes)) for sizes in (fitted.shape, x.shape[1:]))
        fact = f"its examples have the shape {given}, but the network needs {needed}"
        raise DataError(place, fact, "Give examples of the same size")
    if isinstance(x, np.ndarray):
        if x.dtype == np.float64 and fitted.scaling.offset is None:
            x = x.astype(np.float32)
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            raise DataError(place, "has missing values, but the training had none", "Fill them in")
        x = np.ascontiguousarray(x)
        x.setflags(write=False)
    labels = np.zeros((len(rows), len(fitted.targets.names))) if fitted.targets else np.zeros(len(rows), np.intp)
    return Part(x, labels, rows)


def _table_features(examples: Examples, rows: Array, fitted: Preprocessing, place: str) -> Array:
    """Return the features of some rows of a table, with columns matched by name."""
    places = {column.name: index for index, column in enumerate(examples.columns)}
    missing = [column.name for column in fitted.columns if column.name not in places]
    if missing or not isinstance(examples.x, np.ndarray):
        names = ", ".join(f"'{name}'" for name in missing[:5]) or "of the training"
        raise DataError(place, f"does not have the columns {names}", "Give a table with the columns of the training")
    order = [places[column.name] for column in fitted.columns]
    known = replace(examples, x=examples.x[rows][:, order])
    columns = tuple(examples.columns[index] for index in order)
    if fitted.encoding is None:
        if any(column.categories is not None for column in columns):
            raise DataError(place, "has a column of words where the training had numbers", "Correct it")
        return known.x
    return fitted.encoding.apply(recode_categories(known.x, columns, fitted))
