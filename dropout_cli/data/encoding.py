"""A table as a network takes it: missing values filled in, categories as columns of 0 and 1.

Both are fitted by scikit-learn on the train part: the median of a column of numbers, the most frequent of a column of
categories (SimpleImputer), and the categories that occur (OneHotEncoder with `handle_unknown="ignore"`). What was
fitted are a few numbers per column; applying them is a lookup, so that a run folder can keep them without a pickle.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.data.base import Column

UNKNOWN = -1.0
"""In place of a category that was not there in training: none of its columns is 1."""


@dataclass(frozen=True)
class Encoding:
    """What was fitted, for `columns` in their order."""

    columns: tuple[Column, ...]
    fill: tuple[float, ...]
    """What a missing value becomes: a number, or the place of a category."""
    seen: tuple[tuple[int, ...], ...]
    """The places of the categories that occurred, a column of 0 and 1 for each; empty for a column of numbers."""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of what comes out."""
        names: list[str] = []
        for column, seen in zip(self.columns, self.seen, strict=True):
            words = column.categories
            names += [column.name] if words is None else [f"{column.name}={words[place]}" for place in seen]
        return tuple(names)

    @property
    def numeric(self) -> Array:
        """(features,) bool: which of them are numbers, and are scaled."""
        flags: list[bool] = []
        for column, seen in zip(self.columns, self.seen, strict=True):
            flags += [True] if column.categories is None else [False] * len(seen)
        return np.array(flags, bool)

    def apply(self, x: Array) -> Array:
        """x (N, columns), NaN where a value is missing -> (N, features) float32."""
        y = np.empty((len(x), len(self.numeric)), np.float32)
        at = 0
        for place, (column, seen) in enumerate(zip(self.columns, self.seen, strict=True)):
            values = np.where(np.isnan(x[:, place]), np.float32(self.fill[place]), x[:, place])
            if column.categories is None:
                y[:, at] = values
                at += 1
            else:
                y[:, at : at + len(seen)] = values[:, None] == np.array(seen, np.float32)
                at += len(seen)
        return y


def fit(x: Array, columns: tuple[Column, ...]) -> Encoding:
    """Fit to the train part x (N, columns) float32, NaN where a value is missing; a column without any becomes 0."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    fill: list[float] = []
    seen: list[tuple[int, ...]] = []
    for place, column in enumerate(columns):
        values = x[:, place : place + 1].astype(np.float64)
        if np.isnan(values).all():
            fill.append(0.0)
            seen.append(() if column.categories is None else (0,))
            continue
        strategy = "median" if column.categories is None else "most_frequent"
        imputer = SimpleImputer(strategy=strategy)
        whole = imputer.fit_transform(values)
        fill.append(float(imputer.statistics_[0]))
        if column.categories is None:
            seen.append(())
        else:
            encoder = OneHotEncoder(handle_unknown="ignore").fit(whole)
            seen.append(tuple(int(place) for place in encoder.categories_[0]))
    return Encoding(columns, tuple(fill), tuple(seen))
