"""The cells of a column, as people write them: blanks and quotation marks, missing values, numbers, dates."""

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

Line: TypeAlias = Callable[[int], str]
"""Row number -> where it stands, for messages."""
MISSING = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "-nan", "<NA>", "NULL", "null", "None", "#N/A", "-")
"""What stands for a missing value."""
_MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\\.?"
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[ap]m)?"
DATE = re.compile(
    rf"(\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{4}}|\d{{1,2}}/\d{{1,2}}/\d{{2}}"
    rf"|\d{{1,2}}[- ]{_MONTH}[- ]\d{{2,4}}|{_MONTH} \d{{1,2}},? \d{{4}})([ T].*)?|{_CLOCK}",
    re.IGNORECASE,
)
LARGEST = float(np.finfo(np.float32).max)


def cleaned(series: "Series", missing: Sequence[str] = (), comma: bool | None = None) -> "Series":
    """A column as numbers where it is numbers: blanks and quotation marks around cells gone, missing values NaN.

    `comma`: whether its numbers have a decimal comma; None: found out from the column.
    """
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(object)
    if pd.api.types.is_bool_dtype(series.dtype):
        return series.astype("float64") if not series.isna().any() else series.astype("Float64").astype("float64")
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_complex_dtype(series.dtype):
        return series.astype("float64") if pd.api.types.is_extension_array_dtype(series.dtype) else series
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return series
    stripped = words_of(series, missing)
    present = stripped.dropna()
    if present.empty:
        return stripped.astype("float64")
    words = present.astype(str)
    found = pd.to_numeric(present, errors="coerce")
    if (comma or found.isna().any()) and number_formats.might_be_numbers(words):
        found = number_formats.numbers(words, comma)
    if found.notna().all():
        return found.astype("float64").reindex(stripped.index)
    return stripped


def words_of(series: "Series", missing: Sequence[str] = ()) -> "Series":
    """The cells of a column, blanks and quotation marks around them gone, missing values NaN."""
    tokens = {*MISSING, *missing}
    return series.map(lambda cell: _stripped(cell, tokens)).astype(object)


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


def written(series: "Series") -> list[object]:
    """The cells of a typed column as they would be written down: text, numbers, true and false; None for none."""
    if series.dtype in ("float16", "float32"):  # .1 in single precision, and not .10000000149
        series = series.astype(str).astype("float64")
    return [_as_written(cell) for cell in series.astype(object)]


def _as_written(cell: object) -> object:
    if isinstance(cell, np.number | np.bool_):
        cell = cell.item()
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None if math.isnan(cell) else str(cell)
    if cell is None or isinstance(cell, str | bool | int):
        return cell
    text = str(cell)
    return None if text in ("NaT", "<NA>") else text


def numbers_of(series: "Series", name: str, where: Line, dtype: type = np.float32, comma: bool | None = None) -> Array:
    """A cleaned column of numbers as an array. Raises DataError for words, and for numbers that are too large."""
    if series.dtype.kind not in "iuf":
        places = np.flatnonzero(series.notna().to_numpy())
        odd = places[number_formats.numbers(series.iloc[places].astype(str), comma).isna().to_numpy()]
        fact = f"column '{name}' has {str(series.iloc[odd[0]])[:40]!r}, which is no number"
        raise DataError(where(int(odd[0])), fact, "Correct it, or leave the cell empty")
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
