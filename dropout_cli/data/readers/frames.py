"""From a table as pandas has it to examples: which columns are numbers, which are words, and what is predicted."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.base import TEST, TRAIN, VAL, Column, Examples
from dropout_cli.data.readers import number_formats
from dropout_cli.data.readers.cells import Line, cleaned, is_date, listed, numbers_of, texts, word_of, words_of

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Which: TypeAlias = str | int
"""A column by its name, or by its place from 0 (from -1 backwards)."""
Task: TypeAlias = Literal["auto", "classification", "regression"]

MOST_CATEGORIES = 1_000
MOST_CLASSES = 1_000
FEW = 20
"""So many different whole numbers, at most, are taken for classes where nothing is said of the task."""
MOST_IN_FEW_ROWS = 5
"""So many classes may be in any number of rows, however few."""
LOOKED_AT = 200
"""So many cells tell whether it is worth going over all of a column."""
PARTS = {"train": TRAIN, "training": TRAIN, "val": VAL, "valid": VAL, "validation": VAL, "dev": VAL, "test": TEST}


@dataclass(frozen=True)
class Wanted:
    """What to make of a table."""

    target: Which | tuple[Which, ...] = "last"
    task: Task = "auto"
    drop: tuple[Which, ...] = ()
    categorical: tuple[Which, ...] = ()
    group: Which | None = None
    split: Which | None = None
    missing: tuple[str, ...] = ()
    comma: bool | None = None
    """Whether numbers have a decimal comma; None: each column tells."""


def examples(frame: "DataFrame", wanted: Wanted, where: Line, *, place: str, tests: int = 0) -> Examples:
    """Make examples of the rows; the last `tests` of them are those of a test file. Raises DataError.

    `where` says on which line of which file a row stands, `place` names the table as a whole.
    """
    reader = _Reader(frame, wanted, where, place)
    targets = reader.targets()
    given = {"group": wanted.group, "split": wanted.split}
    apart = [reader.find(which, key) for key, which in given.items() if which is not None]
    dropped = {*(reader.find(which, "drop") for which in wanted.drop), *apart, *targets}
    features = [name for name in frame.columns if name not in dropped]
    if not features:
        raise DataError(place, "has no column but those that are predicted or left out", "Leave fewer out")
    forced = {reader.find(which, "categorical") for which in wanted.categorical}
    labels, classes, quantities = reader.predicted(targets)
    if tests and classes:
        reader.must_be_trained(labels, classes, len(frame) - tests)
    columns, arrays = reader.features(features, forced)
    assigned = groups = None
    if wanted.split is not None:
        assigned = reader.parts(reader.find(wanted.split, "split"))
    elif tests:
        assigned = np.repeat(np.array([TRAIN, TEST], np.int8), [len(frame) - tests, tests])
    if wanted.group is not None:
        groups = reader.groups(reader.find(wanted.group, "group"))
    return Examples(
        x=np.stack(arrays, axis=1),
        labels=labels,
        classes=classes,
        quantities=quantities,
        columns=columns,
        assigned=assigned,
        groups=groups,
        encoded=True,
    )


def are_no_classes(different: int, rows: int) -> bool:
    """Whether so many rows have another value in nearly each of them."""
    return different > max(MOST_IN_FEW_ROWS, 0.5 * rows)


def predicted(
    frame: "DataFrame", task: Task, where: Line, place: str
) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
    """Labels, classes and quantities, where every column of the table is a target. Raises DataError."""
    names = [str(name) for name in frame.columns]
    return _Reader(frame, Wanted(tuple(names), task), where, place).predicted(names)


class _Reader:
    def __init__(self, frame: "DataFrame", wanted: Wanted, where: Line, place: str) -> None:
        self._frame, self._wanted, self._where, self._place = frame, wanted, where, place

    def _cleaned(self, name: str) -> "Series":
        return cleaned(self._frame[name], self._wanted.missing, self._wanted.comma)

    def find(self, which: Which, key: str) -> str:
        """The name of a column."""
        names = list(self._frame.columns)
        if isinstance(which, str):
            if which in names:
                return which
            if key == "target" and which == "last":
                return str(names[-1])
            raise DataError(
                self._place, f"has no column '{which}', which dataset.{key} names", f"It has {listed(names)}"
            )
        if not -len(names) <= which < len(names):
            raise DataError(
                self._place, f"has {counted(len(names), 'column')}, and dataset.{key} is {which}", "They count from 0"
            )
        return str(names[which])

    def targets(self) -> list[str]:
        """The columns to predict."""
        target = self._wanted.target
        found = [self.find(one, "target") for one in (target if isinstance(target, tuple) else (target,))]
        if len(set(found)) < len(found):
            raise DataError("dataset.target", "names a column twice", "Name each once")
        return found

    def predicted(self, names: list[str]) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
        """Labels, classes and quantities."""
        cleaned_up = [self._target(name) for name in names]
        for name, series in zip(names, cleaned_up, strict=True):
            self._must_be_whole(name, series)
            if is_date(series):
                raise DataError(
                    self._place, f"the target '{name}' is a date", "Name another target, or make it a number"
                )
        regression = self._wanted.task == "regression" or (
            self._wanted.task == "auto" and (len(names) > 1 or self._is_continuous(cleaned_up[0]))
        )
        if regression:
            both = zip(names, cleaned_up, strict=True)
            values = [numbers_of(series, name, self._where, np.float64, self._wanted.comma) for name, series in both]
            return np.stack(values, axis=1), (), tuple(names)
        if len(names) > 1:
            raise DataError("dataset.target", f"names {len(names)} columns, and classes can be in one only", "Name one")
        return (*self._classes(names[0], cleaned_up[0]), ())

    def must_be_trained(self, labels: Array, classes: tuple[str, ...], first: int) -> None:
        """Refuse classes that only the rows from `first` on have, which are there for testing."""
        strange = np.flatnonzero(~np.isin(labels[first:], labels[:first]))
        if len(strange):
            row = first + int(strange[0])
            fact = f"has the class '{classes[labels[row]]}', and no row to train on has it"
            raise DataError(self._where(row), fact, "Correct it, or leave its rows out")

    def _target(self, name: str) -> "Series":
        """A column to predict; true and false stay words, unless a quantity was asked for."""
        series = self._frame[name]
        if self._wanted.task != "regression" and series.astype(str).str.fullmatch("true|false", case=False).all():
            return series.astype(str).str.capitalize().astype(object)
        return self._cleaned(name)

    def _must_be_whole(self, name: str, series: "Series") -> None:
        lacking = np.flatnonzero(series.isna().to_numpy())
        if len(lacking):
            fact = f"the target '{name}' is missing ({counted(len(lacking), 'row')} without it)"
            raise DataError(self._where(int(lacking[0])), fact, "Fill it in, or remove what has none")

    def _is_continuous(self, series: "Series") -> bool:
        """Fractions, or so many different numbers that they can be no classes."""
        if series.dtype == object or series.dtype.kind not in "iuf":
            return False
        values = series.to_numpy(np.float64)
        return bool((values != np.floor(values)).any()) or len(np.unique(values)) > FEW

    def _classes(self, name: str, series: "Series") -> tuple[Array, tuple[str, ...]]:
        if series.dtype.kind in "iuf":
            numbers, labels = np.unique(series.to_numpy(), return_inverse=True)
            classes = tuple(str(word_of(float(one))) for one in numbers)
        else:
            words, labels = np.unique(texts(series).to_numpy(str), return_inverse=True)
            classes = tuple(str(word) for word in words)
        if len(classes) < 2:
            raise DataError(self._place, f"the target '{name}' is {classes[0]!r} in every row", "Name another target")
        if len(classes) > MOST_CLASSES or are_no_classes(len(classes), len(series)):
            fact = f"the target '{name}' has {len(classes):,} different values in {len(series):,} rows, and is no class"
            way_out = ", or set dataset.task: regression" if series.dtype.kind in "iuf" else ""
            raise DataError(self._place, fact, f"Name another target{way_out}")
        return labels.astype(np.intp), classes

    def features(self, names: Iterable[str], forced: set[str]) -> tuple[tuple[Column, ...], list[Array]]:
        """The columns that are learned from; all that cannot be used are named at once."""
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
                arrays.append(numbers_of(series, name, self._where))
                columns.append(Column(name, comma=self._has_comma(name)))
            else:
                words = texts(series)
                if name not in forced:
                    self._no_typing_errors(name, series)
                categories = sorted(set(words.dropna()))
                if len(categories) > MOST_CATEGORIES:
                    wordy.append(name)
                    continue
                codes = words.map({word: float(code) for code, word in enumerate(categories)})
                arrays.append(codes.to_numpy(np.float32))
                columns.append(Column(name, tuple(categories)))
        unusable = [
            (empty, "without any value"),
            (dates, "of dates"),
            (wordy, f"with more than {MOST_CATEGORIES:,} different words"),
        ]
        facts = [f"{_columns(found)} {what}" for found, what in unusable if found]
        if facts:
            left_out = ", ".join([*map(str, self._wanted.drop), *empty, *dates, *wordy])
            hint = " Of a date, numbers such as the month may help" if dates else ""
            raise DataError(self._place, f"has {'; '.join(facts)}", f"Leave out: dataset.drop=[{left_out}].{hint}")
        return tuple(columns), arrays

    def _has_comma(self, name: str) -> bool:
        """Whether the numbers of a column have a decimal comma."""
        if self._wanted.comma is not None or self._frame[name].dtype.kind in "iufb":
            return self._wanted.comma is True
        return number_formats.has_decimal_comma(words_of(self._frame[name]).dropna().astype(str), None) is True

    def _no_typing_errors(self, name: str, series: "Series") -> None:
        """A word among numbers makes no column of words."""
        present = series.dropna().astype(str)
        some = present.iloc[:LOOKED_AT]
        if len(present) < 10 or sum(map(number_formats.is_number, some)) < 0.5 * len(some):
            return
        numbers = number_formats.numbers(present, self._wanted.comma)
        odd = present[numbers.isna()]
        if len(odd) <= 0.1 * len(present) and numbers.nunique() > FEW:
            row = int(np.flatnonzero(series.index == odd.index[0])[0])
            fact = f"column '{name}' has {str(odd.iloc[0])[:40]!r} among numbers"
            way_out = f"Correct it, add it to dataset.missing, or set dataset.categorical=[{name}]"
            raise DataError(self._where(row), fact, way_out)

    def parts(self, name: str) -> Array:
        """The part that each row names."""
        words = texts(self._cleaned(name))
        codes = words.map(lambda word: PARTS.get(word.lower()) if isinstance(word, str) else None)
        if codes.isna().any():
            row = int(np.flatnonzero(codes.isna().to_numpy())[0])
            fact = f"the column '{name}' says {words.iloc[row]!r}, which is no part"
            raise DataError(self._where(row), fact, "Write train, val or test")
        return codes.to_numpy(np.int8)

    def groups(self, name: str) -> Array:
        """A number for each group; rows without one are groups of their own."""
        words = texts(self._cleaned(name))
        alone = [f"\0{row}" if word != word else word for row, word in enumerate(words)]
        return np.unique(np.array(alone, str), return_inverse=True)[1].astype(np.intp)


def _columns(names: list[str]) -> str:
    return f"{'column' if len(names) == 1 else 'columns'} {listed(names)}"
