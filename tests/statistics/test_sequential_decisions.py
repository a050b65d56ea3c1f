"""Decisions at planned looks: the first interval that excludes 0, or lies within the margin, counts."""

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.statistics.sequential import LOOKS, planned_looks
from dropout_cli.statistics.sequential_decisions import (
    ABOVE,
    BELOW,
    EQUAL,
    OPEN,
    decide_at_looks,
    decide_differences,
    interval_at_level,
)

CONSTANTS = {
    1: (5.893, 4.643, 3.948, 3.168, 2.646, 2.168),
    2: (6.869, 5.282, 4.441, 3.545, 2.980, 2.494),
    4: (7.976, 5.972, 4.958, 3.924, 3.304, 2.800),
    9: (9.466, 6.855, 5.597, 4.374, 3.676, 3.140),
}
"""Number of comparisons -> the half-widths in standard errors at each look."""
AT_TEN = np.array([0.02, 0.03, 0.01, 0.025, 0.03, 0.015, 0.02, 0.01, 0.03, 0.02])


def test_half_widths_in_standard_errors() -> None:
    """The constants of six looks for 1, 2, 4 and 9 comparisons."""
    for comparisons, expected in CONSTANTS.items():
        assert [look.c for look in planned_looks(comparisons=comparisons)] == pytest.approx(expected, abs=2e-3)


def test_the_interval_of_a_look_is_the_published_one() -> None:
    """Ten differences at the third look, two comparisons: [.010121, .031879]."""
    look = planned_looks(comparisons=2)[2]
    error = AT_TEN.std(ddof=1) / np.sqrt(10)
    ends = interval_at_level(AT_TEN.mean(), error, np.array(9.0), np.array(look.p))
    assert [float(end) for end in ends] == pytest.approx([0.010121, 0.031879], abs=2e-6)


def test_the_first_decision_counts() -> None:
    """A comparison that is decided at one look keeps its decision, whatever the later differences are."""
    rng = stream(0, "test")
    early = 1 + 0.1 * rng.normal(size=6)
    later = rng.normal(size=(50, 24)) * 10
    differences = np.concatenate([np.broadcast_to(early, (50, 6)), later], axis=1)
    found = decide_differences(differences, planned_looks())
    assert set(found.codes.tolist()) == {ABOVE} and set(found.places.tolist()) == {0}
    below = decide_differences(-differences, planned_looks())
    assert set(below.codes.tolist()) == {BELOW}


def test_without_a_decision_the_last_look_is_named() -> None:
    """Differences around 0 stay open at all looks."""
    found = decide_differences(np.tile([1.0, -1.0], 15)[None], planned_looks())
    assert found.codes.tolist() == [OPEN] and found.places.tolist() == [len(LOOKS) - 1]


def test_a_difference_within_the_margin_is_equal() -> None:
    """Also if its interval excludes 0, because a difference that does not matter is no improvement."""
    differences = np.tile([0.010, 0.011], 15)[None]
    assert decide_differences(differences, planned_looks()).codes.tolist() == [ABOVE]
    assert decide_differences(differences, planned_looks(), margin=0.02).codes.tolist() == [EQUAL]
    assert decide_differences(differences, planned_looks(), margin=0.005).codes.tolist() == [ABOVE]


def test_equal_differences_have_the_floor_as_their_spread() -> None:
    """Identical differences come from rounding: the floor decides how sure they are."""
    same = np.full((1, 30), 1 / 36)
    assert decide_differences(same, planned_looks(), smallest_sd=0.5 / 36).places.tolist() == [1]
    assert decide_differences(same, planned_looks(), smallest_sd=10.0).codes.tolist() == [OPEN]


def test_nothing_is_decided_without_a_standard_error() -> None:
    """NaN at a look leaves the comparison open there, and the next look can decide."""
    found = decide_at_looks(
        np.array([[1.0, 1.0]]), np.array([[np.nan, 0.01]]), np.array([[5, 7]]), np.array([0.01, 0.02]), margin=0.1
    )
    assert found.codes.tolist() == [ABOVE] and found.places.tolist() == [1]
