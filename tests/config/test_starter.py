"""Starter configs for tables as people have them."""

from pathlib import Path

import pytest

from dropout_cli.config import load_config
from dropout_cli.config.starter import starter_config
from dropout_cli.core.errors import DataError
from dropout_cli.data.sources.table import TableSource


def numbers_with(words: list[str], count: int = 60) -> str:
    """A table of different numbers with some words between them."""
    cells = [words[row // 6 % len(words)] if row % 6 == 0 else f"{row * 1.5}" for row in range(count)]
    return "size,other,kind\n" + "".join(f"{cell},{row % 7},{'ab'[row % 2]}\n" for row, cell in enumerate(cells))


@pytest.mark.parametrize("words", [["k.A."], [".."], ["refused", "unknown"], ["*"]])
def test_words_between_numbers_are_missing_values(tmp_path: Path, words: list[str]) -> None:
    """The config names them, the message counts them, and the column is one of numbers."""
    (tmp_path / "t.csv").write_text(numbers_with(words))
    text, message = starter_config(tmp_path / "t.csv")
    (tmp_path / "c.yaml").write_text(text)
    source = load_config(tmp_path / "c.yaml").experiment.dataset
    assert isinstance(source, TableSource) and sorted(source.missing) == sorted(words)
    first, _ = source.read().columns
    assert first.name == "size" and first.categories is None
    for word in words:
        assert f"'{word}' counts as a missing value ({10 // len(words)} rows of 'size')." in message


def test_words_with_digits_are_not_taken_for_missing_values(tmp_path: Path) -> None:
    """`12x` may be a typing error: the config is not written."""
    (tmp_path / "t.csv").write_text(numbers_with(["12x"], 300).replace("12x", "7.5", 46))
    with pytest.raises(DataError, match="column 'size' has '12x' between numbers"):
        starter_config(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ('"{} km"', "numbers with other text, such as '100 km'"),
        ('"Rs. {}"', "numbers with other text, such as 'Rs. 100'"),
    ],
)
def test_numbers_with_units_are_called_that(tmp_path: Path, cell: str, reason: str) -> None:
    """Whether they are left out, or kept as the only column."""
    for other in (",other", ""):
        rows = "".join(f"{cell.format(100 + 7 * row)}{',1' * bool(other)},{'ab'[row % 2]}\n" for row in range(60))
        (tmp_path / "t.csv").write_text(f"size{other},kind\n{rows}")
        _, message = starter_config(tmp_path / "t.csv")
        verb = "Columns left out" if other else "Kept, as there is no other column"
        assert f"{verb}: 'size' ({reason})" in message


def test_codes_are_not_numbers_with_units(tmp_path: Path) -> None:
    """Each of 1,001 codes comes three times."""
    rows = "".join(f"C{row % 1001},{row % 5},{'ab'[row % 2]}\n" for row in range(3003))
    (tmp_path / "t.csv").write_text(f"code,other,kind\n{rows}")
    assert "'code' (1,001 different words)" in starter_config(tmp_path / "t.csv")[1]
