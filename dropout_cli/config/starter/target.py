"""The column of a table that a starter config predicts."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dropout_cli.config.starter.columns import unusable_reason
from dropout_cli.core.errors import UsageError
from dropout_cli.core.registry import did_you_mean
from dropout_cli.data.readers import cells
from dropout_cli.data.readers.table_columns import TaskName
from dropout_cli.data.readers.table_targets import MAX_CLASSES, too_many_for_classes

if TYPE_CHECKING:
    from pandas import Series

LIKELY_TARGETS = (
    "target",
    "label",
    "labels",
    "class",
    "y",
    "outcome",
    "species",
    "diagnosis",
    "survived",
    "quality",
    "price",
)
"""Column names that are usually the target."""
CHOSEN_BY_USER = "because you chose it with --target"
"""Reason in the config for a target that the user chose."""


def choose_target(columns: Mapping[str, "Series"], chosen: str | None, file: Path) -> tuple[str, str]:
    """Return the column to predict, and the reason.

    A predictable column with a usual name comes first, then the last column that can be predicted.

    Args:
        columns: the cleaned columns by name.
        chosen: the name that the user gave; None guesses.
        file: the table, for messages.

    Raises:
        UsageError: if the chosen name is no column.
    """
    names = [*columns]
    if chosen is not None and chosen not in names:
        fact, way_out = f"{file} has no column '{chosen}'", f"It has {cells.quote_names(names)}"
        raise UsageError("--target", fact, f"{did_you_mean(chosen, names)} {way_out}".strip())
    if chosen is not None:
        return chosen, CHOSEN_BY_USER
    predictable = [name for name, series in columns.items() if _is_predictable(series)]
    named = [name for name in predictable if name.strip().lower() in LIKELY_TARGETS]
    if named:
        return named[-1], "because of its name"
    usable = [name for name in predictable if not unusable_reason(columns[name])]
    if not usable or usable[-1] == names[-1]:
        return names[-1], "because it is the last column"
    return usable[-1], "because it is the last column with usable values"


def infer_task(series: "Series") -> TaskName:
    """Return the task of a target column.

    Whole numbers are a regression if nearly every row has another one.
    """
    numbers = series.dtype.kind in "iuf"
    return "regression" if numbers and too_many_for_classes(series.nunique(), len(series)) else "auto"


def _is_predictable(series: "Series") -> bool:
    """Return True if a cleaned column has classes or numbers to predict."""
    distinct = series.nunique()
    if distinct < 2 or cells.is_date(series):
        return False
    return series.dtype != object or distinct <= min(MAX_CLASSES, 0.5 * series.notna().sum())
