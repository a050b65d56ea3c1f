"""Spellings of one word: `Yes`, `yes` and `yes.` have the same normal form."""

import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dropout_cli.core.text import counted
from dropout_cli.data.readers.cells import quote_names

if TYPE_CHECKING:
    from pandas import Series

MAX_LISTED_SPELLINGS = 3
"""A message lists at most this many words with their spellings."""
# Full-width and half-width forms and fixed blanks, but no superscripts: 10² is not 102.
_SAME_CHARACTER = ("<wide>", "<narrow>", "<noBreak>")
# Only between letters: `1-2` and `A-` keep their hyphens.
_JOINT = re.compile(r"(?<=[^\W\d_])[\s_-]+(?=[^\W\d_])")
_FAMILIAR_LETTERS = ({"y", "n"}, {"t", "f"}, {"m", "f"})


def normal_form(text: str) -> str:
    """Return the text in a normal form of case, blanks, characters, hyphens and final full stops.

    Args:
        text: a word of a table.
    """
    plain = " ".join(_JOINT.sub(" ", _plain_characters(text).casefold()).split())
    return plain.rstrip(" .,;") or text


def merge_spellings(words: "Series") -> dict[str, str]:
    """Return the spelling to use for each word that is not spelled in the most frequent way.

    Args:
        words: the words of a column; NaN if missing.
    """
    counts = words.value_counts()
    # Ties go to the first in the order of characters, so that the order of the rows does not matter.
    ranked = sorted(counts.index, key=lambda word: (-int(counts[word]), word))
    chosen: dict[str, str] = {}
    for word in ranked:
        chosen.setdefault(normal_form(word), word)
    return {word: chosen[normal_form(word)] for word in ranked if chosen[normal_form(word)] != word}


def spelling_notice(title: str, words: "Series", merged: dict[str, str], normalize: bool | None) -> str:
    """Return a message about words with several spellings.

    Args:
        title: the column, for the message.
        words: the words before merging.
        merged: result of `merge_spellings`, not empty.
        normalize: True if they are merged; None if the source has no key for this.
    """
    counts = words.value_counts()
    groups: dict[str, list[str]] = {}
    for word, main in merged.items():
        groups.setdefault(main, [main]).append(word)
    texts = [
        " and ".join(f"{quote_names([word])} ({counted(int(counts[word]), 'row')})" for word in group)
        for group in groups.values()
    ]
    more = len(texts) - MAX_LISTED_SPELLINGS
    listed = "; ".join(texts[:MAX_LISTED_SPELLINGS]) + (f"; and {counted(more, 'other word')}" if more > 0 else "")
    if normalize:
        return f"{title}: different spellings are read as one word: {listed}."
    way_out = "" if normalize is None else " To read them as one word, set dataset.normalize_labels: true."
    return f"{title}: these words differ only in spelling: {listed}.{way_out}"


def use_known_spellings(words: "Series", known: Iterable[str]) -> "Series":
    """Return the words in the spelling of the known ones; other words unchanged.

    Args:
        words: words or numbers; NaN if missing.
        known: words of the training data.
    """
    exact = {*known}
    forms = {normal_form(word): word for word in sorted(exact, reverse=True)}
    return words.map(
        lambda word: forms.get(normal_form(word), word) if isinstance(word, str) and word not in exact else word
    )


def are_surely_the_same(words: "Series", merged: dict[str, str]) -> bool:
    """Return True if all spellings are surely of one meaning, and not codes such as `a` and `A`.

    Args:
        words: the words before merging.
        merged: result of `merge_spellings`.
    """
    letters = {normal_form(word) for word in words.dropna().unique()}
    are_familiar = letters in _FAMILIAR_LETTERS
    return len(letters) > 1 and all(_is_usual_variant(word, main, are_familiar) for word, main in merged.items())


def _is_usual_variant(word: str, main: str, is_familiar: bool) -> bool:
    first, second = (" ".join(_plain_characters(text).split()).rstrip(" .") for text in (word, main))
    if first == second:
        return True
    if first.casefold() != second.casefold():
        return False  # They differ in hyphens or commas.
    usual_case = all(text in (text.lower(), text.upper(), text.capitalize(), text.title()) for text in (first, second))
    return usual_case and (is_familiar or sum(map(str.isalpha, first)) > 1)


def _plain_characters(text: str) -> str:
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", "".join(map(_plain_character, text)))


def _plain_character(char: str) -> str:
    is_other_form = unicodedata.decomposition(char).startswith(_SAME_CHARACTER)
    return unicodedata.normalize("NFKC", char) if is_other_form else char
