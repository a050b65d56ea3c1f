"""Numbers as people write them: 1,234.5, 1.234,5, 1'234.50, 45 %, $3, CHF 3, (12.5), true.

(12.5) is an accountant's -12.5.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.data.readers.cell_notation import COMMA, POINT, strip_number_marks

if TYPE_CHECKING:
    from pandas import Series

# As Python's float() reads it.
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)", re.ASCII | re.IGNORECASE)
_BOOLEAN = re.compile("true|false", re.IGNORECASE)
# A mark before exactly three digits may separate thousands; before fewer or more digits, or behind 0, it cannot.
_SURELY_POINT = re.compile(r"[+-]?(\d+\.(\d{1,2}|\d{4,})|(0|\d{4,})\.\d+|\d{1,3}(,\d{3})+\.\d+)", re.ASCII)
_SURELY_COMMA = re.compile(r"[+-]?(\d+,(\d{1,2}|\d{4,})|(0|\d{4,}),\d+|\d{1,3}(\.\d{3})+,\d+)", re.ASCII)
MAX_DIGITS = 300  # the largest float has 309 digits before its point
_SAMPLE_WORDS = 50
NUMBER_WITH_TEXT = r"(\D{0,5}[^\w\d])?\d[\d.,' ]*(\s*[^\dA-Z]\D{0,5})?"
"""Pattern of `1,317 km` and `Rs. 1000.50`, but not of the codes `C17` and `12A`."""


def to_numbers(series: "Series") -> "Series":
    """Return a column of texts as numbers.

    Args:
        series: Texts and numbers.

    Returns:
        The numbers; NaN for a text that is no number, infinity for one that is too large.
    """
    import pandas as pd

    try:
        return pd.to_numeric(series, errors="coerce")
    except OverflowError:  # pandas reads whole numbers of any length, and fails above 1e308
        long = series.map(lambda cell: isinstance(cell, int | str) and len(str(cell)) > MAX_DIGITS)
        digits = series[long].astype(str).str.fullmatch(r"[-+]?\d+")
        return pd.to_numeric(
            series.mask(long & digits.reindex(series.index, fill_value=False), np.inf), errors="coerce"
        )


def is_number_text(cell: str) -> bool:
    """Return True if the cell is a number in any supported notation."""
    text = strip_number_marks(cell)
    return any(pattern.fullmatch(text) for pattern in (_PLAIN, POINT, COMMA))


def has_decimal_comma(cells: Iterable[str], separator: str | None) -> bool | None:
    """Return True if the cells use a decimal comma; None if the cells do not show it, or disagree.

    1,5 has a decimal comma and 1.5 has not. 1,234 could be either, and counts as a decimal comma if semicolons
    separate the cells.

    Args:
        cells: cells of one column or file.
        separator: the character between cells, if known.
    """
    texts = [strip_number_marks(cell) for cell in cells]
    comma, point = (any(pattern.fullmatch(text) for text in texts) for pattern in (_SURELY_COMMA, _SURELY_POINT))
    if not comma and not point:
        return True if separator == ";" and any("," in text and COMMA.fullmatch(text) for text in texts) else None
    return None if comma and point else comma


def look_like_numbers(words: "Series") -> bool:
    """Return True if the first words look like numbers, or like true and false."""
    return all(_BOOLEAN.fullmatch(word) or is_number_text(word) for word in words.iloc[:_SAMPLE_WORDS])


def words_among_numbers(words: "Series", comma: bool | None) -> dict[str, int]:
    """Return the words in a column of numbers, with their counts, the most frequent first.

    Args:
        words: the cells of a column that are not missing.
        comma: True if numbers have a decimal comma; None detects this from the column.

    Returns:
        Empty if fewer than half of the cells are numbers, or all are.
    """
    numbers = parse_numbers(words, comma)
    if 2 * numbers.notna().sum() < len(words):
        return {}
    return {str(word): int(count) for word, count in words[numbers.isna()].value_counts().items()}


def parse_numbers(words: "Series", comma: bool | None) -> "Series":
    """Return each word as float64; NaN for a word that is not a number in the column's notation.

    Args:
        words: the cells of a column.
        comma: True if numbers have a decimal comma; None detects this from the column.
    """
    if words.str.fullmatch(_BOOLEAN.pattern, case=False).all():
        return words.str.lower().map({"true": 1.0, "false": 0.0})
    texts = words.map(strip_number_marks)
    grouped = texts.where(~texts.str.contains(",") | texts.str.fullmatch(POINT.pattern))
    pointed = to_numbers(grouped.str.replace(",", "")).astype(np.float64)
    if comma is False or (comma is None and pointed.notna().all()):
        return pointed
    plain = texts.where(texts.str.fullmatch(COMMA.pattern)).str.replace(".", "").str.replace(",", ".")
    with_comma = to_numbers(plain).astype(np.float64)
    # If neither notation fits all cells, take the one that fits more.
    return pointed if pointed.notna().sum() > with_comma.notna().sum() else with_comma
