"""Conversion of a pandas table to examples: numeric features, categories and targets."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.base import TEST, TRAIN, Column, Examples
from dropout_cli.data.readers import number_formats
from dropout_cli.data.readers.cells import (
    RowLocator,
    column_to_numbers,
    column_to_words,
    is_date,
    parse_column,
    quote_names,
    strip_cells,
    to_word,
)
from dropout_cli.data.readers.row_assignment import group_numbers, part_codes

if TYPE_CHECKING:
    from pandas import DataFrame, Series

ColumnKey: TypeAlias = str | int
"""A column by its name, or by its index from 0 (negative: from the end)."""
TaskName: TypeAlias = Literal["auto", "classification", "regression"]

MAX_CATEGORIES = 1_000
"""A categorical feature with more different words is refused: each would become a column."""
MAX_CLASSES = 1_000
MAX_NUMERIC_CLASSES = 20
"""With task `auto`, whole numbers with at most this many different values are classes."""
ALWAYS_ALLOWED_CLASSES = 5
"""This many classes are accepted in any number of rows, however few."""
SAMPLE_CELLS = 200
"""Number of cells that decide whether a whole column is examined."""


@dataclass(frozen=True)
class TableOptions:
    """Interpretation of a table's columns; the fields are keys of `dataset: {name: table}`."""

    target: ColumnKey | tuple[ColumnKey, ...] = "last"
    task: TaskName = "auto"
    drop: tuple[ColumnKey, ...] = ()
    categorical: tuple[ColumnKey, ...] = ()
    group: ColumnKey | None = None
    split: ColumnKey | None = None
    missing: tuple[str, ...] = ()
    decimal_comma: bool | None = None
    """True if numbers have a decimal comma; None detects this for each column."""


def examples_from_frame(
    frame: "DataFrame", options: TableOptions, where: RowLocator, *, place: str, test_count: int = 0
) -> Examples:
    """Make examples of the rows.

    Args:
        frame: the table.
        options: how to interpret the columns.
        where: maps a row number to its place in the file.
        place: the table as a whole, for messages.
        test_count: number of rows at the end that come from a test file.

    Raises:
        DataError: if a column is missing or cannot be used.
    """
    reader = _Reader(frame, options, where, place)
    targets = reader.targets()
    special = {"group": options.group, "split": options.split}
    unlearned = [reader.find(which, key) for key, which in special.items() if which is not None]
    dropped = {*(reader.find(which, "drop") for which in options.drop), *unlearned, *targets}
    features = [name for name in frame.columns if name not in dropped]
    if not features:
        raise DataError(place, "has no column left to learn from", "Leave fewer columns out")
    forced = {reader.find(which, "categorical") for which in options.categorical}
    labels, classes, quantities = reader.predicted(targets)
    # The network has no output for a class that only the test file has.
    if test_count and classes:
        reader.must_be_trained(labels, classes, len(frame) - test_count)
    columns, arrays = reader.features(features, forced)
    assigned = groups = None
    if options.split is not None:
        assigned = part_codes(reader.words(options.split, "split"), where)
    elif test_count:
        assigned = np.repeat(np.array([TRAIN, TEST], np.int8), [len(frame) - test_count, test_count])
    if options.group is not None:
        groups = group_numbers(reader.words(options.group, "group"))
    return Examples(
        x=np.stack(arrays, axis=1),
        labels=labels,
        classes=classes,
        target_names=quantities,
        columns=columns,
        assigned_parts=assigned,
        groups=groups,
        needs_encoding=True,
    )


def too_many_for_classes(different: int, rows: int) -> bool:
    """Return True if this number of different values in this number of rows cannot be classes."""
    return different > max(ALWAYS_ALLOWED_CLASSES, 0.5 * rows)


def labels_from_frame(
    frame: "DataFrame", task: TaskName, where: RowLocator, place: str
) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
    """Return labels, class names and target names of a table whose columns are all targets.

    Args:
        frame: the targets.
        task: classification, regression, or "auto" to detect it.
        where: maps a row number to its place in the file.
        place: the table as a whole, for messages.

    Raises:
        DataError: if a target is missing, a date, or cannot be used for the task.
    """
    names = [str(name) for name in frame.columns]
    return _Reader(frame, TableOptions(tuple(names), task), where, place).predicted(names)


class _Reader:
    """Interprets the columns of one table; see `examples_from_frame`."""

    def __init__(self, frame: "DataFrame", wanted: TableOptions, where: RowLocator, place: str) -> None:
        self._frame, self._wanted, self._where, self._place = frame, wanted, where, place

    def _cleaned(self, name: str) -> "Series":
        return parse_column(self._frame[name], self._wanted.missing, self._wanted.decimal_comma)

    def find(self, which: ColumnKey, key: str) -> str:
        """Return the name of a column; `key` is the config key that errors name."""
        names = list(self._frame.columns)
        if isinstance(which, str):
            if which in names:
                return which
            if key == "target" and which == "last":
                return str(names[-1])
            raise DataError(self._place, f"has no column '{which}' (dataset.{key})", f"It has {quote_names(names)}")
        if not -len(names) <= which < len(names):
            fact = f"has {counted(len(names), 'column')}, but dataset.{key} is {which}"
            raise DataError(self._place, fact, "Columns count from 0")
        return str(names[which])

    def words(self, which: ColumnKey, key: str) -> "Series":
        """Return a column as words; `key` is the config key that errors name."""
        return column_to_words(self._cleaned(self.find(which, key)))

    def targets(self) -> list[str]:
        """Return the names of the columns to predict."""
        target = self._wanted.target
        names = [self.find(which, "target") for which in (target if isinstance(target, tuple) else (target,))]
        if len(set(names)) < len(names):
            raise DataError("dataset.target", "names a column twice", "Name each once")
        return names

    def predicted(self, names: list[str]) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
        """Return labels, class names and target names."""
        cleaned_up = [self._target_column(name) for name in names]
        for name, series in zip(names, cleaned_up, strict=True):
            self._require_complete(name, series)
            if is_date(series):
                fact = f"the target '{name}' is a date"
                raise DataError(self._place, fact, "Name another target, or make it a number")
        regression = self._wanted.task == "regression" or (
            self._wanted.task == "auto" and (len(names) > 1 or self._is_continuous(cleaned_up[0]))
        )
        if regression:
            values = [
                column_to_numbers(series, name, self._where, np.float64, self._wanted.decimal_comma)
                for name, series in zip(names, cleaned_up, strict=True)
            ]
            return np.stack(values, axis=1), (), tuple(names)
        if len(names) > 1:
            fact = f"names {len(names)} columns, but a classification has a single target"
            raise DataError("dataset.target", fact, "Name one column")
        return (*self._class_labels(names[0], cleaned_up[0]), ())

    def must_be_trained(self, labels: Array, classes: tuple[str, ...], first: int) -> None:
        """Raise DataError for a class that occurs only in test rows.

        Args:
            labels: class ids of all rows.
            classes: class names.
            first: number of the first test row.
        """
        untrained = np.flatnonzero(~np.isin(labels[first:], labels[:first]))
        if len(untrained):
            row = first + int(untrained[0])
            fact = f"has the class '{classes[labels[row]]}', which no training row has"
            raise DataError(self._where(row), fact, "Correct it, or leave its rows out")

    def _target_column(self, name: str) -> "Series":
        """Return a target column; true and false stay words unless the task is regression."""
        series = self._frame[name]
        # `cleaned` would turn true and false into 1 and 0.
        if self._wanted.task != "regression" and series.astype(str).str.fullmatch("true|false", case=False).all():
            return series.astype(str).str.capitalize().astype(object)
        return self._cleaned(name)

    def _require_complete(self, name: str, series: "Series") -> None:
        lacking = np.flatnonzero(series.isna().to_numpy())
        if len(lacking):
            fact = f"the target '{name}' is missing ({counted(len(lacking), 'row')} without it)"
            raise DataError(self._where(int(lacking[0])), fact, "Fill it in, or remove those rows")

    def _is_continuous(self, series: "Series") -> bool:
        """Return True for fractions, or too many different numbers to be classes."""
        if series.dtype == object or series.dtype.kind not in "iuf":
            return False
        values = series.to_numpy(np.float64)
        return bool((values != np.floor(values)).any()) or len(np.unique(values)) > MAX_NUMERIC_CLASSES

    def _class_labels(self, name: str, series: "Series") -> tuple[Array, tuple[str, ...]]:
        if series.dtype.kind in "iuf":
            numbers, labels = np.unique(series.to_numpy(), return_inverse=True)
            classes = tuple(str(to_word(float(number))) for number in numbers)
        else:
            words, labels = np.unique(column_to_words(series).to_numpy(str), return_inverse=True)
            classes = tuple(str(word) for word in words)
        if len(classes) < 2:
            raise DataError(self._place, f"the target '{name}' is {classes[0]!r} in every row", "Name another target")
        if len(classes) > MAX_CLASSES or too_many_for_classes(len(classes), len(series)):
            values = f"{len(classes):,} different values in {len(series):,} rows"
            fact = f"the target '{name}' has {values}, too many for classes"
            way_out = ", or set dataset.task: regression" if series.dtype.kind in "iuf" else ""
            raise DataError(self._place, fact, f"Name another target{way_out}")
        return labels.astype(np.intp), classes

    def features(self, names: Iterable[str], forced: set[str]) -> tuple[tuple[Column, ...], list[Array]]:
        """Return the feature columns and their values, each (N,) float32.

        Args:
            names: the columns to learn from.
            forced: columns of numbers to treat as categories.

        Raises:
            DataError: naming all columns that cannot be used.
        """
        columns: list[Column] = []
        arrays: list[Array] = []
        dates: list[str] = []
        empty: list[str] = []
        wordy: list[str] = []
        for name in names:
            series = self._cleaned(name)
            if series.isna().all():
                empty.append(name)
            elif is_date(series):
                dates.append(name)
            elif series.dtype.kind in "iuf" and name not in forced:
                arrays.append(column_to_numbers(series, name, self._where))
                columns.append(Column(name, decimal_comma=self._has_comma(name)))
            else:
                words = column_to_words(series)
                if name not in forced:
                    self._check_typing_errors(name, series)
                categories = sorted(set(words.dropna()))  # codes must not depend on the order of the rows
                if len(categories) > MAX_CATEGORIES:
                    wordy.append(name)
                    continue
                codes = words.map({word: float(code) for code, word in enumerate(categories)})
                arrays.append(codes.to_numpy(np.float32))
                columns.append(Column(name, tuple(categories)))
        unusable = [
            (empty, "without any value"),
            (dates, "of dates"),
            (wordy, f"with more than {MAX_CATEGORIES:,} different words"),
        ]
        facts = [f"{_quote_columns(found)} {what}" for found, what in unusable if found]
        if facts:
            left_out = ", ".join([*map(str, self._wanted.drop), *empty, *dates, *wordy])
            hint = " Instead of a date, add numbers such as its month" if dates else ""
            raise DataError(self._place, f"has {'; '.join(facts)}", f"Leave out: dataset.drop=[{left_out}].{hint}")
        return tuple(columns), arrays

    def _has_comma(self, name: str) -> bool:
        """Return True if the numbers of a column have a decimal comma."""
        if self._wanted.decimal_comma is not None or self._frame[name].dtype.kind in "iufb":
            return self._wanted.decimal_comma is True
        return number_formats.has_decimal_comma(strip_cells(self._frame[name]).dropna().astype(str), None) is True

    def _check_typing_errors(self, name: str, series: "Series") -> None:
        """Raise DataError if a column of numbers has a few words, probably typing errors.

        Without this check one misspelled number would turn the whole column into categories.
        """
        present = series.dropna().astype(str)
        sample = present.iloc[:SAMPLE_CELLS]
        # Fewer than 10 cells prove nothing, and a column of mostly words has no typing errors.
        if len(present) < 10 or sum(map(number_formats.is_number_text, sample)) < 0.5 * len(sample):
            return
        numbers = number_formats.parse_numbers(present, self._wanted.decimal_comma)
        unparsed = present[numbers.isna()]
        if len(unparsed) <= 0.1 * len(present) and numbers.nunique() > MAX_NUMERIC_CLASSES:
            row = int(np.flatnonzero(series.index == unparsed.index[0])[0])
            fact = f"column '{name}' has {str(unparsed.iloc[0])[:40]!r} among numbers"
            way_out = f"Correct it, add it to dataset.missing, or set dataset.categorical=[{name}]"
            raise DataError(self._where(row), fact, way_out)


def _quote_columns(names: list[str]) -> str:
    return f"{'column' if len(names) == 1 else 'columns'} {quote_names(names)}"
