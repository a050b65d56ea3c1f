"""Scores of strange examples, against worked numbers."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_cli.metrics.out_of_distribution import auroc_interval, roc_points, separate

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


@settings(deadline=None)
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


@pytest.mark.parametrize("spread", [1.0, 0.0], ids=["normal", "constant"])
@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_the_interval_of_the_auroc_has_the_true_one_in_95_of_100_samples(spread: float, shift: float) -> None:
    """Strange scores N(shift, spread^2): AUROC Phi(shift / sqrt(1 + spread^2)), with strange ones all alike, too."""
    rng, samples = np.random.default_rng(0), 500
    true = NormalDist().cdf(shift / math.sqrt(1 + spread**2))
    pairs = ((rng.normal(size=60), rng.normal(shift, spread, 40)) for _ in range(samples))
    inside = sum(low <= true <= high for low, high in (auroc_interval(*pair) for pair in pairs))
    sd = math.sqrt(0.95 * 0.05 / samples)
    assert inside / samples >= 0.95 - 4 * sd


@settings(deadline=None)
@given(scores, scores)
def test_the_interval_of_the_auroc_is_inside_of_0_to_1_and_around_it(known: np.ndarray, strange: np.ndarray) -> None:
    """It has a width, also if all pairs are in order; with a single example of a kind there is none."""
    found = separate(known, strange)
    if min(len(known), len(strange)) < 2:
        assert math.isnan(found.auroc_low) and math.isnan(found.auroc_high)
        return
    assert 0 <= found.auroc_low <= found.auroc + 1e-12 and found.auroc - 1e-12 <= found.auroc_high <= 1
    assert found.auroc_high - found.auroc_low > 1e-3
    turned = auroc_interval(-known, -strange)
    assert turned == pytest.approx((1 - found.auroc_high, 1 - found.auroc_low), abs=1e-12)
