"""The cost of choosing, by leaving units out in a loop, and the ranks of settings over datasets."""

import math

import numpy as np
import pytest

from dropout_cli import statistics
from dropout_cli.core.rng import stream
from dropout_cli.statistics import choice


@pytest.mark.parametrize(("settings", "units"), [(2, 2), (3, 3), (4, 7)])
def test_optimism_is_the_mean_gap_to_the_unit_left_out(settings: int, units: int) -> None:
    """Chosen on the others, looked at on the one; times sqrt((n - 1) / n)."""
    scores = stream(settings, "test").normal(0.9, 0.01, (settings, units))
    gaps = []
    for left in range(units):
        rest = [np.mean([row[unit] for unit in range(units) if unit != left]) for row in scores]
        best = int(np.argmax(rest))
        gaps.append(rest[best] - scores[best, left])
    assert choice.leave_one_out(scores) == pytest.approx(np.mean(gaps) * math.sqrt((units - 1) / units))


def test_choosing_the_best_of_equals_looks_too_good() -> None:
    """Among equal settings the optimism is positive; of one setting, or one unit, nothing is known."""
    scores = stream(4, "test").normal(0.9, 0.01, (12, 10))
    assert 0.001 < choice.leave_one_out(scores) < 0.02
    assert math.isnan(choice.leave_one_out(scores[:1])) and math.isnan(choice.leave_one_out(scores[:, :1]))


def test_of_settings_that_differ_by_rounding_the_first_is_chosen() -> None:
    """.1 + .2 is no better than .3: without the last unit the two are equal, and the first one scores 0 there."""
    scores = np.array([[0.3, 0.3, 0.0], [0.1 + 0.2, 0.1 + 0.2, 0.6]])
    gaps = [0.45 - 0.3, 0.45 - 0.3, 0.3 - 0.0]
    assert choice.leave_one_out(scores) == pytest.approx(np.mean(gaps) * math.sqrt(2 / 3))


def test_one_shared_validation_part_is_left_out_in_fifths() -> None:
    """One seed and a fifth of the examples at a time, in the order of the stream `statistics:choice`."""
    scores = stream(5, "test").normal(0.9, 0.3, (3, 4, 23))
    gaps = []
    for left in np.array_split(stream(0, "statistics:choice").permutation(23), 5):
        kept = [example for example in range(23) if example not in left]
        for seed in range(4):
            rest = [np.mean([row[other][kept].mean() for other in range(4) if other != seed]) for row in scores]
            best = int(np.argmax(rest))
            gaps.append(rest[best] - scores[best, seed][left].mean())
    assert choice.leave_out_seed_and_examples(scores) == pytest.approx(np.mean(gaps) * math.sqrt(3 / 4))


def test_equal_scores_share_their_ranks() -> None:
    """The mean of the places that they take; ranks of a dataset sum to k (k + 1) / 2."""
    found = statistics.friedman([[0.9, 0.8, 0.8, 0.1], [0.5, 0.5, 0.5, 0.6]])
    assert found.average == [(1 + 3) / 2, (2.5 + 3) / 2, (2.5 + 3) / 2, (4 + 1) / 2]


def test_two_settings_have_ranks_and_no_friedman_test() -> None:
    """On as few as two datasets; the critical difference has the normal quantile for q: 1.96 sqrt(2 * 3 / (6 N))."""
    found = statistics.friedman([[0.9, 0.8], [0.7, 0.8]])
    assert found.average == [1.5, 1.5] and math.isnan(found.p)
    assert found.critical_difference == pytest.approx(1.959964 * math.sqrt(2 * 3 / (6 * 2)), rel=1e-4)
    for table in ([[0.9, 0.8]], [[0.9], [0.8]]):
        with pytest.raises(ValueError, match="needs two datasets and two settings"):
            statistics.friedman(table)


def test_three_settings_in_one_order_have_chi_square_two_n() -> None:
    """Chi-square is 12 N / 12 ((1 - 2)^2 + 0 + (3 - 2)^2) = 2 N, with 2 degrees of freedom: p = exp(-N)."""
    found = statistics.friedman([[3, 2, 1]] * 5)
    assert found.average == [1, 2, 3]
    assert found.p == pytest.approx(math.exp(-5))


@pytest.mark.parametrize(("settings", "q05", "q10"), [(2, 1.960, 1.645), (3, 2.343, 2.052), (10, 3.164, 2.920)])
def test_the_critical_difference_has_demsars_q(settings: int, q05: float, q10: float) -> None:
    """Demsar (2006), table 5(a); .05 is what is not asked for."""
    table = stream(settings, "test").normal(0, 1, (6, settings)).tolist()
    spread = math.sqrt(settings * (settings + 1) / (6 * 6))
    assert statistics.friedman(table).critical_difference == pytest.approx(q05 * spread, rel=5e-4)
    assert statistics.friedman(table, alpha=0.1).critical_difference == pytest.approx(q10 * spread, rel=5e-4)
