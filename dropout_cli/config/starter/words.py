"""Words of a table for a starter config: which of them mean a missing value, and which are answers."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dropout_cli.core.text import counted
from dropout_cli.data.readers import cells, number_formats
from dropout_cli.data.readers.row_selection import words_read_as_missing
from dropout_cli.data.readers.spellings import are_surely_the_same, merge_spellings
from dropout_cli.data.readers.table_file import TableCells
from dropout_cli.data.readers.table_targets import MAX_NUMERIC_CLASSES

if TYPE_CHECKING:
    from pandas import Series

MIN_CELLS = 10
"""Fewer values prove nothing about a column."""
MAX_MISSING_WORDS = 5
"""A column with more different words between its numbers is not one of numbers."""
SUBSTANTIAL = 0.05
"""Fraction of rows from which a word that is read as missing may be an answer."""
SURELY_MISSING = {
    *("null", "(null)", "<null>", "[null]", "nan", "<na>", "n/a", "n.a.", "n.a", "n. a.", "#n/a", "#na", "\\n"),
    *("#null!", "#value!", "#div/0!", "#ref!", "#name?", "#num!", ".", "..", "...", "--", "---", "\u2013", "\u2014"),
    *("?", "-", "??", "???"),
}
"""Words in lower case that are never an answer: of databases, spreadsheets and statistics programs."""


@dataclass(frozen=True)
class WordReadings:
    """Interpretation of the words of a table."""

    columns: dict[str, "Series"] = field(default_factory=dict)
    """The cleaned columns by name."""
    missing: dict[str, str] = field(default_factory=dict)
    """Words that stand for a missing value beside the usual ones, and where they occur."""
    kept: dict[str, str] = field(default_factory=dict)
    """Usual words for a missing value that are answers here, and where they occur."""
    doubtful: dict[str, dict[str, int]] = field(default_factory=dict)
    """Usual words for a missing value that may be answers: their number of rows in each column."""

    def notices(self, names: Collection[str]) -> list[str]:
        """Return messages about the words.

        Args:
            names: the columns whose doubtful words are reported.
        """
        texts = [f"'{word}' counts as a missing value ({places})." for word, places in self.missing.items()]
        texts += [
            f"'{word}' is read as an answer, not as a missing value ({places})." for word, places in self.kept.items()
        ]
        for word, counts in self.doubtful.items():
            places = ", ".join(_place(name, count) for name, count in counts.items() if name in names)
            if places:
                keep = f'dataset.not_missing: ["{word}"] keeps it as an answer'
                texts.append(f"'{word}' is read as a missing value ({places}); {keep}.")
        return texts


def read_words(sheet: TableCells) -> WordReadings:
    """Return how to read the words of a table.

    A few words without digits between many different numbers are answers such as `unknown`, `..` or `refused`.

    Args:
        sheet: the cells, with `None`, `NA` and the like as written.
    """
    readings = WordReadings()
    usual: dict[str, dict[str, int]] = {}
    for name in sheet.frame.columns:
        raw = sheet.frame[name]
        series = cells.parse_column(raw, comma=sheet.decimal_comma)
        words = {**_surely_missing_words(series), **_words_among_numbers(series, sheet.decimal_comma)}
        if words:
            series = cells.parse_column(raw, tuple(words), sheet.decimal_comma)
            for word, count in words.items():
                _add_place(readings.missing, word, name, count)
        readings.columns[str(name)] = series
        if series.isna().any():
            for word, count in words_read_as_missing(sheet.frame, name).items():
                usual.setdefault(word, {})[str(name)] = count
    for word, counts in usual.items():
        if _is_answer(word, counts, readings.columns):
            for name, count in counts.items():
                _add_place(readings.kept, word, name, count)
        elif word.casefold() not in SURELY_MISSING:
            frequent = {name: n for name, n in counts.items() if _is_frequent_word(readings.columns[name], n)}
            readings.doubtful.update({word: frequent} if frequent else {})
    _parse_again(readings, sheet, {name for word in readings.kept for name in usual[word]})
    return readings


def keep_answers_of_target(readings: WordReadings, sheet: TableCells, target: str) -> None:
    """Keep a frequent `None` in a target of words, even if other rows have no target.

    Otherwise many rows would be left out.

    Args:
        readings: how the words are read; changed in place.
        sheet: the cells, with `None`, `NA` and the like as written.
        target: the column to predict.
    """
    counts = {name: words_read_as_missing(sheet.frame, name).get("None", 0) for name in readings.columns}
    are_words = all(readings.columns[name].dtype == object for name, count in counts.items() if count)
    if "None" in readings.kept or not are_words or not _is_frequent_word(readings.columns[target], counts[target]):
        return
    readings.doubtful.pop("None", None)
    places = {name: count for name, count in counts.items() if count}
    for name, count in places.items():
        _add_place(readings.kept, "None", name, count)
    _parse_again(readings, sheet, places)


def _parse_again(readings: WordReadings, sheet: TableCells, names: Iterable[str]) -> None:
    for name in names:
        readings.columns[name] = cells.parse_column(
            sheet.frame[name], tuple(readings.missing), sheet.decimal_comma, tuple(readings.kept)
        )


def surely_one_word(columns: Mapping[str, "Series"]) -> bool:
    """Return True if some words have several spellings, and all of these are surely of one meaning.

    Args:
        columns: the columns that are used.
    """
    merged = {}
    for name, series in columns.items():
        words = cells.column_to_words(series) if series.dtype == object else None
        if words is not None and (spellings := merge_spellings(words)):
            merged[name] = are_surely_the_same(words, spellings)
    return bool(merged) and all(merged.values())


def _add_place(places: dict[str, str], word: str, name: object, count: int) -> None:
    place = _place(name, count)
    places[word] = f"{places[word]}, {place}" if word in places else place


def _place(name: object, count: int) -> str:
    return f"{counted(count, 'row')} of '{name}'"


def _is_answer(word: str, counts: Mapping[str, int], columns: Mapping[str, "Series"]) -> bool:
    """Return True if a usual word for a missing value is surely an answer.

    That is `None` if it is frequent in a column of words without other gaps, and `NA` if all its columns are codes of
    two capital letters.

    Args:
        word: the word.
        counts: its number of rows in each column.
        columns: the cleaned columns, where it is missing.
    """
    # A word that is a gap between numbers may be one between words.
    if any(columns[name].dtype != object for name in counts):
        return False
    if word == "NA" and not all(_are_codes(columns[name]) for name in counts):
        return False
    frequent = (_is_frequent_word(columns[name], n) and columns[name].isna().sum() == n for name, n in counts.items())
    return word in ("None", "NA") and any(frequent)


def _are_codes(series: "Series") -> bool:
    codes = series.dropna().astype(str)
    return bool(codes.nunique() > 1 and codes.str.fullmatch("[A-Z]{2}").all())


def _is_frequent_word(series: "Series", count: int) -> bool:
    return series.dtype == object and count >= SUBSTANTIAL * len(series)


def _surely_missing_words(series: "Series") -> dict[str, int]:
    """Return the words of a column that can only mean a missing value, with their counts."""
    if series.dtype != object:
        return {}
    counts = series.dropna().astype(str).value_counts()
    return {str(word): int(count) for word, count in counts.items() if str(word).casefold() in SURELY_MISSING}


def _words_among_numbers(series: "Series", comma: bool | None) -> dict[str, int]:
    """Return the words between different numbers that can only mean a missing value, with their counts."""
    present = series.dropna().astype(str)
    if series.dtype != object or len(present) < MIN_CELLS:
        return {}
    words = number_formats.words_among_numbers(present, comma)
    numbers = present[~present.isin(list(words))]
    if len(words) > MAX_MISSING_WORDS or numbers.nunique() <= MAX_NUMERIC_CLASSES:
        return {}
    return {} if any(char.isdigit() for word in words for char in word) else words
