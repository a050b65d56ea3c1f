"""Numbers and nouns as they may be shown."""

import pytest

from dropout_cli.core.text import counted, decimals, significant


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "run", "0 runs"),
        (1, "combination", "1 combination"),
        (2, "class", "2 classes"),
        (2, "entry", "2 entries"),
        (3, "day", "3 days"),
        (2, "epoch", "2 epochs"),
        (2, "batch", "2 batches"),
        (1000, "seed", "1,000 seeds"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, noun: str, text: str) -> None:
    """One run, two runs, two classes."""
    assert counted(number, noun) == text


@pytest.mark.parametrize("value", [-0.0, -1e-9, -0.00004999, 0.0])
def test_no_number_is_shown_as_a_negative_zero(value: float) -> None:
    """A number that is rounded to 0 has no minus."""
    assert decimals(value, 4) == "0.0000" and decimals(value, 4, "+") == "+0.0000"
    assert not significant(value).startswith("-0") or float(significant(value)) != 0


def test_other_numbers_keep_their_sign_and_digits() -> None:
    """Rounding is that of Python's formats."""
    assert decimals(-0.00005001, 4) == "-0.0001" and decimals(0.5, 2, "+") == "+0.50"
    assert significant(-0.123456) == "-0.1235" and significant(1 / 3, 3) == "0.333"
