"""The cost of choosing, by leaving units out in a loop, and the ranks of settings over datasets."""

import math

import numpy as np
import pytest

from dropout_cli import statistics
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics import selection_bias as choice


@pytest.mark.parametrize(("settings", "units"), [(2, 2), (3, 3), (4, 7)])
def test_optimism_is_the_mean_gap_to_the_unit_left_out(settings: int, units: int) -> None:
    """Chosen on the others, looked at on the one; times sqrt((n - 1) / n)."""
    scores = stream(settings, "test").normal(0.9, 0.01, (settings, units))
    gaps = []
    for left in range(units):
        rest = [np.mean([row[unit] for unit in range(units) if unit != left]) for row in scores]
        best = int(np.argmax(rest))
        gaps.append(rest[best] - scores[best, left])
    assert choice.optimism_leave_one_out(scores) == pytest.approx(np.mean(gaps) * math.sqrt((units - 1) / units))


def test_choosing_the_best_of_equals_looks_too_good() -> None:
    """Among equal settings the optimism is positive; of one setting, or one unit, nothing is known."""
    scores = stream(4, "test").normal(0.9, 0.01, (12, 10))
    assert 0.001 < choice.optimism_leave_one_out(scores) < 0.02
    assert math.isnan(choice.optimism_leave_one_out(scores[:1])) and math.isnan(
        choice.optimism_leave_one_out(scores[:, :1])
    )


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


def left_out(scores: Array, parts: list[Array]) -> float:
    """The mean gap, seed by seed and part by part, times sqrt((n - 1) / n); `scores` (settings, seeds, examples)."""
    settings, seeds, examples = scores.shape
    gaps = []
    for part in parts:
        kept = [example for example in range(examples) if example not in part]
        for seed in range(seeds):
            others = [one for one in range(seeds) if one != seed]
            means = [np.mean([scores[k, one, i] for one in others for i in kept]) for k in range(settings)]
            best = int(np.argmax(means))
            gaps.append(means[best] - np.mean([scores[best, seed, i] for i in part]))
    return float(np.mean(gaps) * math.sqrt((seeds - 1) / seeds))


@pytest.mark.parametrize(("seeds", "examples", "folds"), [(2, 7, 5), (3, 5, 5), (4, 12, 3)])
def test_one_seed_and_a_fifth_of_the_examples_are_left_out(seeds: int, examples: int, folds: int) -> None:
    """Five parts, at random from the stream of choices; with one part for each unit, as leaving one unit out."""
    scores = stream(seeds, "test").normal(0, 1, (4, seeds, examples))
    parts = np.array_split(stream(0, "statistics:choice").permutation(examples), folds)
    found = choice.optimism_crossed(scores, folds=folds)
    assert found == pytest.approx(left_out(scores, parts))
    if folds == 5:
        assert found == choice.optimism_crossed(scores)


def test_leaving_one_unit_out_is_the_same_without_examples() -> None:
    """Every unit has a validation part of its own, of one number."""
    for n in (2, 3, 6):
        units = stream(n, "test").normal(0, 1, (3, n))
        alike = np.stack([units, units], axis=2)  # two examples that say the same
        expected = left_out(alike, [np.array([0]), np.array([1])])
        assert choice.optimism_leave_one_out(units) == pytest.approx(expected)
        assert choice.optimism_crossed(alike, folds=2) == pytest.approx(expected)


def test_what_is_left_out_chooses_the_first_of_equals_in_every_unit() -> None:
    """Means that differ by rounding alone are equal, whether scores are millionths or millions."""
    more = 0.3 + 3e-12
    scores = np.array([[0.3, 0.3, 0.5], [more, more, 0.9], [0.0, 0.0, 0.0]])  # the last one is never chosen
    expected = choice.optimism_leave_one_out(np.array([[3.0, 3.0, 5.0], [3.0, 3.0, 9.0]]) / 10)
    for unit in (1e-6, 1.0, 1e6):
        assert choice.optimism_leave_one_out(unit * scores) == pytest.approx(unit * expected)
        apart = unit * np.array([[0.3, 0.3, 0.5], [0.3 + 1e-8, 0.3 + 1e-8, 0.9]])
        assert choice.optimism_leave_one_out(apart) != pytest.approx(unit * expected)


@pytest.mark.parametrize("shape", [(1, 3, 9), (3, 1, 9), (3, 3, 4)])
def test_too_few_of_anything_leave_nothing_out(shape: tuple[int, int, int]) -> None:
    """One setting is no choice; with one seed, or fewer examples than parts, no estimate is possible."""
    scores = stream(0, "test").normal(0, 1, shape)
    assert math.isnan(choice.optimism_crossed(scores))
    if shape[2] == 9:
        assert math.isnan(choice.optimism_leave_one_out(scores[..., 0]))
