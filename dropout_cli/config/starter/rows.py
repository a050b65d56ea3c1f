"""Keys of a starter config for missing values, spellings and rows that are left out."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.config.starter.words import WordReadings, surely_one_word
from dropout_cli.data.base import Examples
from dropout_cli.data.missing_and_categories import MANY_MISSING
from dropout_cli.data.sources.table import TableSource

if TYPE_CHECKING:
    from pandas import Series

ROWS_FOR_THREE_PARTS = 3
"""A class with fewer rows cannot be in each of three parts."""
MANY_RARE_ROWS = 0.1
"""Fraction of rows in rare classes from which these are merged instead of left out."""
COMMENTS = {
    "missing": "words that count as missing values",
    "not_missing": "usual words for a missing value that are answers here",
    "missing_categories": "a missing word is a category of its own; most_frequent: it becomes the most frequent one",
    "normalize_labels": "spellings of one word, such as `Yes` and `yes.`, are one word",
    "drop_missing_target": "rows without a target are left out",
    "min_class_rows": "classes with fewer rows cannot be in all three parts; see rare_classes",
    "rare_classes": "merge: rare classes become the class `other`; drop: their rows are left out",
}
"""Comments of the keys in the config."""


def keys_for_values(readings: WordReadings, target: str, learned: Mapping[str, "Series"]) -> dict[str, Any]:
    """Return the keys that the words and missing values of a table need, with their values.

    Args:
        readings: how the words are read.
        target: the column to predict.
        learned: the columns to learn from.
    """
    keys: dict[str, Any] = {}
    targets = readings.columns[target]
    if readings.missing:
        keys["missing"] = tuple(readings.missing)
    if readings.kept:
        keys["not_missing"] = tuple(readings.kept)
    rows = targets.notna()
    words = [series[rows] for series in learned.values() if series.dtype == object]
    if any(MANY_MISSING <= series.isna().mean() < 1 for series in words):
        keys["missing_categories"] = "level"
    if surely_one_word({**learned, target: targets}):
        keys["normalize_labels"] = True
    if not rows.all():
        keys["drop_missing_target"] = True
    return keys


def keys_for_classes(examples: Examples) -> dict[str, Any]:
    """Return the keys that rare classes need, with their values; empty if no class is rare.

    Args:
        examples: the examples with all classes.
    """
    counts = np.bincount(examples.labels) if examples.classes else np.empty(0, np.intp)
    rare = counts < ROWS_FOR_THREE_PARTS
    if not rare.any() or np.count_nonzero(~rare) < 2:
        return {}
    keys: dict[str, Any] = {"min_class_rows": ROWS_FOR_THREE_PARTS}
    if counts[rare].sum() > MANY_RARE_ROWS * len(examples.labels):
        keys["rare_classes"] = "merge"
    return keys


def read_with_keys(
    source: TableSource, keys: dict[str, Any], read: Callable[[TableSource], Examples]
) -> tuple[Examples, dict[str, Any]]:
    """Return the examples, and all keys that they need.

    Args:
        source: the table, with its target and the columns to leave out.
        keys: result of `keys_for_values`.
        read: makes examples for a source.
    """
    examples = read(replace(source, **keys))
    rare = keys_for_classes(examples)
    return (read(replace(source, **keys, **rare)) if rare else examples), {**keys, **rare}
