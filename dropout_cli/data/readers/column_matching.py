"""Matching of a table to the columns of a trained network, by name."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.shell_words import quote_word
from dropout_cli.core.types import Array
from dropout_cli.data.base import Column, DateFeature
from dropout_cli.data.missing_and_categories import UNKNOWN_CATEGORY
from dropout_cli.data.readers.cells import (
    RowLocator,
    column_to_numbers,
    parse_column,
    quote_names,
    strip_cells,
    to_word,
    unparsed_words,
)
from dropout_cli.data.readers.dates import date_values
from dropout_cli.data.readers.spellings import use_known_spellings
from dropout_cli.data.readers.table_columns import TableOptions

if TYPE_CHECKING:
    from pandas import DataFrame


def match_columns(
    frame: "DataFrame",
    columns: Sequence[Column],
    options: TableOptions,
    where: RowLocator,
    *,
    spellings: bool = False,
    can_be_missing: bool = True,
) -> tuple[Array, list[str]]:
    """Return the features of a table for a network with known columns.

    A row is encoded the same way whatever rows are read with it.

    Args:
        frame: the table.
        columns: the columns of the training data.
        options: words that stand for a missing value, and True if numbers have a decimal comma; None: as in training.
        where: maps a row number to its place in the file, -1 to the file.
        spellings: True if a word may be spelled in another way than in training.
        can_be_missing: True if training had missing values, so that there are values to fill in, and the user can name
            further ones.

    Returns:
        x (N, columns) float64, and messages about categories that training has not seen.

    Raises:
        DataError: if a column is missing, or a column of numbers has words.
    """
    wanted = dict.fromkeys(column.date.column if column.date else column.name for column in columns)
    lacking = [name for name in wanted if name not in frame.columns]
    if lacking:
        raise DataError(where(-1), f"has no column {quote_names(lacking)}", "Add it, and leave unknown values empty")
    arrays, messages = [], []
    words_by_column: dict[str, dict[str, list[int]]] = {}
    dates = _read_dates(frame, columns, options, where)
    for column in columns:
        if column.date is not None:
            arrays.append(dates[column.date])
            continue
        series = frame[column.name]
        if column.categories is None:
            comma = column.decimal_comma if options.decimal_comma is None else options.decimal_comma
            parsed = parse_column(series, options.missing, comma)
            if unparsed := unparsed_words(parsed, comma):
                words_by_column[column.name] = unparsed
                continue
            arrays.append(column_to_numbers(parsed, column.name, where, comma=comma))
            continue
        codes = {word: float(code) for code, word in enumerate(column.categories)}
        words = strip_cells(series, options.missing, options.not_missing)
        if spellings:
            words = use_known_spellings(words, column.categories)
        coded = words.map(lambda word, codes=codes: _category_code(word, codes))
        unseen = words[(coded == UNKNOWN_CATEGORY)].unique()
        if len(unseen):
            one = len(unseen) == 1
            verbs = "did not occur in training and is" if one else "did not occur in training and are"
            nouns = f"{'value' if one else 'values'} {quote_names(unseen)}"
            messages.append(f"column '{column.name}': the {nouns} {verbs} treated as unknown.")
        arrays.append(coded.to_numpy(np.float64))
    if words_by_column:
        raise _words_for_numbers(words_by_column, where, can_be_missing)
    return np.stack(arrays, axis=1), messages


MAX_WORDS, MAX_LINES = 8, 3
"""The most words of a column, and the most lines of a word, that an error names."""


def _read_dates(
    frame: "DataFrame", columns: Sequence[Column], options: TableOptions, where: RowLocator
) -> dict[DateFeature, Array]:
    """Return the values of each feature that is made of a date."""
    features = [column.date for column in columns if column.date is not None]
    arrays: dict[DateFeature, Array] = {}
    # The features of a column follow each other, and are read at once.
    for name, group in groupby(features, key=lambda feature: feature.column):
        together = list(group)
        values = date_values(parse_column(frame[name], options.missing), together, where)
        arrays |= zip(together, values, strict=True)
    return arrays


def _words_for_numbers(
    words_by_column: Mapping[str, Mapping[str, Sequence[int]]], where: RowLocator, can_be_missing: bool
) -> DataError:
    """Return the error that names all words in columns of numbers at once.

    Args:
        words_by_column: column -> word -> its rows.
        where: maps a row number to its place in the file.
        can_be_missing: True if a word can be declared a missing value.
    """
    facts, words = [], dict[str, None]()
    for name, found in words_by_column.items():
        words |= dict.fromkeys(found)
        texts = []
        for word, rows in list(found.items())[:MAX_WORDS]:
            # `file, line 3` -> `line 3`: the file comes first in the message.
            lines = ", ".join(where(row).rpartition(", ")[2] for row in rows[:MAX_LINES])
            more = f" and {len(rows) - MAX_LINES:,} more" if len(rows) > MAX_LINES else ""
            texts.append(f"'{word[:40]}' ({lines}{more})")
        rest = f" and {len(found) - MAX_WORDS} more words" if len(found) > MAX_WORDS else ""
        verb = "which is not a number" if len(found) == 1 else "which are not numbers"
        facts.append(f"column '{name}' has {', '.join(texts)}{rest}, {verb}")
    first = min(rows[0] for found in words_by_column.values() for rows in found.values())
    way_out = "Correct it, or leave the value empty"
    if can_be_missing:
        options = " ".join(f"--missing {quote_word(word[:40])}" for word in list(words)[:MAX_WORDS])
        way_out = f"Correct it, or treat such values as missing with {options}"
    return DataError(where(first), "; ".join(facts), way_out)


def _category_code(word: object, codes: dict[str, float]) -> float:
    """Return the code of a word or number, in any notation; NaN for a missing value."""
    if word != word:
        return float("nan")
    text = str(word)
    if text in codes:
        return codes[text]
    try:
        # Categories made of numbers are stored in one notation, such as `1` for 1.0.
        number = {"true": 1.0, "false": 0.0}.get(text.lower())
        return codes.get(str(to_word(float(text) if number is None else number)), UNKNOWN_CATEGORY)
    except ValueError:
        return UNKNOWN_CATEGORY
