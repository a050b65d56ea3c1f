"""Columns of words that look like numbers: words between numbers, and numbers with a unit."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.data.readers import number_formats
from dropout_cli.data.readers.table_columns import TableColumns
from dropout_cli.data.readers.table_targets import MAX_NUMERIC_CLASSES

if TYPE_CHECKING:
    from pandas import Series

SAMPLE_CELLS = 200
"""Number of values that decide whether a whole column is examined."""
MIN_CELLS = 10
"""Fewer values prove nothing about a column."""
MIN_NUMBERS = 5
"""With fewer different numbers, words and numbers are codes of categories."""
MAX_LISTED_WORDS = 3


class Mixture(NamedTuple):
    """Numbers with words or other text in a column of words."""

    fact: str
    """Continues a sentence that begins with the column."""
    way_out: str


def find_mixture(columns: TableColumns, name: str, series: "Series") -> Mixture | None:
    """Return how a column of words looks like one of numbers; None if it does not.

    Args:
        columns: the table.
        name: the column.
        series: its cleaned values.

    Raises:
        DataError: if a column of numbers has a few words, probably typing errors.
    """
    present = series.dropna().astype(str)
    sample = present.iloc[:SAMPLE_CELLS]
    if len(present) < MIN_CELLS:
        return None
    # A column of mostly words has no typing errors.
    if sum(map(number_formats.is_number_text, sample)) < 0.5 * len(sample):
        return _numbers_with_text(present, sample)
    numbers = number_formats.parse_numbers(present, columns.options.decimal_comma)
    words = {str(word): int(count) for word, count in present[numbers.isna()].value_counts().items()}
    different = numbers.nunique()
    if different < MIN_NUMBERS:
        return None
    # Without this check one misspelled number would turn the whole column into categories.
    if different > MAX_NUMERIC_CLASSES and sum(words.values()) <= 0.1 * len(present):
        row = int(np.flatnonzero(series.index == numbers.index[numbers.isna()][0])[0])
        way_out = f"Correct it, add it to dataset.missing, or set dataset.categorical=[{name}]"
        raise DataError(columns.where(row), f"column '{name}' has {_list_words(words)}", way_out)
    # A word without digits is an answer such as `unknown`; one with digits may be a code.
    may_be_missing = len(words) <= MAX_LISTED_WORDS and not any(char.isdigit() for word in words for char in word)
    listed = ", ".join(words)
    way_out = f"For numbers, set dataset.missing=[{listed}]" if may_be_missing else "For numbers, correct the file"
    return Mixture(f"has {_list_words(words)}", f"{way_out}; for words, dataset.categorical=[{name}]")


def _numbers_with_text(present: "Series", sample: "Series") -> Mixture | None:
    if sample.str.fullmatch(number_formats.NUMBER_WITH_TEXT).sum() <= 0.5 * len(sample):
        return None
    matches = present[present.str.fullmatch(number_formats.NUMBER_WITH_TEXT)]
    if len(matches) <= 0.5 * len(present) or matches.nunique() <= MAX_NUMERIC_CLASSES:
        return None
    example = matches.iloc[0][:20]
    return Mixture(f"has numbers with other text, such as '{example}'", "For numbers, remove that text from the file")


def _list_words(words: dict[str, int]) -> str:
    """Return the words between numbers with their counts."""
    if len(words) == 1:
        ((word, count),) = words.items()
        return f"{word[:40]!r} between numbers in {counted(count, 'row')}"
    shown = [f"{word[:40]!r} ({counted(count, 'row')})" for word, count in words.items()]
    more = len(shown) - MAX_LISTED_WORDS
    end = [f"{counted(more, 'other word')}"] if more > 0 else []
    *first, last = [*shown[:MAX_LISTED_WORDS], *end]
    return f"{', '.join(first)} and {last} between numbers"
