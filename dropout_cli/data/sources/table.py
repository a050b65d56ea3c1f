"""Your own table: a text file, or one of Excel or Parquet, as people have them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np

from dropout_cli.core.errors import DataError, InvalidField
from dropout_cli.core.fields import CountOrZero, Fraction, PathField
from dropout_cli.data.base import DATASETS, TEST, TRAIN, Examples, Facts, Source
from dropout_cli.data.cache import must_be_plain
from dropout_cli.data.readers import csv as csv_reader
from dropout_cli.data.readers import frames
from dropout_cli.data.readers.cells import Line, words_of
from dropout_cli.data.readers.dialect import UNNAMED, Dialect
from dropout_cli.data.readers.excel_parquet import EXCEL, PARQUET, excel, parquet
from dropout_cli.data.readers.frames import Task, Wanted, Which
from dropout_cli.data.readers.target_detection import detect

if TYPE_CHECKING:
    from pandas import DataFrame, Series


@dataclass(frozen=True)
class Sheet:
    """The cells of a file."""

    frame: "DataFrame"
    where: Line
    """Where each row stands in the file."""
    read_as: str
    """How it was read, in a few words."""
    comma: bool | None = None
    """Whether numbers in it have a decimal comma; None: it does not tell."""


@DATASETS.register("table")
@dataclass(frozen=True, kw_only=True)
class Table(Source):
    """Your own table: CSV, TSV, white space, gzipped or not, Parquet, Excel; for classes or numbers."""

    facts = Facts(None, None, None, "a file of yours")
    default_test_fraction = 0.2

    path: Annotated[str, PathField()]
    """The file. How its cells are divided and whether it has a header is found out from it."""
    target: Which | tuple[Which, ...] = "last"
    """The column to predict: its name, its place from 0, or last; several, in a list, for a regression with several."""
    task: Task = "auto"
    """What the target is; auto: words and up to 20 different whole numbers are classes, other numbers a quantity."""
    drop: tuple[Which, ...] = ()
    """Columns to leave out, by name or place."""
    categorical: tuple[Which, ...] = ()
    """Columns whose numbers are names, such as codes."""
    missing: tuple[str, ...] = ()
    """Words that stand for a missing value, beside the usual ones (empty, ?, NA, nan, null, -)."""
    header: Literal["auto"] | bool = "auto"
    """Whether the first line names the columns."""
    separator: Literal["auto", "space"] | str = "auto"
    """The character between cells; space: any white space."""
    test_path: Annotated[str, PathField()] | None = None
    """A file of its own to test on, with the same columns."""
    split: Which | None = None
    """A column that says train, val or test for each row."""
    test_rows: tuple[CountOrZero, ...] | None = None
    """The numbers of the rows to test on, from 0; the header does not count."""
    group: Which | None = None
    """A column whose equal values stay in one part, such as the patient of several rows."""
    test_fraction: Fraction | None = None
    """Part of all examples to test on; null: what test_path, split or test_rows give, else 0.2."""
    scaling: Literal["none", "unit", "standardize"] = "standardize"
    """Fitted on the training part, per column of numbers: to [0, 1], to mean 0 and variance 1, or none."""

    def __post_init__(self) -> None:
        """Raise InvalidField for keys that contradict each other."""
        super().__post_init__()
        given = [key for key in ("test_path", "split", "test_rows") if getattr(self, key) is not None]
        if len(given) > 1:
            raise InvalidField(given[1], f"{given[0]} gives a test part already", "Set one of them")
        if given and self.test_fraction is not None:
            raise InvalidField("test_fraction", f"{given[0]} gives the test part", "Set one of them")
        if self.separator not in ("auto", "space") and len(self.separator) != 1:
            raise InvalidField("separator", "must be one character, auto or space")

    def read(self) -> Examples:
        """The rows as numbers, NaN where a value is missing, and places of categories."""
        sheet, tests = self.sheet(Path(self.path)), 0
        frame, where = sheet.frame, sheet.where
        if self.test_path is not None:
            frame, where = _together(sheet, self.sheet(Path(self.test_path)), self.path, self.test_path)
            tests = len(frame) - len(sheet.frame)
        found = frames.examples(frame, self.wanted(sheet.comma), where, place=self.path, tests=tests)
        found = replace(found, read_as=sheet.read_as)
        return found if self.test_rows is None else self._with_test_rows(found)

    def wanted(self, comma: bool | None) -> Wanted:
        """What to make of the columns; `comma`: of numbers with a decimal comma, or None."""
        return Wanted(self.target, self.task, self.drop, self.categorical, self.group, self.split, self.missing, comma)

    def sheet(self, path: Path) -> Sheet:
        """The cells of a file. Raises DataError."""
        must_be_plain(path)
        kind = path.suffix.lower()
        if kind in EXCEL:
            frame, rows = excel(path, self.header)
            header = "a header" if rows[0] > 1 else "no header"
            sheet = Sheet(frame, lambda row: f"{path}, row {rows[row]}" if row >= 0 else str(path), f"Excel, {header}")
        elif kind in PARQUET:
            import pandas as pd

            frame = pd.concat(parquet(path))
            sheet = Sheet(frame, lambda row: f"{path}, row {row + 1}" if row >= 0 else str(path), "Parquet")
        else:
            dialect = self.dialect(path)
            frame, checked = csv_reader.read(path, dialect, self.missing)
            lines = checked.lines
            sheet = Sheet(
                frame, lambda row: f"{path}, line {lines[row]}" if row >= 0 else str(path), dialect.said, dialect.comma
            )
        return replace(sheet, frame=_without_blank_ends(sheet.frame))

    def dialect(self, path: Path) -> Dialect:
        """How a text file is written. Raises DataError."""
        separator = None if self.separator == "auto" else self.separator
        return detect(path, separator=separator, header=None if self.header == "auto" else self.header)

    def _with_test_rows(self, found: Examples) -> Examples:
        rows = np.array(self.test_rows, np.int64)
        count = len(found.x)
        if not len(rows) or rows.max() >= count:
            fact = f"must name rows from 0 to {count - 1}, got {rows.max() if len(rows) else 'none'}"
            raise DataError("dataset.test_rows", fact, "The first row after the header is 0")
        assigned = np.full(count, TRAIN, np.int8)
        assigned[rows] = TEST
        return replace(found, assigned=assigned)


def _without_blank_ends(frame: "DataFrame") -> "DataFrame":
    """Without the last columns that have neither name nor value: the lines end in separators."""
    names = list(frame.columns)
    while len(names) > 1 and str(names[-1]).startswith(UNNAMED) and frame[names[-1]].isna().all():
        names.pop()
    return frame[names]


def _together(sheet: Sheet, tests: Sheet, path: str, test_path: str) -> tuple["DataFrame", Line]:
    """The rows of both files. Raises DataError where they have not the same columns."""
    import pandas as pd

    names, first = list(sheet.frame.columns), len(sheet.frame)
    if set(tests.frame.columns) != set(names):
        raise DataError(
            test_path, f"has other columns than {path}: {_difference(sheet.frame, tests.frame)}", "Give both the same"
        )
    others = [_without_full_stops(tests.frame[name], sheet.frame[name]) for name in names]
    both = [pd.concat([sheet.frame[one.name].astype(object), one.astype(object)], ignore_index=True) for one in others]

    def where(row: int) -> str:
        return sheet.where(row) if row < first else tests.where(row - first)

    return pd.concat(both, axis=1), where


def _without_full_stops(tests: "Series", trains: "Series") -> "Series":
    """A column of a test file; where its words are those of the other but for a full stop (adult.test), without it."""
    words, known = words_of(tests).dropna().astype(str), {*words_of(trains).dropna().astype(str)}
    stopped = len(words) and words.str.endswith(".").all() and not known & {*words} and {*words.str[:-1]} <= known
    return words_of(tests).str.removesuffix(".") if stopped else tests


def _difference(one: "DataFrame", other: "DataFrame") -> str:
    lacking = [name for name in one.columns if name not in other.columns]
    added = [name for name in other.columns if name not in one.columns]
    said = [f"lacks {', '.join(map(str, lacking[:5]))}"] if lacking else []
    said += [f"has {', '.join(map(str, added[:5]))}"] if added else []
    return " and ".join(said)
