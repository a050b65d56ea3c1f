"""Differences of counts, against computations in whole numbers."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from dropout_cli import statistics
from dropout_cli.core.rng import stream
from dropout_cli.statistics import ranks

SIZES = (36, 114, 359, 360, 10_000, 60_000)
PUBLISHED = (
    [9516, 9322, 9456, 9660, 9637, 9596, 9368],
    [9521, 9317, 9441, 9655, 9628, 9570, 9351],
)
"""Examples right of 10,000: the differences are -5, 5, 15, 5, 9, 26 and 17."""


def counts(number: int) -> tuple[int, list[int], list[int]]:
    """Test examples, and how many of them two settings have right at some seeds."""
    rng = stream(number, "test:differences")
    examples, n = int(rng.choice(SIZES)), int(rng.integers(3, 9))
    base = rng.integers(int(0.9 * examples), examples - 2, n)
    other = np.minimum(base + rng.integers(-3, 5, n), examples)
    return examples, other.tolist(), base.tolist()


def by_counting(differences: list[int]) -> float:
    """Return the share of sign patterns whose sum is as far from 0, computed with integers."""
    patterns = itertools.product((1, -1), repeat=len(differences))
    sums = [abs(sum(sign * one for sign, one in zip(signs, differences, strict=True))) for signs in patterns]
    return sum(one >= abs(sum(differences)) for one in sums) / len(sums)


def test_a_pattern_that_ties_with_the_observed_one_counts() -> None:
    """Four patterns of 128 lie farther or as far on each side: .0625, where rounding alone made it .046875."""
    values, base = ([one / 10_000 for one in row] for row in PUBLISHED)
    assert statistics.compare_paired(values, base).test.p == 0.0625 == by_counting([-5, 5, 15, 5, 9, 26, 17])
    assert statistics.compare_paired(values, base, rules=1).test.p == 0.046875


@pytest.mark.parametrize("number", range(40))
@pytest.mark.parametrize("form", ["share", "error", "rmse"])
def test_p_values_of_shares_are_those_of_their_counts(number: int, form: str) -> None:
    """For accuracies, 1 - accuracy and errors in large units, the tests see integers, and so find ties."""
    examples, ours, theirs = counts(number)
    scale = {"share": lambda k: k / examples, "error": lambda k: 1 - k / examples, "rmse": lambda k: 5e4 * k / examples}
    values, base = ([scale[form](one) for one in row] for row in (ours, theirs))
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    found = statistics.compare_paired(values, base)
    assert found.test.p == pytest.approx(by_counting(differences), abs=1e-12)
    assert found.tied == differences.count(0)
    ranked = [one for one in differences if one]
    expected = stats.wilcoxon(ranked).pvalue if ranked else 1
    assert statistics.compare_paired(values, base, test="wilcoxon").test.p == pytest.approx(expected, abs=1e-12)


def test_drawn_patterns_count_ties_as_well() -> None:
    """Twenty pairs, each one example of 360 better: of the patterns only the two of one sign reach the sum."""
    base = [300 + place for place in range(20)]
    found = statistics.compare_paired([(one + 1) / 360 for one in base], [one / 360 for one in base])
    half = statistics.compare_paired([(one + (-1) ** one) / 360 for one in base], [one / 360 for one in base])
    assert found.test.p < 1e-4
    assert half.test.p == 1  # the sum is 0, and every pattern reaches it


@pytest.mark.parametrize(("examples", "base"), [(359, [330, 334]), (114, [110, 104, 112]), (360, [341, 333, 347, 350])])
def test_differences_of_equal_counts_have_no_spread(examples: int, base: list[int]) -> None:
    """Two examples worse at every seed: the deviation is 0, d_z does not exist, and the interval is a point."""
    for test in statistics.TESTS:
        values, former = [(one - 2) / examples for one in base], [one / examples for one in base]
        found = statistics.compare_paired(values, former, test=test)
        assert found.sd == 0 and math.isnan(found.effect)
        assert found.interval == (found.mean, found.mean)
        assert found.test.p == (0 if test == "t" else 2.0 ** (1 - len(base)))
        assert statistics.compare_paired(former, former, test=test).test.p == 1


def test_equal_values_have_their_own_mean() -> None:
    """The mean of three times .1 is .1, and its interval has no width."""
    assert statistics.mean_and_sd([0.1] * 3) == (0.1, 0)
    assert statistics.t_interval([0.1] * 3) == (0.1, 0.1)


def test_a_pair_of_another_magnitude_leaves_the_others_alone() -> None:
    """One run that went astray, with an error of 1e12, makes no ties of the others."""
    found = statistics.compare_paired([0.1, 0.2, 0.3, 1e12], [0.2, 0.4, 0.6, 1e11], larger_is_better=False)
    assert (found.won, found.tied) == (3, 0)


def test_equal_means_rank_alike() -> None:
    """(.1 + .2) / 2 and .15 differ in their last bits, but have the same rank."""
    mean = (0.1 + 0.2) / 2
    found = statistics.friedman([[mean, 0.15, 0.3], [0.15, mean, 0.3]])
    assert mean != 0.15
    assert found.average == [2.5, 2.5, 1]
    assert statistics.argbest([0.15, mean]) == 0 == statistics.argbest([mean, 0.15], larger_is_better=False)


def test_every_test_of_ranks_takes_equal_means_as_equal() -> None:
    """Neither their last bits nor the unit of the differences matter, however small they are."""
    mean = (0.1 + 0.2) / 2
    rounded, exact = ([[one, 0.15, 0.3], [0.15, one, 0.3], [0.1, 0.2, 0.4]] for one in (mean, 0.15))
    assert ranks.friedman_permutation_p(np.array(rounded)) == ranks.friedman_permutation_p(np.array(exact))
    found = np.array([3.0, -1.0, 4.0, 2.0, 6.0])
    assert ranks.signed_rank_p(found) == ranks.signed_rank_p(found * 1e-12) == 0.125
