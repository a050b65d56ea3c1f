"""Columns of a table that may hold weights of its rows."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dropout_cli.config.starter.target import plain_words
from dropout_cli.data.readers.cells import quote_names

if TYPE_CHECKING:
    from pandas import Series

_WEIGHED = "sample|sampling|example|instance|case|row|obs|observation|survey|final|frequency|freq|probability|person"
WEIGHT_NAME = re.compile(rf"(({_WEIGHED}) ?)?(weights?|wts?|wgts?)|fnlwgt|[fip]weights?|perwt|gewichte?|poids|peso")
"""Matches the words of a column's name that may stand for weights of the rows."""


def weights_notice(learned: Mapping[str, "Series"]) -> str:
    """Return a message about columns that may hold weights of the rows; empty if there are none.

    The name cannot decide: a column `weight` is as often the weight of a thing.

    Args:
        learned: the cleaned columns to learn from.
    """
    found = [name for name, series in learned.items() if _can_be_weights(name, series)]
    if not found:
        return ""
    if len(found) == 1:
        return (
            f"Column {quote_names(found)} is a feature. If it has weights of the rows, set dataset.weights: {found[0]}."
        )
    return f"Columns {quote_names(found)} are features. If one has weights of the rows, name it in dataset.weights."


def _can_be_weights(name: str, series: "Series") -> bool:
    """Return True for complete numbers of at least 0 that are not all equal, under a name of weights."""
    if not WEIGHT_NAME.fullmatch(plain_words(name)) or series.dtype.kind not in "iuf":
        return False
    return bool(series.notna().all() and series.min() >= 0 and series.nunique() > 1)
