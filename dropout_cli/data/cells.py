"""The cells of a column, as people write them: blanks and quotation marks, missing values, numbers, dates."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.errors import DataError

if TYPE_CHECKING:
    from pandas import Series

Line: TypeAlias = Callable[[int], str]
"""Row number -> where it stands, for messages."""
MISSING = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "-nan", "<NA>", "NULL", "null", "None", "#N/A", "-")
"""What stands for a missing value."""
DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T].*)?|\d{1,2}/\d{1,2}/\d{2,4}( .*)?|\d{1,2}\.\d{1,2}\.\d{4}( .*)?")
LARGEST = float(np.finfo(np.float32).max)
_AROUND = re.compile(r"^[$€£]\s*|\s*[%€]$")
_THOUSANDS = re.compile(r"[+-]?([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d*)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d+)?([eE][+-]?\d+)?", re.ASCII)


def cleaned(series: "Series", missing: Sequence[str] = ()) -> "Series":
    """A column as numbers where it is numbers: blanks and quotation marks around cells gone, missing values NaN."""
    import pandas as pd

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
    return series.map(word_of)


def word_of(cell: object) -> object:
    """A value as a word; NaN as it is."""
    if isinstance(cell, float | np.floating):
        number = float(cell)
        if math.isnan(number):
            return np.nan
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return str(cell)


def numbers_of(series: "Series", name: str, where: Line, dtype: type = np.float32) -> Array:
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


def listed(names: Iterable[object], most: int = 12) -> str:
    """Names in quotation marks, so many of them at most."""
    shown = [f"'{str(name)[:40]}'" for name in names]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")
