"""From a table as pandas has it to examples: which columns are numbers, which are words, and what is predicted."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.data.columns import Column
from dropout_cli.data.encoding import UNKNOWN
from dropout_cli.data.source import TEST, TRAIN, VAL, Examples
from dropout_cli.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Which: TypeAlias = str | int
"""A column by its name, or by its place from 0 (from -1 backwards)."""
Task: TypeAlias = Literal["auto", "classification", "regression"]
Line: TypeAlias = Callable[[int], str]
"""Row number -> where it stands, for messages."""

MOST_CATEGORIES = 1_000
MOST_CLASSES = 1_000
FEW = 20
"""So many different whole numbers, at most, are taken for classes where nothing is said of the task."""
DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T].*)?|\d{1,2}/\d{1,2}/\d{2,4}( .*)?|\d{1,2}\.\d{1,2}\.\d{4}( .*)?")
LARGEST = float(np.finfo(np.float32).max)
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
        notices=tuple(reader.notices),
    )


def predicted(
    frame: "DataFrame", task: Task, where: Line, place: str
) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
    """Labels, classes and quantities, where every column of the table is a target. Raises DataError."""
    names = [str(name) for name in frame.columns]
    return _Reader(frame, Wanted(tuple(names), task), where, place).predicted(names)


def known(
    frame: "DataFrame", columns: Sequence[Column], missing: Sequence[str], where: Line
) -> tuple[Array, list[str]]:
    """x (N, columns) of a table whose columns are known from training, matched by name, and what to say of it.

    Raises DataError for a column that is missing, and for words in a column of numbers.
    """
    lacking = [column.name for column in columns if column.name not in frame.columns]
    if lacking:
        raise DataError(
            where(-1), f"has no column {_listed(lacking)}", "Add it, with empty cells where it is not known"
        )
    arrays, said = [], []
    for column in columns:
        series = cleaned(frame[column.name], missing)
        if column.categories is None:
            arrays.append(_numbers(series, column.name, where))
            continue
        words = texts(series)
        codes = words.map({word: float(code) for code, word in enumerate(column.categories)})
        unseen = codes.isna() & words.notna()
        if unseen.any():
            said.append(
                f"column '{column.name}': not seen in training, so of no category: {_listed(words[unseen].unique())}."
            )
        arrays.append(codes.mask(unseen, UNKNOWN).to_numpy(np.float32))
    return np.stack(arrays, axis=1), said


def cleaned(series: "Series", missing: Sequence[str] = ()) -> "Series":
    """A column as numbers where it is numbers: blanks and quotation marks around cells gone, missing values NaN."""
    import pandas as pd

    from dropout_cli.data.delimited import MISSING

    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(object)
    if pd.api.types.is_bool_dtype(series.dtype):
        return series.astype("float64") if not series.isna().any() else series.astype("Float64").astype("float64")
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_complex_dtype(series.dtype):
        return series.astype("float64") if pd.api.types.is_extension_array_dtype(series.dtype) else series
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return series
    tokens = {*MISSING, *missing}
    stripped = series.map(lambda cell: _stripped(cell, tokens)).astype(object)
    present = stripped.dropna()
    if present.empty:
        return stripped.astype("float64")
    numbers = pd.to_numeric(present, errors="coerce")
    if numbers.isna().any():
        numbers = pd.to_numeric(_as_plain_numbers(present), errors="coerce")
    if numbers.notna().all():
        return numbers.astype("float64").reindex(stripped.index)
    return stripped


def _as_plain_numbers(present: "Series") -> "Series":
    """Numbers as people write them, in one way down the column: 1,234.5 or 1.234,5 or 1,5, 45 %, $3; true and false."""
    words = present.astype(str)
    if words.str.fullmatch("true|false", case=False).all():
        return words.str.lower().map({"true": 1.0, "false": 0.0})
    bare = words.str.replace(_AROUND, "", regex=True)
    if bare.str.fullmatch(_THOUSANDS).all():
        return bare.str.replace(",", "")
    if bare.str.fullmatch(_DECIMAL_COMMA).all():
        return bare.str.replace(".", "").str.replace(",", ".")
    return bare


_AROUND = re.compile(r"^[$€£]\s*|\s*[%€]$")
_THOUSANDS = re.compile(r"[+-]?([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d*)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d+)?([eE][+-]?\d+)?", re.ASCII)


def _stripped(cell: object, tokens: set[str]) -> object:
    if cell is None or cell != cell:
        return np.nan
    if isinstance(cell, bool | np.bool_):
        return str(bool(cell))
    if not isinstance(cell, str):
        return cell if isinstance(cell, int | float) else str(cell)
    text = cell.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return np.nan if text in tokens else text


def texts(series: "Series") -> "Series":
    """Each value as a word; whole numbers without a point, missing values as they are."""
    return series.map(_word)


def _word(cell: object) -> object:
    if isinstance(cell, float | np.floating):
        number = float(cell)
        if math.isnan(number):
            return np.nan
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return str(cell)


class _Reader:
    def __init__(self, frame: "DataFrame", wanted: Wanted, where: Line, place: str) -> None:
        self._frame, self._wanted, self._where, self._place = frame, wanted, where, place
        self.notices: list[str] = []

    def find(self, which: Which, key: str) -> str:
        """The name of a column."""
        names = list(self._frame.columns)
        if isinstance(which, str):
            if which in names:
                return which
            if key == "target" and which == "last":
                return str(names[-1])
            raise DataError(
                self._place, f"has no column '{which}', which dataset.{key} names", f"It has {_listed(names)}"
            )
        if not -len(names) <= which < len(names):
            raise DataError(self._place, f"has {len(names)} columns, and dataset.{key} is {which}", "They count from 0")
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
        regression = self._wanted.task == "regression" or (
            self._wanted.task == "auto" and (len(names) > 1 or self._is_continuous(cleaned_up[0]))
        )
        if regression:
            values = [
                _numbers(series, name, self._where, np.float64) for name, series in zip(names, cleaned_up, strict=True)
            ]
            return np.stack(values, axis=1), (), tuple(names)
        if len(names) > 1:
            raise DataError("dataset.target", f"names {len(names)} columns, and classes can be in one only", "Name one")
        return (*self._classes(names[0], cleaned_up[0]), ())

    def _target(self, name: str) -> "Series":
        """A column to predict; true and false stay words, unless a quantity was asked for."""
        series = self._frame[name]
        if self._wanted.task != "regression" and series.astype(str).str.fullmatch("true|false", case=False).all():
            return series.astype(str).str.capitalize().astype(object)
        return cleaned(series, self._wanted.missing)

    def _must_be_whole(self, name: str, series: "Series") -> None:
        lacking = np.flatnonzero(series.isna().to_numpy())
        if len(lacking):
            rows = "row" if len(lacking) == 1 else "rows"
            fact = f"the target '{name}' is missing ({len(lacking)} {rows} without it)"
            raise DataError(self._where(int(lacking[0])), fact, "Fill it in, or remove what has none")

    def _is_continuous(self, series: "Series") -> bool:
        """Fractions, or so many different numbers that they can be no classes."""
        if series.dtype == object or series.dtype.kind not in "iuf":
            return False
        values = series.to_numpy(np.float64)
        return bool((values % 1 != 0).any()) or len(np.unique(values)) > FEW

    def _classes(self, name: str, series: "Series") -> tuple[Array, tuple[str, ...]]:
        if series.dtype.kind in "iuf":
            numbers, labels = np.unique(series.to_numpy(), return_inverse=True)
            classes = tuple(str(_word(float(one))) for one in numbers)
        else:
            words, labels = np.unique(texts(series).to_numpy(str), return_inverse=True)
            classes = tuple(str(word) for word in words)
        if len(classes) < 2:
            raise DataError(self._place, f"the target '{name}' is {classes[0]!r} in every row", "Name another target")
        if len(classes) > MOST_CLASSES:
            fact = f"the target '{name}' has {len(classes):,} different values"
            raise DataError(self._place, fact, "Name another target, or set dataset.task: regression")
        return labels.astype(np.intp), classes

    def features(self, names: Iterable[str], forced: set[str]) -> tuple[tuple[Column, ...], list[Array]]:
        """The columns that are learned from; all that cannot be used are named at once."""
        columns: list[Column] = []
        arrays: list[Array] = []
        dates: list[str] = []
        empty: list[str] = []
        wordy: list[str] = []
        for name in names:
            series = cleaned(self._frame[name], self._wanted.missing)
            if series.isna().all():
                empty.append(name)
            elif is_date(series):
                dates.append(name)
            elif series.dtype.kind in "iuf" and name not in forced:
                arrays.append(_numbers(series, name, self._where))
                columns.append(Column(name))
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

    def _no_typing_errors(self, name: str, series: "Series") -> None:
        """A word among numbers makes no column of words."""
        import pandas as pd

        present = series.dropna()
        numbers = pd.to_numeric(present, errors="coerce")
        odd = present[numbers.isna()]
        if len(present) >= 10 and len(odd) <= 0.1 * len(present) and numbers.nunique() > FEW:
            row = int(np.flatnonzero(series.index == odd.index[0])[0])
            fact = f"column '{name}' has {str(odd.iloc[0])[:40]!r} among numbers"
            way_out = f"Correct it, add it to dataset.missing, or set dataset.categorical=[{name}]"
            raise DataError(self._where(row), fact, way_out)

    def parts(self, name: str) -> Array:
        """The part that each row names."""
        words = texts(cleaned(self._frame[name], self._wanted.missing))
        codes = words.map(lambda word: PARTS.get(word.lower()) if isinstance(word, str) else None)
        if codes.isna().any():
            row = int(np.flatnonzero(codes.isna().to_numpy())[0])
            fact = f"the column '{name}' says {words.iloc[row]!r}, which is no part"
            raise DataError(self._where(row), fact, "Write train, val or test")
        return codes.to_numpy(np.int8)

    def groups(self, name: str) -> Array:
        """A number for each group; rows without one are groups of their own."""
        words = texts(cleaned(self._frame[name], self._wanted.missing))
        alone = [f"\0{row}" if word != word else word for row, word in enumerate(words)]
        return np.unique(np.array(alone, str), return_inverse=True)[1].astype(np.intp)


def _numbers(series: "Series", name: str, where: Line, dtype: type = np.float32) -> Array:
    """A column of numbers as an array. Raises DataError for words, and for numbers that are too large."""
    import pandas as pd

    if series.dtype.kind not in "iuf":
        numbers = pd.to_numeric(series, errors="coerce")
        odd = np.flatnonzero((numbers.isna() & series.notna()).to_numpy())
        row = int(odd[0]) if len(odd) else 0
        fact = f"column '{name}' has {str(series.iloc[row])[:40]!r}, which is no number"
        raise DataError(where(row), fact, "Correct it, or leave the cell empty")
    values = series.to_numpy(np.float64)
    beyond = np.flatnonzero(np.abs(values) > LARGEST)
    if len(beyond):
        fact = f"column '{name}' has {values[beyond[0]]:g}, which is no finite number of single precision"
        raise DataError(where(int(beyond[0])), fact, "Correct it, or leave the cell empty")
    return values.astype(dtype)


def is_date(series: "Series") -> bool:
    """Whether most of a cleaned column are dates."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(series.dtype) or series.dtype.kind in "Mm":
        return True
    if series.dtype != object:
        return False
    some = series.dropna().iloc[:200]
    return sum(isinstance(cell, str) and bool(DATE.fullmatch(cell)) for cell in some) > 0.8 * len(some)


def _listed(names: Iterable[object], most: int = 12) -> str:
    shown = [f"'{str(name)[:40]}'" for name in names]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")


def _columns(names: list[str]) -> str:
    return f"{'column' if len(names) == 1 else 'columns'} {_listed(names)}"
