"""Encoding of tables: missing values filled in, categories as columns of 0 and 1.

scikit-learn fits both on the train part: the median of a column of numbers, the most frequent category of a
categorical column (SimpleImputer), and the categories that occur (OneHotEncoder with `handle_unknown="ignore"`). The
result is a few numbers per column; applying them is a lookup, so a run folder can store them without a pickle.

If the config asks for it, a column with missing values gets a further feature, which is 1 if the value is missing. A
missing category then is none of the other categories; a missing number is the median as well.
"""

from dataclasses import dataclass, replace

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.data.base import Column, EncodingOptions

UNKNOWN_CATEGORY = -1.0
"""Code of a category that training has not seen: none of its columns is 1."""
MANY_MISSING = 0.05
"""Fraction of missing values in a column of categories from which `auto` means `level`."""


@dataclass(frozen=True)
class TableEncoding:
    """Fitted fill values and categories of `columns`, in their order."""

    columns: tuple[Column, ...]
    fill_values: tuple[float, ...]
    """Replacement for a missing value in each column: a number, or the index of a category."""
    seen_codes: tuple[tuple[int, ...], ...]
    """Indices of the categories that occur, one column of 0 and 1 for each; empty for a column of numbers."""
    marks_missing: tuple[bool, ...] = ()
    """For each column, True if a further feature is 1 where the value is missing. Empty: no column has one."""
    merges_spellings: bool = False
    """True if new words are compared with the categories in their normal form."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the encoded features."""
        names: list[str] = []
        for column, seen, marked in zip(self.columns, self.seen_codes, self._marks, strict=True):
            words = column.categories
            names += [column.name] if words is None else [f"{column.name}={words[index]}" for index in seen]
            names += [f"{column.name} (missing)"] if marked else []
        return tuple(names)

    @property
    def is_numeric(self) -> Array:
        """(features,) bool: True for features that are numbers and therefore scaled."""
        flags: list[bool] = []
        for column, seen, marked in zip(self.columns, self.seen_codes, self._marks, strict=True):
            flags += [True] if column.categories is None else [False] * len(seen)
            flags += [False] * marked
        return np.array(flags, bool)

    @property
    def column_of_feature(self) -> Array:
        """(features,) intp: the index in `columns` of the column that each feature is made of."""
        sizes = [
            (1 if column.categories is None else len(seen)) + marked
            for column, seen, marked in zip(self.columns, self.seen_codes, self._marks, strict=True)
        ]
        return np.repeat(np.arange(len(sizes)), sizes)

    @property
    def has_missing_level(self) -> bool:
        """True if a missing category of some column is a category of its own."""
        return any(marked for column, marked in zip(self.columns, self._marks, strict=True) if column.categories)

    @property
    def _marks(self) -> tuple[bool, ...]:
        return self.marks_missing or (False,) * len(self.columns)

    def apply(self, x: Array) -> Array:
        """Return the encoded features, (N, features), in the dtype of `x`.

        Args:
            x: (N, columns), float32 or float64; NaN marks a missing value.
        """
        y = np.empty((len(x), len(self.is_numeric)), x.dtype)
        start = 0
        for index, (column, seen, marked) in enumerate(zip(self.columns, self.seen_codes, self._marks, strict=True)):
            missing = np.isnan(x[:, index])
            fill = UNKNOWN_CATEGORY if marked and column.categories is not None else self.fill_values[index]
            values = np.where(missing, x.dtype.type(fill), x[:, index])
            if column.categories is None:
                y[:, start] = values
                start += 1
            else:
                # UNKNOWN_CATEGORY equals no code, so all its columns are 0.
                y[:, start : start + len(seen)] = values[:, None] == np.array(seen, np.float32)
                start += len(seen)
            if marked:
                y[:, start] = missing
                start += 1
        return y


def fit_encoding(x: Array, columns: tuple[Column, ...], options: EncodingOptions | None = None) -> TableEncoding:
    """Fit the encoding on the train part.

    Args:
        x: (N, columns), float32 or float64; NaN marks a missing value.
        columns: one per column of `x`.
        options: how missing values and words are encoded; None: the defaults.
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
    encoding = TableEncoding(columns, tuple(fill), tuple(seen))
    if options is None:
        return encoding
    marks = _columns_to_mark(x, columns, options)
    return replace(encoding, marks_missing=marks if any(marks) else (), merges_spellings=options.merges_spellings)


def _columns_to_mark(x: Array, columns: tuple[Column, ...], options: EncodingOptions) -> tuple[bool, ...]:
    """Return which columns get a feature for missing values: those with some missing values, but not all."""
    missing = np.isnan(x).mean(axis=0)
    is_category = np.array([column.categories is not None for column in columns], bool)
    has_level = options.missing_categories == "level"
    if options.missing_categories == "auto":
        has_level = bool((missing[is_category] >= MANY_MISSING).any())
    wanted = np.where(is_category, has_level, options.missing_indicator)
    return tuple(bool(flag) for flag in wanted & (missing > 0) & (missing < 1))
