"""Dataset `table`: your own table in a text, Excel or Parquet file."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from dropout_cli.core.errors import DataError, InvalidField
from dropout_cli.core.field_types import Count, CountOrZero, Fraction, PathField
from dropout_cli.core.text import plural
from dropout_cli.data.base import (
    DATASETS,
    TEST,
    TRAIN,
    DatasetInfo,
    EncodingOptions,
    Examples,
    MissingCategories,
    Source,
)
from dropout_cli.data.readers.cells import MISSING_TEXTS, quote_names
from dropout_cli.data.readers.dates import DateHandling
from dropout_cli.data.readers.encoding import require_encoding
from dropout_cli.data.readers.extra_rows import ExtraRows
from dropout_cli.data.readers.table_columns import ColumnKey, TableColumns, TableOptions, TaskName
from dropout_cli.data.readers.table_examples import examples_from_frame
from dropout_cli.data.readers.table_file import FileOptions, TableCells, read_table_file
from dropout_cli.data.readers.train_and_test_file import join_test_file


@DATASETS.register("table")
@dataclass(frozen=True, kw_only=True)
class TableSource(Source):
    """Your own table: text (plain or gzipped), Parquet or Excel; classification or regression."""

    info = DatasetInfo(None, None, None, "your own file")
    default_test_fraction = 0.2
    rare_class_way_out = "Leave out rare classes with dataset.min_class_rows: 3, or add examples of the class"

    path: Annotated[str, PathField()]
    """The file. Its format, separator and header are detected."""
    target: ColumnKey | tuple[ColumnKey, ...] = "last"
    """The column to predict: its name, its index (from 0), or last. A list of columns for a regression with several
    targets."""
    task: TaskName = "auto"
    """classification, regression or auto. auto: words, or at most 20 different whole numbers, mean classification;
    other numbers mean regression."""
    drop: tuple[ColumnKey, ...] = ()
    """Columns to leave out, by name or index."""
    categorical: tuple[ColumnKey, ...] = ()
    """Columns whose numbers stand for categories, such as codes."""
    missing: tuple[str | int | float, ...] = ()
    """Words or numbers that stand for a missing value, in addition to the usual ones (empty, ?, NA, nan, null, -)."""
    dates: DateHandling = "refuse"
    """refuse: a column of dates must be left out. expand: it becomes year, month, weekday and day number. day_first and
    month_first decide how 3/4/2020 is read."""
    not_missing: tuple[str, ...] = ()
    """Words that usually stand for a missing value, but are answers in your columns of words, such as None or NA."""
    missing_categories: MissingCategories = "most_frequent"
    """Replacement of a missing category. level: a category of its own. most_frequent: the most frequent one. auto:
    level if some column of the training part lacks 5 % of its categories or more."""
    missing_indicator: bool = False
    """true: a column of numbers with missing values gets a further feature, which is 1 if the number is missing."""
    drop_missing_target: bool = False
    """true: leave out rows without a target. false: refuse them."""
    min_class_rows: Annotated[int, Ge(2)] | None = None
    """Classes with fewer rows are rare, see rare_classes. A split into three parts needs 3. null: no class is rare."""
    rare_classes: Literal["drop", "merge"] = "drop"
    """drop: leave out the rows of rare classes. merge: make them one class, named other."""
    normalize_labels: bool = False
    """true: words that differ only in case, blanks, character forms, inner hyphens or a final full stop are one
    word, in the target and in the features."""
    header: Literal["auto"] | bool = "auto"
    """True if the first line names the columns; auto detects this."""
    header_line: Count | None = None
    """The line of the header, counted from 1; lines above it are left out. null: detected."""
    extra_rows: ExtraRows = "leave_out"
    """leave_out: titles above the header, units below it, totals and notes at the end are no rows. keep: they are."""
    sheet: str | CountOrZero | None = None
    """The sheet of an Excel file, by its name, or its index from 0. null: the first one that has a table."""
    decimal: Literal["auto", ".", ","] = "auto"
    """The decimal mark of a text file; auto detects it."""
    separator: Literal["auto", "space"] | str = "auto"
    """The character between values, or space for any white space."""
    encoding: str = "auto"
    """The character encoding of a text file, such as utf-8, windows-1251 or shift_jis; auto detects it."""
    test_path: Annotated[str, PathField()] | None = None
    """A separate file to test on, with the same columns."""
    split: ColumnKey | None = None
    """A column with train, val or test in each row."""
    test_rows: tuple[CountOrZero, ...] | None = None
    """Indices of the test rows, counted from 0 after the header."""
    group: ColumnKey | None = None
    """A column that names groups, such as patients. Rows of one group stay in the same part."""
    weights: ColumnKey | None = None
    """A column with the weight of each row in the training loss, a number of at least 0. It is no feature. null: all
    rows count the same."""
    test_fraction: Fraction | None = None
    """Fraction of all examples used for testing. null: the test part of test_path, split or test_rows, otherwise
    0.2."""
    scaling: Literal["none", "unit", "standardize"] = "standardize"
    """unit: scale each column of numbers to [0, 1]. standardize: scale it to mean 0 and variance 1. none: no scaling.
    Fitted on the training part."""

    def __post_init__(self) -> None:
        """Raise InvalidField if keys contradict each other."""
        super().__post_init__()
        test_keys = [key for key in ("test_path", "split", "test_rows") if getattr(self, key) is not None]
        if len(test_keys) > 1:
            raise InvalidField(test_keys[1], f"{test_keys[0]} already defines the test part", "Set only one of them")
        if test_keys and self.test_fraction is not None:
            raise InvalidField("test_fraction", f"{test_keys[0]} already defines the test part", "Set only one of them")
        unusual = [word for word in self.not_missing if word not in MISSING_TEXTS[1:]]
        if unusual:
            fact = f"'{unusual[0]:.40}' is not read as a missing value anyway"
            raise InvalidField("not_missing", fact, f"It takes words of {quote_names(MISSING_TEXTS[1:], 99)}")
        if {*self.not_missing} & {*self.missing}:
            word = next(word for word in self.not_missing if word in self.missing)
            raise InvalidField("not_missing", f"'{word}' is also in dataset.missing", "Keep it in one of them")
        if self.rare_classes == "merge" and self.min_class_rows is None:
            raise InvalidField("rare_classes", "merge needs dataset.min_class_rows", "Set it, for example to 3")
        # The csv module takes a single character.
        if self.separator not in ("auto", "space") and len(self.separator) != 1:
            raise InvalidField("separator", "must be one character, auto or space")
        if self.encoding != "auto":
            try:
                require_encoding(self.encoding)
            except LookupError:
                fact = f"there is no encoding {self.encoding!r:.40}"
                raise InvalidField("encoding", fact, "Use auto, utf-8, utf-16, windows-1251 or another one") from None

    def read(self) -> Examples:
        """Return the rows: numbers, NaN for missing values, and codes of categories.

        Raises:
            DataError: if a file cannot be read or its columns cannot be used.
        """
        return self.read_for_classes(())

    def read_for_classes(self, classes: tuple[str, ...]) -> Examples:
        """Return the rows for a network with these classes, which are kept even if they are rare.

        Raises:
            DataError: if a file cannot be read or its columns cannot be used.
        """
        sheet, test_count = self.read_cells(Path(self.path)), 0
        frame, where, notices = sheet.frame, sheet.where, sheet.notices
        if self.test_path is not None:
            tests = self.read_cells(Path(self.test_path))
            frame = join_test_file(sheet.frame, tests.frame, self.path, self.test_path, self._weights_column(sheet))
            first = len(sheet.frame)

            def where(row: int) -> str:
                return sheet.where(row) if row < first else tests.where(row - first)

            notices = (*notices, *tests.notices)
            test_count = len(frame) - len(sheet.frame)
        result = examples_from_frame(
            frame,
            self.options(sheet.decimal_comma),
            where,
            place=self.path,
            test_count=test_count,
            as_written=lambda: self.with_all_words().read_cells(Path(self.path)).frame,
            known_classes=classes,
        )
        notices = (*result.notices, *notices, *self._code_notices(sheet, result))
        result = replace(result, read_as=sheet.read_as, notices=notices)
        return result if self.test_rows is None else self._with_test_rows(result, len(frame))

    def options(self, comma: bool | None) -> TableOptions:
        """Return the interpretation of the columns.

        Args:
            comma: True if numbers have a decimal comma; None detects this for each column.
        """
        return TableOptions(
            target=self.target,
            task=self.task,
            drop=self.drop,
            categorical=self.categorical,
            group=self.group,
            split=self.split,
            weights=self.weights,
            missing=self.missing_texts,
            not_missing=self.not_missing,
            dates=self.dates,
            drop_missing_target=self.drop_missing_target,
            min_class_rows=self.min_class_rows,
            rare_classes=self.rare_classes,
            normalize_labels=self.normalize_labels,
            decimal_comma=comma,
        )

    @property
    def missing_texts(self) -> tuple[str, ...]:
        """The further missing values as they stand in a text file."""
        return tuple(map(str, self.missing))

    def encoding_options(self) -> EncodingOptions:
        """Return how missing values and words are encoded."""
        return EncodingOptions(self.missing_categories, self.missing_indicator, self.normalize_labels)

    def with_missing_level(self, has_level: bool) -> "TableSource":
        """Return the source with `missing_categories: auto` resolved."""
        resolved: MissingCategories = "level" if has_level else "most_frequent"
        return replace(self, missing_categories=resolved) if self.missing_categories == "auto" else self

    def with_all_words(self) -> "TableSource":
        """Return the source with `None`, `NA` and the like read as words, to see which of them the file has."""
        return replace(self, missing=(), not_missing=MISSING_TEXTS[1:])

    def read_cells(self, path: Path) -> TableCells:
        """Read the cells of a file.

        Args:
            path: the file.

        Raises:
            DataError: if the file cannot be read.
        """
        return read_table_file(path, self.file_options)

    @property
    def file_options(self) -> FileOptions:
        """How the file is written."""
        return FileOptions(
            self.header,
            self.header_line,
            self.extra_rows,
            self.separator,
            self.decimal,
            self.encoding,
            self.sheet,
            self.missing_texts,
            self.not_missing,
        )

    def _weights_column(self, sheet: TableCells) -> str | None:
        """Return the name of the column of weights; rows of a test file need none."""
        if self.weights is None:
            return None
        columns = TableColumns(sheet.frame, self.options(sheet.decimal_comma), sheet.where, self.path)
        return columns.find_name(self.weights, "weights")

    def _code_notices(self, sheet: TableCells, examples: Examples) -> list[str]:
        """Return a notice about codes that are read as numbers."""
        numbers = {column.name for column in examples.columns if column.categories is None}
        codes = [name for name in sheet.code_columns if name in numbers]
        if not codes:
            return []
        verbs = ("has", "is") if len(codes) == 1 else ("have", "are")
        fact = f"{verbs[0]} leading zeros, as codes do, but {verbs[1]} read as numbers"
        way_out = f"For categories, set dataset.categorical=[{', '.join(codes[:5])}]"
        return [f"{self.path}: {plural(len(codes), 'column')} {quote_names(codes, 5)} {fact}. {way_out}."]

    def _with_test_rows(self, examples: Examples, count: int) -> Examples:
        rows = np.array(self.test_rows, np.int64)
        if not len(rows) or rows.max() >= count:
            fact = f"must name rows from 0 to {count - 1}, got {rows.max() if len(rows) else 'none'}"
            raise DataError("dataset.test_rows", fact, "The first row after the header has the index 0")
        assigned = np.full(count, TRAIN, np.int8)
        assigned[rows] = TEST
        # The key counts the rows of the file, of which some may be left out.
        return replace(examples, assigned_parts=assigned if examples.rows is None else assigned[examples.rows])
