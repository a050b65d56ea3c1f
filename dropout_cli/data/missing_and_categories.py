"""Encoding of tables: missing values filled in, categories as columns of 0 and 1.

scikit-learn fits both on the train part: the median of a column of numbers, the most frequent category of a
categorical column (SimpleImputer), and the categories that occur (OneHotEncoder with `handle_unknown="ignore"`). The
result is a few numbers per column; applying them is a lookup, so a run folder can store them without a pickle.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.data.base import Column

UNKNOWN_CATEGORY = -1.0
"""Code of a category that training has not seen: none of its columns is 1."""


@dataclass(frozen=True)
class TableEncoding:
    """Fitted fill values and categories of `columns`, in their order."""

    columns: tuple[Column, ...]
    fill_values: tuple[float, ...]
    """Replacement for a missing value in each column: a number, or the index of a category."""
    seen_codes: tuple[tuple[int, ...], ...]
    """Indices of the categories that occur, one column of 0 and 1 for each; empty for a column of numbers."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the encoded features."""
        names: list[str] = []
        for column, seen in zip(self.columns, self.seen_codes, strict=True):
            words = column.categories
            names += [column.name] if words is None else [f"{column.name}={words[index]}" for index in seen]
        return tuple(names)

    @property
    def is_numeric(self) -> Array:
        """(features,) bool: True for features that are numbers and therefore scaled."""
        flags: list[bool] = []
        for column, seen in zip(self.columns, self.seen_codes, strict=True):
            flags += [True] if column.categories is None else [False] * len(seen)
        return np.array(flags, bool)

    def apply(self, x: Array) -> Array:
        """Return the encoded features, (N, features), in the dtype of `x`.

        Args:
            x: (N, columns), float32 or float64; NaN marks a missing value.
        """
        y = np.empty((len(x), len(self.is_numeric)), x.dtype)
        start = 0
        for index, (column, seen) in enumerate(zip(self.columns, self.seen_codes, strict=True)):
            values = np.where(np.isnan(x[:, index]), x.dtype.type(self.fill_values[index]), x[:, index])
            if column.categories is None:
                y[:, start] = values
                start += 1
            else:
                # UNKNOWN_CATEGORY equals no code, so all its columns are 0.
                y[:, start : start + len(seen)] = values[:, None] == np.array(seen, np.float32)
                start += len(seen)
        return y


def fit_encoding(x: Array, columns: tuple[Column, ...]) -> TableEncoding:
    """Fit the encoding on the train part.

    Args:
        x: (N, columns), float32 or float64; NaN marks a missing value.
        columns: one per column of `x`.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    fill: list[float] = []
    seen: list[tuple[int, ...]] = []
    for index, column in enumerate(columns):
        values = x[:, index : index + 1].astype(np.float64)
        if np.isnan(values).all():  # SimpleImputer would drop a column without any value
            fill.append(0.0)
            seen.append(() if column.categories is None else (0,))
            continue
        strategy = "median" if column.categories is None else "most_frequent"
        imputer = SimpleImputer(strategy=strategy)
        filled = imputer.fit_transform(values)
        fill.append(float(imputer.statistics_[0]))
        if column.categories is None:
            seen.append(())
        else:
            encoder = OneHotEncoder(handle_unknown="ignore").fit(filled)
            seen.append(tuple(int(index) for index in encoder.categories_[0]))
    return TableEncoding(columns, tuple(fill), tuple(seen))
