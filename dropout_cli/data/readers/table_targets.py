"""Targets of a table: the labels of a classification, or the numbers of a regression."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.readers.cells import RowLocator, column_to_numbers, column_to_words, is_date, to_word
from dropout_cli.data.readers.spellings import merge_spellings, spelling_notice
from dropout_cli.data.readers.table_columns import TableColumns, TableOptions, TaskName

if TYPE_CHECKING:
    from pandas import DataFrame, Series

MAX_CLASSES = 1_000
MAX_NUMERIC_CLASSES = 20
"""With task `auto`, whole numbers with at most this many different values are classes."""
ALWAYS_ALLOWED_CLASSES = 5
"""This many classes are accepted in any number of rows, however few."""


class TableTargets(NamedTuple):
    """The values to predict, row by row."""

    labels: Array
    """Class ids, (N,) intp; for a regression the values, (N, targets) float64."""
    classes: tuple[str, ...]
    """Class names; empty for a regression."""
    target_names: tuple[str, ...]
    """Names of the targets of a regression; empty for a classification."""
    notices: tuple[str, ...] = ()
    """Messages about the targets for the user."""


def too_many_for_classes(different: int, rows: int) -> bool:
    """Return True if this number of different values in this number of rows cannot be classes."""
    return different > max(ALWAYS_ALLOWED_CLASSES, 0.5 * rows)


def targets_from_frame(frame: "DataFrame", task: TaskName, where: RowLocator, place: str) -> TableTargets:
    """Return the targets of a table whose columns are all targets.

    Args:
        frame: the targets.
        task: classification, regression, or "auto" to detect it.
        where: maps a row number to its place in the file.
        place: the table as a whole, for messages.

    Raises:
        DataError: if a target is missing, a date, or cannot be used for the task.
    """
    names = [str(name) for name in frame.columns]
    return read_targets(TableColumns(frame, TableOptions(tuple(names), task), where, place), names)


def target_columns(columns: TableColumns) -> list[str]:
    """Return the names of the columns to predict.

    Raises:
        DataError: if the table lacks one, or one is given twice.
    """
    target = columns.options.target
    names = [columns.find_name(which, "target") for which in (target if isinstance(target, tuple) else (target,))]
    if len(set(names)) < len(names):
        raise DataError("dataset.target", "names a column twice", "Name each once")
    return names


def read_targets(columns: TableColumns, names: list[str]) -> TableTargets:
    """Return the targets of some columns.

    Args:
        columns: the table.
        names: the names of the columns to predict.

    Raises:
        DataError: if a target is missing, a date, or cannot be used for the task.
    """
    parsed = [_parse_target(columns, name) for name in names]
    for name, series in zip(names, parsed, strict=True):
        _require_complete(columns, name, series)
        if is_date(series):
            fact = f"the target '{name}' is a date"
            raise DataError(columns.place, fact, "Choose another target, or convert it to a number")
    task = columns.options.task
    if task == "regression" or (task == "auto" and (len(names) > 1 or _is_continuous(parsed[0]))):
        values = [
            column_to_numbers(series, name, columns.where, columns.options.decimal_comma)
            for name, series in zip(names, parsed, strict=True)
        ]
        return TableTargets(np.stack(values, axis=1), (), tuple(names))
    if len(names) > 1:
        fact = f"names {len(names)} columns, but classification needs exactly one"
        raise DataError("dataset.target", fact, "Name one column")
    return _class_labels(columns, names[0], parsed[0])


def require_trained_classes(columns: TableColumns, targets: TableTargets, first: int) -> None:
    """Raise DataError for a class that occurs only in test rows.

    Args:
        columns: the table, for messages.
        targets: class ids of all rows.
        first: number of the first test row.
    """
    # The network has no output for such a class.
    untrained = np.flatnonzero(~np.isin(targets.labels[first:], targets.labels[:first]))
    if len(untrained):
        row = first + int(untrained[0])
        fact = f"has the class '{targets.classes[targets.labels[row]]}', but no training row has it"
        raise DataError(columns.where(row), fact, "Correct it, or remove its rows")


def _parse_target(columns: TableColumns, name: str) -> "Series":
    """Return a target column; true and false stay words unless the task is regression."""
    series = columns.frame[name]
    # `parsed` would turn true and false into 1 and 0.
    if columns.options.task != "regression" and series.astype(str).str.fullmatch("true|false", case=False).all():
        return series.astype(str).str.capitalize().astype(object)
    most_numbers = {"auto": MAX_NUMERIC_CLASSES, "classification": len(series), "regression": 0}
    return columns.parsed(name, most_numbers=most_numbers[columns.options.task])


def missing_target_rows(columns: TableColumns, name: str) -> Array:
    """Return which rows have no value of a target, (N,) bool.

    Args:
        columns: the table.
        name: the target.
    """
    return _parse_target(columns, name).isna().to_numpy()


def _require_complete(columns: TableColumns, name: str, series: "Series") -> None:
    missing = np.flatnonzero(series.isna().to_numpy())
    if len(missing):
        fact = f"the target '{name}' is missing in {counted(len(missing), 'row')}"
        way_out = "Fill it in, or remove this row" if len(missing) == 1 else "Fill it in, or remove these rows"
        raise DataError(columns.where(int(missing[0])), fact, way_out)


def _is_continuous(series: "Series") -> bool:
    """Return True for fractions, or too many different numbers to be classes."""
    if series.dtype == object or series.dtype.kind not in "iuf":
        return False
    values = series.to_numpy(np.float64)
    return bool((values != np.floor(values)).any()) or len(np.unique(values)) > MAX_NUMERIC_CLASSES


def _class_labels(columns: TableColumns, name: str, series: "Series") -> TableTargets:
    notices: tuple[str, ...] = ()
    if series.dtype.kind in "iuf":
        numbers, labels = np.unique(series.to_numpy(), return_inverse=True)
        classes = tuple(str(to_word(float(number))) for number in numbers)
    else:
        texts = column_to_words(series)
        merged, normalize = merge_spellings(texts), columns.options.normalize_labels
        if merged:
            notices = (spelling_notice(f"the target '{name}'", texts, merged, normalize),)
        if normalize:
            texts = texts.map(lambda word: merged.get(word, word))
        words, labels = np.unique(texts.to_numpy(str), return_inverse=True)
        classes = tuple(str(word) for word in words)
    if len(classes) < 2:
        fact = f"the target '{name}' is {classes[0]!r} in every row"
        raise DataError(columns.place, fact, "Choose another target")
    if len(classes) > MAX_CLASSES or too_many_for_classes(len(classes), len(series)):
        values = f"{len(classes):,} different values in {len(series):,} rows"
        fact = f"the target '{name}' has {values}, which is too many for classes"
        way_out = ", or set dataset.task: regression" if series.dtype.kind in "iuf" else ""
        raise DataError(columns.place, fact, f"Choose another target{way_out}")
    return TableTargets(labels.astype(np.intp), classes, (), notices)
