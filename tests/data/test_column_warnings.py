"""Warnings about columns of a table before training."""

from collections.abc import Sequence

import numpy as np
import pytest

from dropout_cli.core.types import Array
from dropout_cli.data.base import Column, Examples
from dropout_cli.data.column_warnings import column_warnings, missing_codes

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 2


def warnings(columns: Sequence[Array], names: Sequence[str] = ()) -> list[str]:
    """Warnings about columns of numbers with two classes."""
    named = tuple(Column(names[index] if names else f"c{index}") for index in range(len(columns)))
    return [*column_warnings(Examples(np.stack(columns, 1), LABELS, ("a", "b"), columns=named))]


@pytest.mark.parametrize(
    ("others", "codes"),
    [
        (np.linspace(18, 80, 30), [-999]),
        (np.linspace(-5, 5, 30), [999, -9999]),
        (np.linspace(0, 500, 30), [9999]),
        (np.linspace(1, 30, 30), [-99]),
    ],
)
def test_a_repeated_number_of_nines_far_away_is_a_code(others: Array, codes: list[int]) -> None:
    """Each code is named with the key that makes it a missing value."""
    values = np.concatenate([others, *([code] * ((60 - len(others)) // len(codes)) for code in codes)])
    assert sorted(missing_codes(values)) == sorted(codes)
    found = warnings([values])
    for code in codes:
        assert any(f"the value {code} several times" in text and f"dataset.missing=[{code}]" in text for text in found)


@pytest.mark.parametrize(
    "values",
    [
        np.array([*np.linspace(0, 998, 59), 999.0]),
        np.array([*np.linspace(0, 90, 58), 99, 99]),
        np.array([*np.linspace(0, 90, 58), -500, -500]),
        np.array([0, 999] * 30),
    ],
)
def test_numbers_within_or_once_are_no_codes(values: Array) -> None:
    """Near the others, without nines, or among few values."""
    assert missing_codes(values.astype(float)) == []


def test_dates_as_numbers_are_named() -> None:
    """20240131 is one; counts in the same range with a month 13 are none."""
    dates = np.array([20240101 + 100 * (row % 12) + row % 28 for row in range(60)], float)
    assert any("seems to hold dates as numbers, such as 20241" in text for text in warnings([dates], ["when"]))
    assert not any("dates" in text for text in warnings([dates + 12 * 100], ["when"]))
    coded = np.where(np.arange(60) % 9, dates, -99999)
    assert any("dates as numbers" in text for text in warnings([coded], ["when"]))


def test_thousands_of_alike_columns_have_one_warning() -> None:
    """It names five of them and counts the rest."""
    found = warnings([np.ones(60)] * 4_800)
    assert found == ["columns 'c0', 'c1', 'c2', 'c3', 'c4' and 4,795 more columns have the same value in every row."]


def test_a_code_in_a_regression_target_is_named() -> None:
    """The network would learn the code."""
    target = np.where(np.arange(60) % 10, RNG.normal(size=60), -999.0)[:, None]
    examples = Examples(RNG.normal(size=(60, 1)), target, target_names=("y",), columns=(Column("a"),))
    assert any("the target 'y' has the value -999 several times" in text for text in column_warnings(examples))
