"""Your own table: a text file, or one of Excel or Parquet, as people have them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np

from dropout_cli.data import delimited, frames
from dropout_cli.data.cells import Line
from dropout_cli.data.dialect import detect, names
from dropout_cli.data.frames import Task, Wanted, Which
from dropout_cli.data.source import DATASETS, TEST, TRAIN, Examples, Facts, Source
from dropout_cli.data.store import must_be_plain
from dropout_cli.errors import DataError
from dropout_cli.fields import CountOrZero, Fraction, PathField

if TYPE_CHECKING:
    from pandas import DataFrame

EXCEL = (".xlsx", ".xlsm")
PARQUET = (".parquet", ".pq")


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
        """Raise ValueError for keys that contradict each other."""
        given = [key for key in ("test_path", "split", "test_rows") if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(f"{given[1]}: {given[0]} gives a test part already. Set one of them")
        if given and self.test_fraction is not None:
            raise ValueError(f"test_fraction: {given[0]} gives the test part. Set one of them")
        if self.separator not in ("auto", "space") and len(self.separator) != 1:
            raise ValueError("separator: must be one character, auto or space")

    def read(self) -> Examples:
        """The rows as numbers, NaN where a value is missing, and places of categories."""
        frame, where = self.frame(Path(self.path))
        tests = 0
        if self.test_path is not None:
            import pandas as pd

            other, elsewhere = self.frame(Path(self.test_path))
            if list(other.columns) != list(frame.columns):
                fact = f"has other columns than {self.path}: {_difference(frame, other)}"
                raise DataError(self.test_path, fact, "Give both the same, in the same order")
            first, tests = len(frame), len(other)
            frame = pd.concat([frame.astype(object), other.astype(object)], ignore_index=True)
            inner = where

            def where(row: int) -> str:
                return inner(row) if row < first else elsewhere(row - first)

        found = frames.examples(frame, self.wanted(), where, place=self.path, tests=tests)
        return found if self.test_rows is None else self._with_test_rows(found)

    def wanted(self) -> Wanted:
        """What to make of the columns."""
        return Wanted(self.target, self.task, self.drop, self.categorical, self.group, self.split, self.missing)

    def frame(self, path: Path) -> tuple["DataFrame", Line]:
        """The cells of a file, and where each row stands in it. Raises DataError."""
        must_be_plain(path)
        kind = path.suffix.lower()
        if kind in EXCEL or kind in PARQUET:
            frame = excel(path, self.header) if kind in EXCEL else parquet(path)
            first = 2 if kind in EXCEL and self.header is not False else 1
            return _with_rows(frame, path), lambda row: f"{path}, row {row + first}" if row >= 0 else str(path)
        dialect = detect(
            path,
            separator=None if self.separator == "auto" else self.separator,
            header=None if self.header == "auto" else self.header,
        )
        width, lines = delimited.check(path, dialect)
        frame = delimited.read(path, dialect, names(dialect, width), self.missing)
        if len(frame) != len(lines):
            raise DataError(str(path), f"has {len(lines)} rows, of which {len(frame)} can be read", "Check its quotes")
        last = str(frame.columns[-1])
        if dialect.header and last.startswith("column ") and frame[last].isna().all():  # lines end in a separator
            frame = frame.drop(columns=last)
        return frame, lambda row: f"{path}, line {lines[row]}" if row >= 0 else str(path)

    def _with_test_rows(self, found: Examples) -> Examples:
        rows = np.array(self.test_rows, np.int64)
        count = len(found.x)
        if not len(rows) or rows.max() >= count:
            fact = f"must name rows from 0 to {count - 1}, got {rows.max() if len(rows) else 'none'}"
            raise DataError("dataset.test_rows", fact, "The first row after the header is 0")
        assigned = np.full(count, TRAIN, np.int8)
        assigned[rows] = TEST
        return replace(found, assigned=assigned)


def excel(path: Path, header: Literal["auto"] | bool) -> "DataFrame":
    """The first sheet of a workbook. Raises DataError."""
    import pandas as pd

    try:
        frame = pd.read_excel(path, header=None if header is False else 0, na_values=[], keep_default_na=True)
    except ImportError:
        raise DataError(
            str(path), "is Excel's, and openpyxl is not installed", "pip install 'dropout-cli[excel]'"
        ) from None
    except Exception as error:  # neither zipfile nor openpyxl says what it raises for damaged bytes
        raise _unreadable(path, error, "an Excel workbook") from None
    return _named(frame, header is False)


def parquet(path: Path) -> "DataFrame":
    """The rows of a Parquet file. Raises DataError."""
    import pandas as pd

    try:
        return _named(pd.read_parquet(path, engine="pyarrow"), False)
    except ImportError:
        raise DataError(
            str(path), "is Parquet, and pyarrow is not installed", "pip install 'dropout-cli[parquet]'"
        ) from None
    except Exception as error:  # pyarrow has errors of its own
        raise _unreadable(path, error, "Parquet") from None


def _lacking(path: Path, kind: str, package: str, extra: str) -> DataError:
    fact = f"is {kind}, and {package} is not installed"
    return DataError(str(path), fact, f"pip install 'dropout-cli[{extra}]', or save it as CSV")


def _named(frame: "DataFrame", by_place: bool) -> "DataFrame":
    names = [f"column {place}" if by_place else str(name).strip() for place, name in enumerate(frame.columns)]
    frame.columns = [name if names.index(name) == place else f"{name}.{place}" for place, name in enumerate(names)]
    return frame


def _with_rows(frame: "DataFrame", path: Path) -> "DataFrame":
    if not len(frame):
        raise DataError(str(path), "has no rows", "Name a file with rows")
    if not len(frame.columns):
        raise DataError(str(path), "has no columns", "Name a file with columns")
    return frame.reset_index(drop=True)


def _unreadable(path: Path, error: Exception, what: str) -> DataError:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200] or type(error).__name__
    return DataError(str(path), f"cannot be read as {what}: {reason}", "Name another file")


def _difference(one: "DataFrame", other: "DataFrame") -> str:
    lacking = [name for name in one.columns if name not in other.columns]
    added = [name for name in other.columns if name not in one.columns]
    said = [f"lacks {', '.join(map(str, lacking[:5]))}"] if lacking else []
    said += [f"has {', '.join(map(str, added[:5]))}"] if added else []
    return " and ".join(said) or "they are in another order"
