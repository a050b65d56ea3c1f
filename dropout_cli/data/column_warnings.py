"""Warnings about the columns of a table: row numbers, copies of the target, odd numbers."""

import re
from collections.abc import Iterator

import numpy as np

from dropout_cli.core.text import counted, plural
from dropout_cli.core.types import Array
from dropout_cli.data.base import Column, Examples

MIN_ID_VALUES = 20
"""A column with at most this many different values is never reported as a row number."""
ID_NAME = re.compile(
    r"(^|[^a-z])(id|ids|uid|uuid|guid|index|key|nr|no|unnamed)([^a-z]|$)|(?-i:[a-z]I[dD]$)", re.IGNORECASE
)
"""Matches the name of a column that may number or name the rows."""
MIN_OTHER_VALUES = 5
"""Fewer different values show no pattern."""
MAX_NAMED = 5
"""A warning names at most this many columns."""
# Two to six nines, also negative; -1 is too often a true value.
_MISSING_CODE = re.compile("-?9{2,6}")
FIRST_DATE, LAST_DATE = 19000101, 21001231
"""Whole numbers between these may be dates such as 20240131."""


def column_warnings(examples: Examples) -> Iterator[str]:
    """Yield warnings about columns, one for each kind.

    Args:
        examples: rows of a table, with `x` in memory.
    """
    # A table of thousands of columns would otherwise have thousands of equal warnings.
    concerned: dict[tuple[str, str], list[str]] = {}
    for index, column in enumerate(examples.columns):
        for finding in _column_findings(column, examples.x[:, index], examples):
            concerned.setdefault(finding, []).append(column.name)
    for (kind, details), names in concerned.items():
        yield _warning(kind, names, details)
    for index, name in enumerate(examples.target_names):
        for code in missing_codes(examples.labels[:, index]):
            yield f"the target '{name}' has the value {code} several times, far from all others. Is it a missing value?"


def _column_findings(column: Column, cells: Array, examples: Examples) -> Iterator[tuple[str, str]]:
    """Yield the kind of each warning about a column, and a fact for its text."""
    values = cells[~np.isnan(cells)].astype(np.float64)
    if len(np.unique(values)) < 2:
        yield "constant", ""
        return
    if len(values) == len(cells) and determines_target(cells, examples):
        yield "target", ""
    are_words = column.categories is not None
    if is_row_id(column.name, are_words, values):
        yield ("words" if are_words else "row id"), ""
    elif not are_words:
        codes = missing_codes(values)
        for code in codes:
            yield "code", str(code)
        present = values[~np.isin(values, codes)]
        if are_date_numbers(present):
            yield "dates", f"{present.max():.0f}"


def _warning(kind: str, names: list[str], details: str) -> str:
    """Return the warning of one kind for all columns that it concerns.

    Args:
        kind: a key of _TEXTS.
        names: the columns.
        details: a fact that all of them share; fills `{details}`.
    """
    one = len(names) == 1
    quoted = ", ".join(f"'{name}'" for name in names[:MAX_NAMED])
    more = f" and {counted(len(names) - MAX_NAMED, 'more column')}" if len(names) > MAX_NAMED else ""
    keys = ", ".join([*names[:MAX_NAMED], *["..."][: len(more)]])
    text = _TEXTS[kind][0 if one else 1].format(keys=keys, details=details)
    return f"{plural(len(names), 'column')} {quoted}{more} {text}"


def is_row_id(name: str, words: bool, values: Array) -> bool:
    """Return True if a column only identifies its row.

    Such columns hold words that never repeat, increasing or consecutive whole numbers without a repeat, or nearly
    distinct whole numbers under a name like `id`.

    Args:
        name: the column's name.
        words: True for a categorical column.
        values: numbers, or codes of categories, without missing ones.
    """
    distinct = len(np.unique(values))
    if distinct <= MIN_ID_VALUES:
        return False
    if words:
        return distinct == len(values)
    are_whole = bool((values == np.floor(values)).all())
    # A column named like an id may have a few repeats.
    if ID_NAME.search(name):
        return are_whole and distinct > 0.9 * len(values)
    return are_whole and distinct == len(values) and bool((np.diff(values) > 0).all() or np.ptp(values) == distinct - 1)


def determines_target(column: Array, examples: Examples) -> bool:
    """Return True if the column and the target determine each other.

    Args:
        column: (N,) numbers or codes, none of them missing.
        examples: the rows with their labels.
    """
    # A perfect linear relation.
    if examples.target_names:
        for target in examples.labels.T:
            if np.ptp(target) > 0 and abs(np.corrcoef(column.astype(np.float64), target)[0, 1]) > 1 - 1e-9:
                return True
        return False
    # As many pairs as classes and as values: a one-to-one relation.
    _, codes = np.unique(column, return_inverse=True)
    pairs = np.unique(np.stack([codes, examples.labels], axis=1), axis=0)
    return len(pairs) == len(examples.classes) == int(codes.max()) + 1


def missing_codes(values: Array) -> list[int]:
    """Return repeated numbers such as -999 that probably stand for a missing value.

    Each is the smallest or largest value, made of nines, and farther from the others than they are from each other.

    Args:
        values: numbers without missing ones.
    """
    distinct, counts = np.unique(values, return_counts=True)
    codes: list[int] = []
    while len(distinct) > MIN_OTHER_VALUES:
        # Whichever end is farther away comes first, because it hides the other one.
        index = -1 if distinct[-1] - distinct[-2] > distinct[1] - distinct[0] else 0
        value = distinct[index]
        others = np.delete(distinct, index)
        if (
            counts[index] < 2
            or not _MISSING_CODE.fullmatch(f"{value:.15g}")
            or min(abs(others - value)) <= np.ptp(others)
        ):
            break
        codes.append(int(value))
        distinct, counts = others, np.delete(counts, index)
    return codes


def are_date_numbers(values: Array) -> bool:
    """Return True if all numbers are dates such as 20240131.

    Args:
        values: numbers without missing ones.
    """
    if not len(values) or values.min() < FIRST_DATE or values.max() > LAST_DATE or (values != np.floor(values)).any():
        return False
    whole = np.unique(values).astype(np.int64)
    months, days = whole // 100 % 100, whole % 100
    # More than a few different ones: prices between 19 and 21 million can look like dates by chance.
    return bool(len(whole) > MIN_OTHER_VALUES and ((months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)).all())


_TEXTS = {
    "constant": ("has the same value in every row.", "have the same value in every row."),
    "target": (
        "determines the target. If it is not known at prediction time, drop it: dataset.drop=[{keys}].",
        "determine the target. If they are not known at prediction time, drop them: dataset.drop=[{keys}].",
    ),
    "row id": (
        "looks like a row number. Drop it: dataset.drop=[{keys}].",
        "look like row numbers. Drop them: dataset.drop=[{keys}].",
    ),
    "words": (
        "has a different word in every row. Drop it: dataset.drop=[{keys}].",
        "have a different word in every row. Drop them: dataset.drop=[{keys}].",
    ),
    "code": (
        "has the value {details} several times, far from all others. If it stands for a missing value, set "
        "dataset.missing=[{details}].",
        "have the value {details} several times, far from all others. If it stands for a missing value, set "
        "dataset.missing=[{details}].",
    ),
    "dates": (
        "seems to hold dates as numbers, such as {details}. Drop it: dataset.drop=[{keys}]. Or set "
        "dataset.dates=expand, which makes year, month, weekday and day number of it.",
        "seem to hold dates as numbers, such as {details}. Drop them: dataset.drop=[{keys}]. Or set "
        "dataset.dates=expand, which makes year, month, weekday and day number of each.",
    ),
}
"""Text of each kind of warning, for one column and for several."""
