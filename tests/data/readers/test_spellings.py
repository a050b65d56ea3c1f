"""Spellings of one word: reported with their counts, merged on request, and told apart from other words."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dropout_cli.data import load_dataset
from dropout_cli.data.base import Examples
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.readers.spellings import are_surely_the_same, merge_spellings, normal_form
from dropout_cli.data.sources.table import TableSource

NFC, NFD = "caf\u00e9", "cafe\u0301"
SAME = [
    ("Yes", "yes"),
    (">50K", ">50K."),
    (NFC, NFD),
    ("\uff39\uff25\uff33", "yes"),
    ("New  York", "new york"),
    ("New\u00a0York", "New York"),
    ("well-known", "well_known"),
    ("\uff76\uff9e", "\u30ac"),
    ("STRASSE", "stra\u00dfe"),
]
DIFFERENT = [("A+", "A-"), ("A-", "A"), ("1-2", "12"), ("1-2", "1 2"), ("10\u00b2", "102"), ("C", "C++"), (">5", "<5")]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_spellings_of_one_word_have_one_normal_form(first: str, second: str) -> None:
    """Case, blanks, character forms, inner hyphens and a final full stop do not matter."""
    assert normal_form(first) == normal_form(second)


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_other_words_have_other_normal_forms(first: str, second: str) -> None:
    """Signs and digits do matter."""
    assert normal_form(first) != normal_form(second)


@pytest.mark.parametrize("word", ["", ".", "...", "\u200b", "x" * 1000, "\ud83d\ude00"])
def test_every_word_has_a_normal_form(word: str) -> None:
    """It is not empty unless the word is, and is its own normal form."""
    form = normal_form(word)
    assert bool(form) == bool(word) and normal_form(form) == form


def test_the_most_frequent_spelling_stays() -> None:
    """Whatever the order of the rows; ties go to the first in the order of characters."""
    words = ["yes", "Yes", "Yes", "no", "No", None]
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(words))
        assert merge_spellings(pd.Series(words, dtype=object).iloc[order]) == {"yes": "Yes", "no": "No"}


@pytest.mark.parametrize(
    ("words", "are_sure"),
    [
        (["Yes", "yes", "no"], True),
        (["Yes", "YES.", "no"], True),
        ([">50K", ">50K.", "<=50K"], True),
        ([NFC, NFD, "tea"], True),
        (["y", "Y", "n"], True),
        (["a", "A", "b"], False),
        (["pH", "Ph", "x"], False),
        (["well-known", "well known", "x"], False),
        (["yes", "Yes"], False),
        (["CA", "Ca"], False),
    ],
)
def test_codes_are_not_surely_one_word(words: list[str], are_sure: bool) -> None:
    """`a` and `A` may be two codes, and merging must leave two words."""
    series = pd.Series(words, dtype=object)
    assert are_surely_the_same(series, merge_spellings(series)) is are_sure


def labels(folder: Path, **keys: Any) -> TableSource:
    """80 rows whose target and first feature have several spellings."""
    kinds, colors = ["Yes", "No", "Yes", "No", "yes", "no."], ["red", "Blue", "red", "blue", "RED"]
    rows = "".join(f"{colors[n % 5]},{n % 7},{kinds[n % 6]}\n" for n in range(80))
    (folder / "t.csv").write_text(f"color,size,kind\n{rows}")
    return TableSource(path=str(folder / "t.csv"), **keys)


def test_spellings_are_reported_with_their_counts(tmp_path: Path) -> None:
    """Of the target and of the features, with the key that merges them; nothing is merged without it."""
    found: Examples = labels(tmp_path).read()
    assert found.classes == ("No", "Yes", "no.", "yes")
    way_out = "To read them as one word, set dataset.normalize_labels: true."
    assert found.notices == (
        "the target 'kind': these words differ only in spelling: 'No' (27 rows) and 'no.' (13 rows); "
        f"'Yes' (27 rows) and 'yes' (13 rows). {way_out}",
        "column 'color': these words differ only in spelling: 'red' (32 rows) and 'RED' (16 rows); "
        f"'Blue' (16 rows) and 'blue' (16 rows). {way_out}",
    )


def test_spellings_are_merged_on_request(tmp_path: Path) -> None:
    """Into the most frequent one, with a notice; the stored preprocessing does the same with new words."""
    config = labels(tmp_path, normalize_labels=True)
    found = config.read()
    assert found.classes == ("No", "Yes") and found.columns[0].categories == ("Blue", "red")
    assert found.notices[0].startswith("the target 'kind': different spellings are read as one word: 'No' (27 rows)")
    dataset = load_dataset(config)
    packed = Preprocessing.from_dataset(dataset).pack()
    fitted = Preprocessing.unpack(packed, "p")
    assert fitted.pack() == packed and fitted.encoding is not None and fitted.encoding.merges_spellings
    text = (tmp_path / "t.csv").read_text()
    # Other spellings are the most frequent ones now.
    (tmp_path / "t.csv").write_text(text.replace("Yes", "YES").replace("red", "Red").replace("No", "no"))
    again = load_dataset(config, fitted)
    assert again.classes == dataset.classes
    np.testing.assert_array_equal(again.test.x, dataset.test.x)
    np.testing.assert_array_equal(again.test.labels, dataset.test.labels)


def test_words_of_one_spelling_give_no_notice(tmp_path: Path) -> None:
    """And many words with several are not all listed."""
    (tmp_path / "t.csv").write_text("a,b\n" + "1,x\n2,y\n" * 10)
    assert TableSource(path=str(tmp_path / "t.csv")).read().notices == ()
    words = [f"{'wW'[n % 2]}ord{chr(97 + n // 2)}" for n in range(20)]
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{word},{'xy'[n % 2]}\n" for n, word in enumerate(words * 2)))
    (notice,) = TableSource(path=str(tmp_path / "t.csv")).read().notices
    assert "; and 7 other words. To read" in notice
