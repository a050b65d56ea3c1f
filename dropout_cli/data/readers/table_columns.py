"""Access to the columns of a pandas table, as the keys of `dataset: {name: table}` describe them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.data.readers.cells import RowLocator, column_to_words, parse_column, quote_names
from dropout_cli.data.readers.dates import DateHandling

if TYPE_CHECKING:
    from pandas import DataFrame, Series

ColumnKey: TypeAlias = str | int
"""A column by its name, or by its index from 0 (negative: from the end)."""
TaskName: TypeAlias = Literal["auto", "classification", "regression"]


@dataclass(frozen=True)
class TableOptions:
    """Interpretation of a table's columns; the fields are keys of `dataset: {name: table}`."""

    target: ColumnKey | tuple[ColumnKey, ...] = "last"
    task: TaskName = "auto"
    drop: tuple[ColumnKey, ...] = ()
    categorical: tuple[ColumnKey, ...] = ()
    group: ColumnKey | None = None
    split: ColumnKey | None = None
    weights: ColumnKey | None = None
    missing: tuple[str, ...] = ()
    dates: DateHandling = "refuse"
    not_missing: tuple[str, ...] = ()
    """Words that usually stand for a missing value, but not in these columns of words."""
    drop_missing_target: bool | None = None
    """True: leave out rows without a target. False: refuse them. None: refuse them; the source has no such key."""
    min_class_rows: int | None = None
    rare_classes: Literal["drop", "merge"] = "drop"
    normalize_labels: bool | None = None
    """True: read all spellings of a word as one word. None: the source has no such key."""
    decimal_comma: bool | None = None
    """True if numbers have a decimal comma; None detects this for each column."""


@dataclass(frozen=True)
class TableColumns:
    """The columns of one table, and where its rows are in the file."""

    frame: "DataFrame"
    options: TableOptions
    where: RowLocator
    """Maps a row number to its place in the file."""
    place: str
    """The table as a whole, for messages."""

    def parsed(self, name: str, *, most_numbers: int = 0) -> "Series":
        """Return a column as numbers if all its values are numbers, else as words.

        Args:
            name: the name of the column.
            most_numbers: with at most this many different numbers, a word of `not_missing` makes it a column of words.
        """
        options, series = self.options, self.frame[name]
        numbers = parse_column(series, options.missing, options.decimal_comma)
        if not options.not_missing:
            return numbers
        # `None` between many different numbers is a missing value, even if it is a word elsewhere.
        if numbers.dtype != object and numbers.nunique() > most_numbers:
            return numbers
        return parse_column(series, options.missing, options.decimal_comma, options.not_missing)

    def find_name(self, which: ColumnKey, key: str) -> str:
        """Return the name of a column.

        Args:
            which: the name of the column, its index, or "last" for the target.
            key: the key of `dataset` that has this value, for messages.

        Raises:
            DataError: if the table has no such column.
        """
        names = list(self.frame.columns)
        if isinstance(which, str):
            if which in names:
                return which
            if key == "target" and which == "last":
                return str(names[-1])
            fact = f"has no column '{which}' (named in dataset.{key})"
            raise DataError(self.place, fact, f"It has {quote_names(names)}")
        if not -len(names) <= which < len(names):
            fact = f"has only {counted(len(names), 'column')}, but dataset.{key} is {which}"
            raise DataError(self.place, fact, "Columns are counted from 0")
        return str(names[which])

    def words(self, which: ColumnKey, key: str) -> "Series":
        """Return a column as words.

        Args:
            which: the name of the column, or its index.
            key: the key of `dataset` that has this value, for messages.
        """
        return column_to_words(self.parsed(self.find_name(which, key), most_numbers=len(self.frame)))
