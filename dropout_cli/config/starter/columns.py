"""Columns of a table that a starter config leaves out."""

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.data.column_warnings import ID_NAME, MIN_ID_VALUES, is_row_id
from dropout_cli.data.readers import cells, number_formats
from dropout_cli.data.readers.table_features import MAX_CATEGORIES

if TYPE_CHECKING:
    from pandas import Series


DATES = "dates"
"""The reason why a column of dates is left out."""


def unusable_reason(name: str, series: "Series") -> str:
    """Return why no network can learn from a cleaned column; empty if one can.

    Args:
        name: the column's name.
        series: the column after `parse_column`.
    """
    distinct, present = series.nunique(), int(series.notna().sum())
    if distinct == 0:
        return "empty"
    if cells.is_date(series):
        return DATES
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
    if series.dtype.kind in "iuf" and present == distinct:
        values = series.dropna().to_numpy(np.float64)
        if ID_NAME.search(name) and is_row_id(name, words=False, values=values):
            return "a different number in every row, under the name of an identifier"
        # Increasing numbers with gaps may be a quantity by which the rows are sorted.
        if (
            present == len(series)
            and distinct == np.ptp(values) + 1 > MIN_ID_VALUES
            and (values == np.floor(values)).all()
        ):
            return "row numbers"
    return ""
