"""How many pairs and looks are needed: the power of the t-test, and levels that add up."""

import math

import numpy as np
import pytest
from scipy import stats

from dropout_cli.core.rng import stream
from dropout_cli.statistics import sequential
from dropout_cli.statistics.sample_size import MAX_PAIRS, paired_t_power, pairs_needed, sd_upper_bound


@pytest.mark.parametrize("n", [2, 3, 10, 50])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_without_a_difference_the_power_is_alpha(n: int, alpha: float) -> None:
    """Both tails count."""
    assert paired_t_power(n, 0.0, 1.0, alpha=alpha) == pytest.approx(alpha, rel=1e-6)
    assert paired_t_power(n, 0.0, 0.0, alpha=alpha) == alpha
    assert paired_t_power(n, 0.0, 3.0) == pytest.approx(0.05, rel=1e-6)


@pytest.mark.parametrize(("n", "difference", "sd"), [(5, 0.3, 1.0), (8, -0.5, 1.0), (4, 2.0, 2.0)])
def test_the_power_is_the_share_of_experiments_that_show_the_difference(n: int, difference: float, sd: float) -> None:
    """SciPy's t-test of 20,000 drawn ones, within 5 standard errors; either sign shows."""
    drawn = stream(n, "test").normal(difference, sd, (20_000, n))
    share = float(np.mean(stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05))
    assert abs(paired_t_power(n, difference, sd) - share) < 5 * math.sqrt(share * (1 - share) / 20_000)


def test_the_power_at_its_limits() -> None:
    """One pair shows nothing; without spread any difference shows; only the ratio to the spread counts."""
    assert paired_t_power(1, 5.0, 1.0) == 0.0
    assert paired_t_power(2, 0.1, 0.0) == 1.0
    assert paired_t_power(6, 0.3, 1.0) == pytest.approx(paired_t_power(6, -3e4, 1e5))
    assert paired_t_power(50, 100.0, 1.0) == 1.0


@pytest.mark.parametrize("wanted", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("ratio", [0.1, 0.4, 1.0, 5.0, 40.0])
def test_the_pairs_needed_are_the_fewest(wanted: float, ratio: float) -> None:
    """With one pair fewer the power is too small; three at least."""
    n = pairs_needed(ratio, 1.0, power=wanted)
    assert n is not None and n >= 3
    assert paired_t_power(n, ratio, 1.0) >= wanted
    assert n == 3 or paired_t_power(n - 1, ratio, 1.0) < wanted
    assert pairs_needed(ratio, 1.0) == pairs_needed(ratio, 1.0, power=0.8, alpha=0.05)


def test_a_difference_that_needs_over_a_million_pairs_has_no_number() -> None:
    """A thousandth of the spread needs 7.8 million; one of .01 some 78,000."""
    assert pairs_needed(0.001, 1.0) is None
    needed = pairs_needed(0.01, 1.0)
    assert needed is not None and 78_000 < needed < 79_000 < MAX_PAIRS


@pytest.mark.parametrize("n", [2, 5, 20])
def test_the_largest_spread_is_exceeded_as_rarely_as_it_says(n: int) -> None:
    """The chance that a pilot's spread is so small is 1 - confidence, if the true one is the bound."""
    for confidence in (0.5, 0.8, 0.95):
        bound = sd_upper_bound(2.0, n, confidence=confidence)
        assert stats.chi2.cdf((n - 1) * (2.0 / bound) ** 2, n - 1) == pytest.approx(1 - confidence)
    assert sd_upper_bound(2.0, n) == sd_upper_bound(2.0, n, confidence=0.8)


def test_planned_looks_reject_as_often_as_alpha_together() -> None:
    """Scores with independent normal steps leave the bounds at any look in 5 of 100 cases, and as is spent at each."""
    looks = sequential.planned_looks((4, 9, 16))
    steps = stream(0, "test").normal(0, 1, (200_000, 16))
    z = steps.cumsum(axis=1)[:, [3, 8, 15]] / np.sqrt([4, 9, 16])
    out = np.logical_or.accumulate(np.abs(z) > stats.norm.isf([one.p / 2 for one in looks]), axis=1).mean(axis=0)
    spent = 0.05 * (np.array([4, 9, 16]) / 16) ** 2
    assert np.all(np.abs(out - spent) < 5 * np.sqrt(spent / 200_000))
    assert [one.n for one in looks] == [4, 9, 16]
    assert [one.c for one in looks] == pytest.approx([stats.t.isf(one.p / 2, one.n - 1) for one in looks])


def test_one_look_is_the_t_test() -> None:
    """It spends everything; Bonferroni's correction divides alpha."""
    for comparisons, alpha in ((1, 0.05), (3, 0.05), (1, 0.2)):
        (look,) = sequential.planned_looks((7,), comparisons=comparisons, alpha=alpha)
        assert look.p == pytest.approx(alpha / comparisons)
        assert look.c == pytest.approx(stats.t.isf(alpha / comparisons / 2, 6))


@pytest.mark.parametrize("n", [6, 10, 30, 300])
def test_looking_at_any_time_costs_more_than_looking_once(n: int) -> None:
    """The constant is above Student's quantile and rises with the number of comparisons, which divides alpha."""
    assert sequential.anytime_constant(n) > stats.t.ppf(0.975, n - 1)
    assert sequential.anytime_constant(n, comparisons=2) > sequential.anytime_constant(n)
    assert sequential.anytime_constant(n, comparisons=2) == sequential.anytime_constant(n, alpha=0.025)
    assert sequential.anytime_constant(n, alpha=0.05) == sequential.anytime_constant(n)
