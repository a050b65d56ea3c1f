"""Values of a table column as people write them: quotes, missing values, numbers, dates."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.readers import number_formats

if TYPE_CHECKING:
    from pandas import Series

RowLocator: TypeAlias = Callable[[int], str]
"""Function that maps a row number to its place in the file, for messages."""
MISSING_TEXTS = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "-nan", "<NA>", "NULL", "null", "None", "#N/A", "-")
"""Cell texts that stand for a missing value."""
# English names, written out or cut to three letters.
_MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\\.?"
CLOCK_PATTERN = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[ap]m)?"
"""Matches a time without a date: 12:30, 12:30:05.5, 1:30 pm."""
# 2020-1-31, 31.1.2020, 1/31/20, 31 Jan 2020, Jan 31, 2020, or a time alone.
DATE_PATTERN = re.compile(
    rf"(\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{4}}|\d{{1,2}}/\d{{1,2}}/\d{{2}}"
    rf"|\d{{1,2}}[- ]{_MONTH}[- ]\d{{2,4}}|{_MONTH} \d{{1,2}},? \d{{4}})([ T].*)?|{CLOCK_PATTERN}",
    re.IGNORECASE,
)
# No joiners: they change how emoji and Indic scripts are written.
_ZERO_WIDTH = re.compile("[\u200b\u2060\ufeff]")
FLOAT32_MAX = float(np.finfo(np.float32).max)
"""Largest finite float32 number."""


def parse_column(
    series: "Series", missing: Sequence[str] = (), comma: bool | None = None, not_missing: Sequence[str] = ()
) -> "Series":
    """Return a column as numbers if all its cells are numbers, else as words.

    Blanks and quotation marks around cells are removed; missing values become NaN.

    Args:
        series: the column as read.
        missing: further texts that stand for a missing value.
        comma: True if numbers have a decimal comma; None detects this from the column.
        not_missing: texts of MISSING_TEXTS that do not stand for a missing value here.
    """
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(object)
    # Booleans become 0 and 1; pandas needs its nullable type on the way if some are missing.
    if pd.api.types.is_bool_dtype(series.dtype):
        return series.astype("float64") if not series.isna().any() else series.astype("Float64").astype("float64")
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_complex_dtype(series.dtype):
        numbers = series.astype("float64") if pd.api.types.is_extension_array_dtype(series.dtype) else series
        # Excel and Parquet files have numbers, where the words of a text file are compared before they become numbers.
        codes = pd.to_numeric(pd.Series([*missing], dtype=object), errors="coerce").dropna()
        return numbers.mask(numbers.isin(codes)) if len(codes) else numbers
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return series
    stripped = strip_cells(series, missing, not_missing)
    present = stripped.dropna()
    if present.empty:
        return stripped.astype("float64")
    words = present.astype(str)
    numbers = number_formats.to_numbers(present)
    # pandas' own parser first: it is fast, and most columns are plain numbers.
    if (comma or numbers.isna().any()) and number_formats.look_like_numbers(words):
        numbers = number_formats.parse_numbers(words, comma)
    # One word makes the whole column a column of words; table_features.py reports probable typing errors.
    if numbers.notna().all():
        return numbers.astype("float64").reindex(stripped.index)
    return stripped


def remove_zero_width(text: str) -> str:
    """Return the text without characters of no width.

    A joined file has a byte order mark in its middle.
    """
    return text if text.isascii() else _ZERO_WIDTH.sub("", text)


def missing_tokens(missing: Sequence[str] = (), not_missing: Sequence[str] = ()) -> set[str]:
    """Return the texts that stand for a missing value.

    Args:
        missing: texts in addition to MISSING_TEXTS.
        not_missing: texts of MISSING_TEXTS to leave out; the empty text always stands for a missing value.
    """
    return {"", *MISSING_TEXTS, *missing} - {word for word in not_missing if word}


def strip_cells(series: "Series", missing: Sequence[str] = (), not_missing: Sequence[str] = ()) -> "Series":
    """Return the cells without blanks and quotation marks around them; missing ones as NaN.

    Args:
        series: the column as read.
        missing: further texts that stand for a missing value.
        not_missing: texts of MISSING_TEXTS that do not stand for a missing value here.
    """
    # map() rather than .str methods, because a column may mix text with numbers.
    tokens = missing_tokens(missing, not_missing)
    # As objects, or columns of pandas' own types would turn NaN into pandas.NA again.
    return series.astype(object).map(lambda cell: _strip_cell(cell, tokens)).astype(object)


def _strip_cell(cell: object, tokens: set[str]) -> object:
    if cell is None or _is_missing_value(cell):
        return np.nan
    # Before the test for numbers: True is an int in Python.
    if isinstance(cell, bool | np.bool_):
        return str(bool(cell))
    if not isinstance(cell, str):
        return cell if isinstance(cell, int | float) else str(cell)
    text = remove_zero_width(cell).strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return np.nan if text in tokens else text


def _is_missing_value(cell: object) -> bool:
    try:
        return bool(cell != cell)  # NaN and NaT are not equal to themselves
    except TypeError:  # pandas.NA is neither equal nor unequal
        return True


def column_to_words(series: "Series") -> "Series":
    """Return each value as a word; whole numbers without a point, missing values unchanged."""
    return series.map(to_word)


def to_word(cell: object) -> object:
    """Return a value as a word; NaN unchanged."""
    if isinstance(cell, float | np.floating):
        number = float(cell)
        if math.isnan(number):
            return np.nan
        # From 2**53 = 9e15 on, a float64 cannot hold every whole number; the bound keeps clear of that.
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return str(cell)


def to_json_cells(series: "Series") -> list[object]:
    """Return the cells of a typed column as JSON would have them; None if missing."""
    if series.dtype in ("float16", "float32"):  # through text, so that float32 .1 becomes .1 and not .10000000149
        series = series.astype(str).astype("float64")
    return [_to_json_cell(cell) for cell in series.astype(object)]


def _to_json_cell(cell: object) -> object:
    if isinstance(cell, np.number | np.bool_):
        cell = cell.item()
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None if math.isnan(cell) else str(cell)
    if cell is None or isinstance(cell, str | bool | int):
        return cell
    text = str(cell)
    return None if text in ("NaT", "<NA>") else text


def column_to_numbers(series: "Series", name: str, where: RowLocator, comma: bool | None = None) -> Array:
    """Return a cleaned column of numbers as an array, (N,) float64.

    Args:
        series: the column after `parse_column`.
        name: the column's name, for messages.
        where: maps a row number to its place in the file.
        comma: True if numbers have a decimal comma; None detects this from the column.

    Raises:
        DataError: for a word, or a number outside the range of float32.
    """
    if series.dtype.kind not in "iuf":
        places = np.flatnonzero(series.notna().to_numpy())
        unparsed = places[number_formats.parse_numbers(series.iloc[places].astype(str), comma).isna().to_numpy()]
        word = str(series.iloc[unparsed[0]])[:40]
        fact = f"column '{name}' has {word!r}, which is not a number"
        raise DataError(where(int(unparsed[0])), fact, "Correct it, or leave the value empty")
    # Larger values would become infinite in float32.
    values = series.to_numpy(np.float64)
    too_large = np.flatnonzero(np.abs(values) > FLOAT32_MAX)
    if len(too_large):
        fact = f"column '{name}' has {values[too_large[0]]:g}, which is not a finite 32-bit number"
        raise DataError(where(int(too_large[0])), fact, "Correct it, or leave the value empty")
    return values


def unparsed_words(series: "Series", comma: bool | None = None) -> dict[str, list[int]]:
    """Return the words of a cleaned column that are not numbers, with their rows.

    Args:
        series: the column after `parse_column`.
        comma: True if numbers have a decimal comma; None detects this from the column.
    """
    if series.dtype.kind in "iuf":
        return {}
    places = np.flatnonzero(series.notna().to_numpy())
    present = series.iloc[places].astype(str)
    unparsed = number_formats.parse_numbers(present, comma).isna().to_numpy()
    words: dict[str, list[int]] = {}
    for place, word in zip(places[unparsed].tolist(), present[unparsed].tolist(), strict=True):
        words.setdefault(word, []).append(place)
    return words


def is_date(series: "Series") -> bool:
    """Return True if most cells of a cleaned column are dates."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(series.dtype) or series.dtype.kind in "Mm":
        return True
    if series.dtype != object:
        return False
    sample = series.dropna().iloc[:200]
    return sum(isinstance(cell, str) and bool(DATE_PATTERN.fullmatch(cell)) for cell in sample) > 0.8 * len(sample)


def quote_names(names: Iterable[object], max_names: int = 12) -> str:
    """Return names in quotation marks, at most `max_names` of them, then "and N more"."""
    shown = [f"'{str(name)[:40]}'" for name in names]
    return ", ".join(shown[:max_names]) + (f" and {len(shown) - max_names} more" if len(shown) > max_names else "")
