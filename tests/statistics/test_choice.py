"""The cost of choosing, by enumerating every resample, and the ranks of settings over datasets."""

import itertools
import math

import numpy as np
import pytest

from dropout_cli import statistics
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics import choice


def every_resample(val: Array) -> tuple[Array, Array]:
    """The optimism of each of the n^n resamples that leave a seed out, and the setting chosen in it."""
    optimism, chosen = [], []
    seeds = range(val.shape[1])
    for drawn in itertools.product(seeds, repeat=len(seeds)):
        left_out = [seed for seed in seeds if seed not in drawn]
        if left_out:
            means = [np.mean([row[seed] for seed in drawn]) for row in val]
            best = int(np.argmax(means))
            optimism.append(means[best] - np.mean([val[best, seed] for seed in left_out]))
            chosen.append(best)
    return np.array(optimism), np.array(chosen)


@pytest.mark.parametrize(("settings", "seeds"), [(2, 2), (3, 3), (4, 5)])
def test_optimism_is_the_mean_over_resamples_that_leave_a_seed_out(settings: int, seeds: int) -> None:
    """All n^n of them, within 5 standard errors of the 2,000 that are drawn (Efron 1983)."""
    val = stream(settings, "test").normal(0.9, 0.01, (settings, seeds))
    optimism, chosen = every_resample(val)
    found = statistics.choose(val.tolist())
    usable = 2000 * len(optimism) / seeds**seeds
    assert found.best == int(np.argmax(val.mean(axis=1)))
    assert abs(found.optimism - optimism.mean()) < 5 * optimism.std() / math.sqrt(0.9 * usable)
    share = np.mean(chosen == found.best)
    assert abs(found.stability - share) < 5 * math.sqrt(share * (1 - share) / (0.9 * usable))
    assert 0 < found.stability < 1


def test_lower_is_better_is_the_mirror_image() -> None:
    """The same setting is chosen among negated values, and its optimism is as large."""
    val = stream(7, "test").normal(0.9, 0.01, (5, 6))
    up, down = statistics.choose(val.tolist()), statistics.choose((-val).tolist(), larger_is_better=False)
    assert (down.best, down.stability) == (up.best, up.stability)
    assert down.optimism == pytest.approx(up.optimism, rel=1e-12)


def test_the_draws_have_a_stream_of_their_own() -> None:
    """2,000 resamples from `statistics:choice`: the numbers of a finished sweep are the same tomorrow.

    Of two settings and two seeds, the resamples (0, 0) and (1, 1) leave a seed out.
    """
    drawn = stream(0, "statistics:choice").integers(0, 2, size=(2000, 2))
    same = drawn[drawn[:, 0] == drawn[:, 1], 0]
    found = statistics.choose([[0.5, 0.0], [0.25, 0.5]])
    assert found.best == 1
    assert found.stability == np.mean(same == 1)
    assert found.optimism == pytest.approx(np.mean(np.where(same == 1, 0.5 - 0.25, 0.5 - 0.0)), rel=1e-12)


def test_a_sure_winner_is_chosen_by_every_resample() -> None:
    """Settings far apart: stability 1."""
    assert statistics.choose([[0.1, 0.2, 0.3], [5.1, 5.2, 5.3], [0.2, 0.1, 0.3]]).stability == 1


def test_one_seed_chooses_but_says_nothing_of_its_cost() -> None:
    """The best is named; optimism and stability are NaN."""
    found = statistics.choose([[0.5], [0.7], [0.6]])
    assert found.best == 1 and math.isnan(found.optimism) and math.isnan(found.stability)
    assert statistics.choose([[0.5], [0.7], [0.6]], larger_is_better=False).best == 0


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


def test_ties_but_for_rounding_do_not_depend_on_the_unit() -> None:
    """Two settings of equal means, the second's larger in its last bits: the first is chosen, in every unit."""
    values = np.array([[0.3, 0.3, 0.3], [0.1 + 0.2, 0.3, 0.3]])
    for unit in (1e-6, 1.0, 1e6):
        for larger in (True, False):
            found = statistics.choose((unit * values[:: 1 if larger else -1]).tolist(), larger_is_better=larger)
            assert (found.best, found.stability) == (0, 1)
        apart = unit * np.array([[0.3, 0.3, 0.3], [0.3 + 1e-8, 0.3, 0.3]])
        assert statistics.choose(apart.tolist()).best == 1
        assert 0 < statistics.choose(apart.tolist()).stability < 1


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
    found = choice.leave_out_seed_and_examples(scores, folds=folds)
    assert found == pytest.approx(left_out(scores, parts))
    if folds == 5:
        assert found == choice.leave_out_seed_and_examples(scores)


def test_leaving_one_unit_out_is_the_same_without_examples() -> None:
    """Every unit has a validation part of its own, of one number."""
    for n in (2, 3, 6):
        units = stream(n, "test").normal(0, 1, (3, n))
        alike = np.stack([units, units], axis=2)  # two examples that say the same
        expected = left_out(alike, [np.array([0]), np.array([1])])
        assert choice.leave_one_out(units) == pytest.approx(expected)
        assert choice.leave_out_seed_and_examples(alike, folds=2) == pytest.approx(expected)


def test_what_is_left_out_chooses_the_first_of_equals_in_every_unit() -> None:
    """Means that differ by rounding alone are equal, whether scores are millionths or millions."""
    scores = np.array([[0.3, 0.3, 0.5], [0.1 + 0.2, 0.1 + 0.2, 0.9]])
    expected = choice.leave_one_out(np.array([[3.0, 3.0, 5.0], [3.0, 3.0, 9.0]]) / 10)
    for unit in (1e-6, 1.0, 1e6):
        assert choice.leave_one_out(unit * scores) == pytest.approx(unit * expected)
        apart = unit * np.array([[0.3, 0.3, 0.5], [0.3 + 1e-8, 0.3 + 1e-8, 0.9]])
        assert choice.leave_one_out(apart) != pytest.approx(unit * expected)


@pytest.mark.parametrize("shape", [(1, 3, 9), (3, 1, 9), (3, 3, 4)])
def test_too_few_of_anything_leave_nothing_out(shape: tuple[int, int, int]) -> None:
    """One setting is no choice; one seed, and fewer examples than parts, leave nothing to judge it by."""
    scores = stream(0, "test").normal(0, 1, shape)
    assert math.isnan(choice.leave_out_seed_and_examples(scores))
    if shape[2] == 9:
        assert math.isnan(choice.leave_one_out(scores[..., 0]))
