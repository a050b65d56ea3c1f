"""Columns of a table for a starter config: words that mean a missing value, columns to leave out."""

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.text import counted
from dropout_cli.data.readers import cells, number_formats
from dropout_cli.data.readers.table_features import MAX_CATEGORIES
from dropout_cli.data.readers.table_targets import MAX_NUMERIC_CLASSES
from dropout_cli.data.sources.table import TableCells

if TYPE_CHECKING:
    from pandas import Series

MIN_CELLS = 10
"""Fewer values prove nothing about a column."""
MAX_MISSING_WORDS = 5
"""A column with more different words between its numbers is not one of numbers."""


def parse_columns(sheet: TableCells) -> tuple[dict[str, str], dict[str, "Series"]]:
    """Return words that stand for a missing value, with their columns, and all columns without them.

    A few words without digits between many different numbers are answers such as `unknown`, `..` or `refused`.
    """
    missing: dict[str, str] = {}
    columns: dict[str, Series] = {}
    for name in sheet.frame.columns:
        series = cells.parse_column(sheet.frame[name], comma=sheet.decimal_comma)
        words = _missing_words(series, sheet.decimal_comma)
        if words:
            series = cells.parse_column(sheet.frame[name], tuple(words), sheet.decimal_comma)
            for word, count in words.items():
                place = f"{counted(count, 'row')} of '{name}'"
                missing[word] = f"{missing[word]}, {place}" if word in missing else place
        columns[str(name)] = series
    return missing, columns


def _missing_words(series: "Series", comma: bool | None) -> dict[str, int]:
    """Return the words between different numbers that can only mean a missing value, with their counts."""
    present = series.dropna().astype(str)
    if series.dtype != object or len(present) < MIN_CELLS:
        return {}
    words = number_formats.words_among_numbers(present, comma)
    numbers = present[~present.isin(list(words))]
    if len(words) > MAX_MISSING_WORDS or numbers.nunique() <= MAX_NUMERIC_CLASSES:
        return {}
    return {} if any(char.isdigit() for word in words for char in word) else words


def unusable_reason(series: "Series") -> str:
    """Return why no network can learn from a cleaned column; empty if one can."""
    distinct, present = series.nunique(), int(series.notna().sum())
    if distinct == 0:
        return "empty"
    if cells.is_date(series):
        return "dates"
    # Words may number half of the rows; in fewer than 40 rows up to 20, but at most 80 % of the rows.
    most_words = max(0.5 * present, min(20, 0.8 * present))
    if series.dtype == object and distinct > min(MAX_CATEGORIES, most_words):
        words = series.dropna().astype(str)
        between = number_formats.words_among_numbers(words, None)
        if between:
            # A few may be typing errors, which the reader of the table names with their line.
            few = sum(between.values()) <= 0.1 * present
            return "" if few else f"words between numbers, such as '{next(iter(between))[:20]}'"
        numbers = words[words.str.fullmatch(number_formats.NUMBER_WITH_TEXT)]
        if len(numbers) > 0.5 * present:
            return f"numbers with other text, such as '{numbers.iloc[0][:20]}'"
        return f"{distinct:,} different words" if 2 * distinct < present else "a different value in nearly every row"
    if (
        series.dtype.kind in "iuf"
        and present == len(series) == distinct == np.ptp(series) + 1 > 20
        and (series == np.floor(series)).all()
    ):
        return "row numbers"
    return ""
