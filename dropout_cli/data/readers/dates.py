"""Features made of a date: year, month, weekday and day number."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.base import DateFeature
from dropout_cli.data.readers.cell_notation import YEAR_LAST, to_iso_date
from dropout_cli.data.readers.cells import CLOCK_PATTERN, RowLocator

if TYPE_CHECKING:
    from pandas import Series

DateHandling: TypeAlias = Literal["refuse", "expand", "day_first", "month_first"]
"""Value of `dataset.dates`."""
DAY_PARTS = ("year", "month", "weekday", "day number")
"""Features of a date. weekday: 0 is Monday. day number: days since 1970-01-01, with the time as a fraction."""
CLOCK_PARTS = ("hour",)
"""Feature of a time without a date: the hour, with minutes as a fraction."""


def date_features(series: "Series", name: str, handling: DateHandling, where: RowLocator) -> tuple[DateFeature, ...]:
    """Return the features for a column of dates.

    Args:
        series: the column after `parse_column`, or numbers such as 20240131.
        name: the column's name.
        handling: how to read 3/4/2020; `expand` decides by the other cells.
        where: maps a row number to its place in the file.

    Raises:
        DataError: if the cells do not show whether the day or the month comes first.
    """
    words = series.dropna().astype(str)
    if series.dtype == object and words.str.fullmatch(CLOCK_PATTERN).all():
        return tuple(DateFeature(name, part) for part in CLOCK_PARTS)
    day_first = handling == "day_first"
    if handling == "expand" and series.dtype == object:
        found = [match for match in map(YEAR_LAST.match, words) if match]
        days_first = any(int(match[1]) > 12 or match[2] == "." for match in found)
        if found and not days_first and not any(int(match[3]) > 12 for match in found):
            row = int(np.flatnonzero(series.notna().to_numpy())[0])
            fact = f"column '{name}' has dates such as {found[0][0]}, where day or month may come first"
            raise DataError(where(row), fact, "Set dataset.dates to day_first or month_first")
        day_first = days_first
    return tuple(DateFeature(name, part, day_first) for part in DAY_PARTS)


def date_values(series: "Series", features: Sequence[DateFeature], where: RowLocator) -> list[Array]:
    """Return the values of features of a column of dates, each (N,) float64; NaN for a missing date.

    Args:
        series: the column after `parse_column`.
        features: features of this column, which read it alike; see `date_features`.
        where: maps a row number to its place in the file.

    Raises:
        DataError: for a cell that is no date.
    """
    import pandas as pd

    feature, is_clock = features[0], features[0].part in CLOCK_PARTS
    if is_clock:
        # Any day: only the time is used.
        texts = series.map(lambda cell: f"1970-01-01 {cell}" if cell == cell else None)
    elif pd.api.types.is_datetime64_any_dtype(series.dtype):
        texts = series
    elif series.dtype.kind in "iuf":
        texts = series.map(lambda cell: f"{cell:.0f}" if cell == cell else None)
    else:
        texts = series.map(lambda cell: to_iso_date(str(cell), feature.day_first) if cell == cell else None)
    numbers = series.dtype.kind in "iuf" and not is_clock
    dates = pd.to_datetime(texts, format="%Y%m%d" if numbers else "mixed", errors="coerce", utc=True)
    wrong = np.flatnonzero((dates.isna() & series.notna()).to_numpy())
    if len(wrong):
        fact = f"column '{feature.column}' has {str(series.iloc[wrong[0]])[:40]!r}, which is not a date"
        raise DataError(where(int(wrong[0])), fact, "Correct it, or leave the value empty")
    return [_part_of(dates, each.part).to_numpy(np.float64) for each in features]


def _part_of(dates: "Series", part: str) -> "Series":
    import pandas as pd

    if part == "day number":
        return (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    if part == "hour":
        hours: Series = dates.dt.hour + dates.dt.minute / 60 + dates.dt.second / 3600
        return hours
    parts: dict[str, Series] = {"year": dates.dt.year, "month": dates.dt.month, "weekday": dates.dt.day_of_week}
    return parts[part]
