"""Weights of the rows of a table."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.example_weights import WEIGHTS_KEY, require_valid_weights
from dropout_cli.data.readers.cells import unparsed_words
from dropout_cli.data.readers.table_columns import TableColumns


def check_weights_column(columns: TableColumns, predicted: Collection[str]) -> None:
    """Raise DataError if the column of weights is one of the predicted ones, or there is none."""
    key = columns.options.weights
    if key is not None and (name := columns.find_name(key, "weights")) in predicted:
        raise DataError(WEIGHTS_KEY, f"'{name}' is the column to predict", "Set dataset.target to another column")


def read_weights(columns: TableColumns, trained: Array) -> Array:
    """Return the weight of each row, (N,) float64; NaN for rows that are not trained on.

    The cells of rows that are not trained on are not read.

    Args:
        columns: the table; `options.weights` names the column.
        trained: (N,) bool, the rows that may be in the training part.

    Raises:
        DataError: for text, or a missing, negative or infinite weight.
    """
    assert columns.options.weights is not None
    name, rows = columns.find_name(columns.options.weights, "weights"), np.flatnonzero(trained)
    called = f"the weight in column '{name}'"

    def where(row: int) -> str:
        return columns.where(int(rows[row]))

    series = replace(columns, frame=columns.frame.iloc[rows].reset_index(drop=True)).parsed(name)
    words = unparsed_words(series, columns.options.decimal_comma)
    if words:
        word = min(words, key=lambda text: words[text][0])
        way_out = f"Give a number of at least 0, or change {WEIGHTS_KEY}"
        raise DataError(where(words[word][0]), f"{called} is '{word:.40}', which is not a number", way_out)
    weights = np.full(len(trained), np.nan)
    weights[rows] = series.to_numpy(np.float64)
    require_valid_weights(weights[rows], where, called)
    return weights
