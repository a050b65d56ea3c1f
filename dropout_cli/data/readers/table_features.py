"""Features of a table: numbers as they are, words as codes of categories."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.base import Column
from dropout_cli.data.column_warnings import are_date_numbers
from dropout_cli.data.readers import number_formats
from dropout_cli.data.readers.cells import column_to_numbers, column_to_words, is_date, quote_names, strip_cells
from dropout_cli.data.readers.dates import date_features, date_values
from dropout_cli.data.readers.mixed_columns import find_mixture
from dropout_cli.data.readers.spellings import merge_spellings, spelling_notice
from dropout_cli.data.readers.table_columns import TableColumns

if TYPE_CHECKING:
    from pandas import Series

MAX_CATEGORIES = 1_000
"""A categorical feature with more different words is refused: each would become a column."""


def read_features(
    columns: TableColumns, names: Iterable[str], forced: set[str]
) -> tuple[tuple[Column, ...], list[Array], list[str]]:
    """Return the feature columns, their values, each (N,) float64, and messages about them.

    Args:
        columns: the table.
        names: the columns to learn from.
        forced: columns of numbers to treat as categories.

    Raises:
        DataError: naming all columns that cannot be used.
    """
    found: list[Column] = []
    arrays: list[Array] = []
    dates: list[str] = []
    empty: list[str] = []
    wordy: list[str] = []
    mixed: dict[str, str] = {}
    notices: list[str] = []
    for name in names:
        series = columns.parsed(name, most_numbers=len(columns.frame) if name in forced else 0)
        if series.isna().all():
            empty.append(name)
        elif columns.options.dates != "refuse" and (is_date(series) or _are_date_numbers(series)):
            features = date_features(series, name, columns.options.dates, columns.where)
            arrays += date_values(series, features, columns.where)
            found += [Column(f"{name} ({feature.part})", date=feature) for feature in features]
        elif is_date(series):
            dates.append(name)
        elif series.dtype.kind in "iuf" and name not in forced:
            arrays.append(column_to_numbers(series, name, columns.where))
            found.append(Column(name, decimal_comma=_has_comma(columns, name)))
        else:
            words = column_to_words(series)
            mixture = None if name in forced else find_mixture(columns, name, series)
            words, spelling_notices = _merge_words(columns, name, words)
            categories = sorted(set(words.dropna()))  # codes must not depend on the order of the rows
            if len(categories) > MAX_CATEGORIES:
                if mixture is None:
                    wordy.append(name)
                else:
                    mixed[name] = mixture.fact
                continue
            if mixture is not None:
                notices.append(f"column '{name}' {mixture.fact}, and is read as words. {mixture.way_out}.")
            notices += spelling_notices
            codes = words.map({word: float(code) for code, word in enumerate(categories)})
            arrays.append(codes.to_numpy(np.float64))
            found.append(Column(name, tuple(categories)))
    # All of them at once, so that one change of the config is enough.
    facts = [_describe(empty, "is empty", "are empty")] if empty else []
    facts += [_describe(dates, "contains dates", "contain dates")] if dates else []
    too_many = f"more than {MAX_CATEGORIES:,} different words"
    facts += [_describe(wordy, f"has {too_many}", f"have {too_many}")] if wordy else []
    unusable = [*empty, *dates, *wordy, *mixed]
    if unusable:
        facts += [f"'{name}' {fact}" for name, fact in mixed.items()]
        plural = "these columns" if len(unusable) > 1 else "this column"
        left_out = ", ".join([*map(str, columns.options.drop), *unusable])
        hint = ", or dataset.dates=expand, which makes numbers of dates" if dates else ""
        fact = f"cannot use {plural}: {'; '.join(facts)}"
        raise DataError(columns.place, fact, f"Set dataset.drop=[{left_out}]{hint}")
    return tuple(found), arrays, notices


def _are_date_numbers(series: "Series") -> bool:
    """Return True if a cleaned column holds dates such as 20240131."""
    return series.dtype.kind in "iuf" and are_date_numbers(series.dropna().to_numpy(np.float64))


def _has_comma(columns: TableColumns, name: str) -> bool:
    """Return True if the numbers of a column have a decimal comma."""
    if columns.options.decimal_comma is not None or columns.frame[name].dtype.kind in "iufb":
        return columns.options.decimal_comma is True
    return number_formats.has_decimal_comma(strip_cells(columns.frame[name]).dropna().astype(str), None) is True


def _merge_words(columns: TableColumns, name: str, words: "Series") -> tuple["Series", list[str]]:
    """Return the words, in one spelling each if `normalize_labels` is set, and a message about spellings."""
    merged, normalize = merge_spellings(words), columns.options.normalize_labels
    notices = [spelling_notice(f"column '{name}'", words, merged, normalize)] if merged else []
    return words.map(lambda word: merged.get(word, word)) if normalize and merged else words, notices


def _describe(names: list[str], one: str, several: str) -> str:
    return f"{quote_names(names)} {one if len(names) == 1 else several}"
