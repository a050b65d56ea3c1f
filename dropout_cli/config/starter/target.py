"""The column of a table that a starter config predicts."""

import re
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
    *("survived", "target", "label", "labels", "class", "classes", "outcome", "response", "diagnosis", "species"),
    *("churn", "exited", "attrition", "fraud", "defaulted", "spam", "sentiment"),
    *("price", "sale price", "median house value", "medv", "quality", "status", "loan status"),
    *("ziel", "klasse", "diagnose", "preis", "cible", "classe", "prix", "clase", "precio", "objetivo"),
)
"""Column names that are usually the target, the surest first. `is_churn` and `isChurn` count as `churn`.

Names such as `income` or `default` are not here, because many tables have them as features.
"""
WEAK_TARGETS = ("y",)
"""Names that count if no column has a surer one. Beside a column `x`, `y` may be a coordinate."""
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
    named = _most_likely_name(predictable, names)
    if named is not None:
        return named, "because of its name"
    usable = [name for name in predictable if not unusable_reason(name, columns[name])]
    if not usable or usable[-1] == names[-1]:
        return names[-1], "because it is the last column"
    return usable[-1], "because it is the last column with usable values"


def _most_likely_name(predictable: list[str], names: list[str]) -> str | None:
    """Return the predictable column with the surest name of a target; None if no name says it."""
    plain = {name: plain_words(name) for name in names}
    for likely in LIKELY_TARGETS:
        if found := [name for name in predictable if plain[name] == likely]:
            return found[-1]
    if "x" in plain.values() and len(names) > 2:
        return None
    found = [name for name in predictable if plain[name] in WEAK_TARGETS]
    return found[-1] if found else None


def plain_words(name: str) -> str:
    """Return the words of a name in lower case: `sale price` for `SalePrice` and `sale_price`."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.findall(r"[^\W_]+", apart.lower())
    return " ".join(words[1:] if len(words) > 1 and words[0] == "is" else words)


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
