"""Labels of arrays as a table: class numbers, words, one-hot rows, or numbers of a regression."""

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.readers.table_columns import TaskName

if TYPE_CHECKING:
    from pandas import DataFrame


def label_table(y: list[Array], places: list[str], task: TaskName = "auto") -> tuple["DataFrame", tuple[str, ...]]:
    """Return the labels of all parts as a table with one column per target, and notices.

    Args:
        y: the labels of each part: (N,), or (N, K) one-hot rows or numbers of a regression.
        places: the file of each part, for messages.
        task: with `regression`, columns of 0 and 1 are numbers.

    Raises:
        DataError: if the labels have a wrong shape or type, or several classes per example.
    """
    import pandas as pd

    flat = [array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array for array in y]
    for array, place in zip(flat, places, strict=True):
        if array.ndim not in (1, 2) or array.shape[1:] != flat[0].shape[1:]:
            fact = f"has labels of the shape {array.shape}"
            raise DataError(place, fact, "Labels must have the shape (N,) or, for a regression, (N, targets)")
        if array.dtype.kind not in "uifbUS":
            raise DataError(place, f"has labels of the type {array.dtype}", "Use numbers or words")
    notices: tuple[str, ...] = ()
    if task != "regression" and all(map(_is_binary, flat)):
        for array, place in zip(flat, places, strict=True):
            _require_one_class(array, place)
        notices = (f"The labels are one-hot rows of {flat[0].shape[1]} numbers; they are read as class numbers.",)
        flat = [array.argmax(axis=1) for array in flat]
    labels = np.concatenate(flat)
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    names = ["y"] if labels.ndim == 1 else [f"y{place}" for place in range(labels.shape[1])]
    values = labels.reshape(len(labels), -1)
    return pd.DataFrame({name: pd.Series(list(values[:, place])) for place, name in enumerate(names)}), notices


def _is_binary(array: Array) -> bool:
    """Return True for rows of 0 and 1."""
    return array.ndim == 2 and array.dtype.kind in "uifb" and bool(((array == 0) | (array == 1)).all())


def _require_one_class(array: Array, place: str) -> None:
    """Raise DataError unless each row of 0 and 1 has exactly one 1."""
    ones = np.count_nonzero(array, axis=1)
    wrong = np.flatnonzero(ones != 1)
    if len(wrong):
        several = int(np.count_nonzero(ones > 1))
        rows = f"{several:,} of {counted(len(array), 'row')} have several 1s" if several else "no row has several 1s"
        none = int(np.count_nonzero(ones == 0))
        rows += f", {none:,} have none" if none else ""
        fact = f"the labels are multi-label: rows of {array.shape[1]} zeros and ones ({rows})"
        way_out = "Train one run per label with y[:, k], or set dataset.task: regression"
        raise DataError(f"{place}, row {wrong[0]}", fact, way_out)
