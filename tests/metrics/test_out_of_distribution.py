"""Scores of strange examples, against worked numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_cli.metrics.out_of_distribution import roc_points, separate

KNOWN = np.array([0.1, 0.2, 0.2, 0.3, 0.5, 0.5, 0.6, 0.9])
STRANGE = np.array([0.3, 0.5, 0.6, 0.8, 0.95])

scores = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=12).map(np.array)


def test_the_worked_numbers() -> None:
    """Eight known and five strange examples with ties; the same numbers by scikit-learn and torch-uncertainty."""
    found = separate(KNOWN, STRANGE)
    assert found.auroc == pytest.approx(0.75, abs=1e-12)
    assert found.average_precision_strange == pytest.approx(0.65333333, abs=1e-8)
    assert found.average_precision_known == pytest.approx(0.83333333, abs=1e-8)
    assert found.fpr95_strange == pytest.approx(0.625, abs=1e-12)
    assert found.fpr95_known == pytest.approx(0.8, abs=1e-12)


@given(scores, scores)
def test_equal_scores_are_taken_as_a_block(known: np.ndarray, strange: np.ndarray) -> None:
    """The numbers are those of the definitions, and the order of the examples does not change them."""
    found = separate(known, strange)
    pairs = np.sign(strange[:, None] - known[None, :])
    assert found.auroc == pytest.approx(np.mean((pairs + 1) / 2), abs=1e-12)
    taken = max(t for t in np.unique(strange) if np.mean(strange >= t) >= 0.95)
    assert found.fpr95_strange == pytest.approx(np.mean(known >= taken), abs=1e-12)
    assert separate(known[::-1], strange[::-1]) == found


def test_one_score_for_all_examples_tells_nothing_apart() -> None:
    """AUROC is 1/2, each average precision the share of its class, and all known examples are taken."""
    found = separate(np.zeros(6), np.zeros(2))
    assert (found.auroc, found.fpr95_strange, found.fpr95_known) == (0.5, 1.0, 1.0)
    assert found.average_precision_strange == pytest.approx(2 / 8)
    assert found.average_precision_known == pytest.approx(6 / 8)


def test_the_points_that_are_kept_give_the_area_of_all_points() -> None:
    """A curve with few points bends by at most a step between two of them."""
    rng = np.random.default_rng(0)
    known, strange = rng.normal(size=4000), rng.normal(1, 1, 3000)
    false, true = roc_points(known, strange)
    assert len(false) <= 201 and (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    # Two neighbors differ by at most 2/199 along both axes together, so the area of each step is wrong by at most
    # half of the product of its sides.
    steps = np.diff(false) * np.diff(true) / 2
    assert abs(np.trapezoid(true, false) - separate(known, strange).auroc) <= steps.sum()
