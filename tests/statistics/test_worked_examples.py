"""Statistics against numbers that were worked out elsewhere: by SciPy, statsmodels, baycomp, rliable, or by hand."""

import math

import numpy as np
import pytest

from dropout_cli.core.types import Array
from dropout_cli.statistics import aggregate, proportion, ranks, sample_size, sequential
from dropout_cli.statistics import selection_bias as choice
from dropout_cli.statistics.bayes import posterior_probabilities
from dropout_cli.statistics.differences import paired_differences
from dropout_cli.statistics.max_t import max_t
from dropout_cli.statistics.multiple_comparisons import holm_adjust
from dropout_cli.statistics.t_test import Estimate, estimate_crossed, estimate_mean, estimate_new_examples, hedges_g


def rows(text: str) -> Array:
    """`1 2 / 3 4` as a matrix."""
    return np.array([[float(one) for one in line.split()] for line in text.split("/")])


def half(estimate: Estimate) -> float:
    """Half the width of the interval."""
    low, high = estimate.interval()
    return (high - low) / 2


def test_a_paired_t_test_over_seeds() -> None:
    """It agrees with SciPy's ttest_rel, and with Hedges' correction by the gamma function."""
    found = estimate_mean(rows(".91 .94 .92 .92 .94")[0] - rows(".90 .92 .91 .89 .93")[0])
    assert found.mean / found.se == pytest.approx(4.0)
    assert found.p() == pytest.approx(0.016130, abs=1e-6)
    assert found.interval() == pytest.approx((0.004894, 0.027106), abs=1e-6)
    assert found.mean / found.sd == pytest.approx(1.788854, abs=1e-6)
    assert hedges_g(found) == pytest.approx(1.427299, abs=1e-6)


X, Y = rows(".80 .84 .82 .79 .85 .83 .81 .80 .86 .82 / .83 .85 .85 .80 .85 .86 .82 .84 .87 .84")


@pytest.mark.parametrize(
    ("n", "ratio", "margin", "expected"),
    [
        (10, 1 / 9, 0.01, (0.000421, 0.080705, 0.918875)),
        (8, 1 / 3, 0.01, (0.008265, 0.157230, 0.834504)),
    ],
)
def test_a_bayesian_correlated_t_test(n: int, ratio: float, margin: float, expected: tuple[float, ...]) -> None:
    """It agrees with baycomp; without a margin, better has the probability 1 - p/2."""
    found = estimate_mean((Y - X)[:n], split_ratio=ratio)
    assert posterior_probabilities(found, margin) == pytest.approx(expected, abs=1e-6)
    assert posterior_probabilities(found).better == pytest.approx(1 - found.p() / 2)


def test_splits_of_these_examples_and_of_new_ones() -> None:
    """The correction widens the interval."""
    plain, new = estimate_mean(Y - X), estimate_mean(Y - X, split_ratio=1 / 3)
    assert (plain.se, plain.p()) == pytest.approx((0.004069, 0.001169), abs=1e-6)
    assert (new.se, new.p()) == pytest.approx((0.008470, 0.051572), abs=1e-6)
    assert new.interval() == pytest.approx((-0.000160, 0.038160), abs=1e-6)


def test_seeds_nested_in_splits() -> None:
    """The t-test over the means of the splits."""
    means = rows(".02 .03 .01 / .00 .01 .02 / .04 .03 .05 / .01 .00 -.01").mean(axis=1)
    found = estimate_mean(means)
    assert (found.mean, found.p()) == pytest.approx((0.0175, 0.132842), abs=1e-6)
    assert found.interval() == pytest.approx((-0.009675, 0.044675), abs=1e-6)
    assert half(estimate_mean(means, split_ratio=1 / 3)) == pytest.approx(0.041511, abs=1e-6)


def test_seeds_crossed_with_splits() -> None:
    """Two-way mean squares with Satterthwaite's df; the t-test over splits would be less than half as wide."""
    values = rows(".03 .00 .02 / .05 .01 .04 / .02 -.01 .03 / .04 .02 .02")
    found = estimate_crossed(values)
    assert (found.mean, found.se, found.df) == pytest.approx((0.0225, 0.009754, 2.618), abs=1e-3)
    assert found.se == pytest.approx(0.009754, abs=1e-6) and half(found) == pytest.approx(0.033767, abs=1e-6)
    assert half(estimate_mean(values.mean(axis=1))) == pytest.approx(0.014606, abs=1e-6)
    with pytest.raises(ValueError, match="two splits and two seeds"):
        estimate_crossed(values[:1])


def test_max_t_beside_bonferroni() -> None:
    """Seven seeds, three settings, differences in examples."""
    values = rows("3 2 4 1 3 2 3 / 1 -1 2 0 1 -1 1 / -2 -1 -3 -2 0 -1 -2")
    found = max_t(values)
    assert found.single_step == [0.015625, 0.75, 0.0625] and found.step_down == [0.015625, 0.53125, 0.0625]
    estimates = [estimate_mean(row) for row in values]
    assert [one.p() for one in estimates] == pytest.approx([0.000433, 0.355918, 0.005320], abs=1e-6)
    assert [one.p(comparisons=3) for one in estimates] == pytest.approx([0.001299, 1, 0.015959], abs=2e-6)
    assert found.smallest == 2**-6


def test_max_t_is_not_misled_by_last_bits() -> None:
    """Differences of shares that tie with the observed pattern count, and Bonferroni's intervals are dual to its p."""
    values = rows(".03 .02 .04 .01 .03 .02 / .01 -.01 .02 0 .01 -.01")
    assert max_t(values).single_step == [0.03125, 0.875]
    assert [max_t(row[None]).single_step[0] for row in values] == [0.03125, 0.75]
    estimates = [estimate_mean(row) for row in values]
    assert [one.p() for one in estimates] == pytest.approx([0.002085, 0.530092], abs=1e-6)
    assert estimates[0].interval(comparisons=2) == pytest.approx((0.011455, 0.038545), abs=1e-6)
    assert estimates[1].interval(comparisons=2) == pytest.approx((-0.012307, 0.018974), abs=1e-6)


def test_new_seeds_and_new_examples() -> None:
    """Both variances add up."""
    found = estimate_new_examples(rows("1 0 0 -1 0 1 / 1 0 0 0 0 1 / 0 0 1 -1 0 1"))
    assert (found.mean, found.se**2) == pytest.approx((0.222222, 0.049383), abs=1e-6)
    assert found.df == pytest.approx(5.626, abs=1e-3) and half(found) == pytest.approx(0.552632, abs=1e-5)


def test_accuracy_on_new_examples() -> None:
    """From the matrix of what each seed has right."""
    right = np.array([[int(one) for one in line] for line in ("11101101", "11001111", "11101001")])
    assert proportion.interval_new_examples(right) == pytest.approx((0.313564, 0.928117), abs=1e-6)


@pytest.mark.parametrize(
    ("accuracies", "examples", "expected"),
    [
        ([35 / 36] * 5, 36, (0.950411, 0.984595)),
        ([1.0] * 3, 36, (0.793211, 1.0)),
        ([1, 0.975, 1, 0.975, 0.95], 40, (0.937509, 0.993790)),
    ],
)
def test_accuracy_on_these_examples(accuracies: list[float], examples: int, expected: tuple[float, float]) -> None:
    """Never outside [0, 1], never of zero width."""
    assert proportion.interval_same_examples(accuracies, examples) == pytest.approx(expected, abs=1e-6)


def test_identical_differences_are_not_certainty() -> None:
    """Their standard deviation is taken to be half an example."""
    found = estimate_mean([1 / 36] * 5, smallest_sd=0.5 / 36)
    assert (half(found), found.mean / found.se, found.p()) == pytest.approx((0.017245, 4.4721, 0.011056), abs=1e-4)


def test_planned_looks() -> None:
    """The nominal levels and constants of six looks, and an interval at the third."""
    levels = {
        1: (0.002000, 0.002361, 0.003367, 0.007416, 0.01593, 0.03853),
        2: (0.001000, 0.001146, 0.001620, 0.003589, 0.007690, 0.01857),
        4: (0.000500, 0.000558, 0.000783, 0.001744, 0.003729, 0.008991),
        9: (0.000222, 0.000241, 0.000336, 0.000753, 0.001607, 0.003869),
    }
    for comparisons, expected in levels.items():
        assert [one.p for one in sequential.planned_looks(comparisons=comparisons)] == pytest.approx(expected, rel=2e-3)
    values = rows(".02 .03 .01 .025 .03 .015 .02 .01 .03 .02")[0]
    look = sequential.planned_looks(comparisons=2)[2]
    assert look.n == 10 and look.c == pytest.approx(4.4413, abs=2e-4)
    width = look.c * values.std(ddof=1) / math.sqrt(10)
    assert (values.mean() - width, values.mean() + width) == pytest.approx((0.010121, 0.031879), abs=2e-6)


def test_looks_at_any_time() -> None:
    """Constants for one comparison; too few pairs decide nothing."""
    found = [sequential.anytime_constant(n) for n in (6, 8, 10, 14, 20, 30)]
    assert found == pytest.approx([5.450, 4.251, 3.870, 3.576, 3.425, 3.347], abs=1e-3)
    assert sequential.anytime_constant(2) == math.inf


def test_how_many_more() -> None:
    """It agrees with TTestPower of statsmodels, also for the upper bound of a pilot's standard deviation."""
    sd, bound = 0.00894427, sample_size.sd_upper_bound(0.00894427, 5)
    assert [sample_size.pairs_needed(d, sd) for d in (0.01, 0.005)] == [9, 28]
    assert bound == pytest.approx(0.0139314, abs=1e-7)
    assert [sample_size.pairs_needed(d, bound) for d in (0.01, 0.005)] == [18, 63]
    assert sample_size.paired_t_power(3, 8.5 / math.sqrt(3), 1.0) > 0.9  # SciPy's own value is NaN


def test_the_optimism_of_a_choice() -> None:
    """Three settings, four seeds; by leaving one out."""
    found = choice.optimism_leave_one_out(rows(".80 .84 .82 .86 / .83 .81 .85 .82 / .79 .88 .80 .84"))
    assert found == pytest.approx(0.023816, abs=1e-6)


def test_settings_over_datasets() -> None:
    """Friedman, all 46,656 permutations, and Wilcoxon with ties by going through all signs."""
    values = rows(".81 .83 .84/.70 .74 .73/.92 .93 .95/.65 .64 .69/.88 .90 .91/.77 .79 .78")
    found = ranks.friedman(values.tolist())
    assert found.average == pytest.approx([2.8333, 1.8333, 1.3333], abs=1e-4)
    assert (found.p, found.critical_difference) == pytest.approx((0.030197, 1.353136), abs=1e-5)
    assert ranks.friedman_permutation_p(values) == pytest.approx(0.028935, abs=1e-6)
    p = [ranks.signed_rank_p(paired_differences(values[:, b], values[:, a])) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert p == [0.09375, 0.03125, 0.375] and holm_adjust(p) == [0.1875, 0.09375, 0.375]


def test_runs_over_datasets_as_one_number() -> None:
    """It agrees with rliable, whose intervals are random, to one point."""
    x = rows(".71 .82 .90 .65 .77/.73 .80 .91 .66 .79/.70 .83 .93 .62 .80/.75 .84 .92 .67 .78")
    y = np.round(x - rows(".02 .01 0 .03 -.01/.01 -.02 .01 0 .02/0 .02 .03 .01 0/.02 .01 -.01 .02 .01"), 2)
    assert [aggregate.interquartile_mean(one) for one in (x, y)] == pytest.approx([0.778, 0.771], abs=5e-4)
    assert aggregate.stratified_bootstrap(aggregate.interquartile_mean, x) == pytest.approx((0.768, 0.787), abs=2e-3)
    assert aggregate.probability_of_improvement(x, y) == pytest.approx(0.66875)
    found = aggregate.stratified_bootstrap(aggregate.probability_of_improvement, x, y)
    assert found == pytest.approx((0.49, 0.83), abs=0.02)


def test_p_and_interval_are_two_views_of_one_procedure() -> None:
    """An interval excludes 0 exactly where p is below .05, whatever the number of comparisons."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        found = estimate_mean(rng.normal(rng.normal(0, 1), 1, rng.integers(3, 12)).tolist())
        m = int(rng.integers(1, 10))
        low, high = found.interval(comparisons=m)
        assert (low > 0 or high < 0) == (found.p(comparisons=m) < 0.05)
