"""Intervals of a share: Wilson's ends, never outside [0, 1], and the variances of seeds and of examples."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from dropout_cli import statistics
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics import Interval
from dropout_cli.statistics.proportion import (
    interval_new_examples,
    interval_same_examples,
    share_interval,
    wilson_from_effective,
)
from dropout_cli.statistics.t_test import Estimate, estimate_mean


def answers(seed: int, seeds: int, examples: int, *, of_seeds: float = 0.3, of_examples: float = 0.3) -> Array:
    """Return bools (seeds, examples) that depend on effects of runs, of examples and of chance."""
    rng = stream(seed, "test")
    score = 0.3 + of_seeds * rng.normal(size=(seeds, 1)) + of_examples * rng.normal(size=(1, examples))
    return np.asarray(score + rng.normal(size=(seeds, examples)) > 0)


def by_sums(right: Array) -> tuple[float, float, float]:
    """The share, its variance for new seeds and new examples, and Satterthwaite's df, by a plain two-way table."""
    table = right.astype(float).tolist()
    n, m = len(table), len(table[0])
    whole = sum(map(sum, table)) / (n * m)
    runs = [sum(row) / m for row in table]
    columns = [sum(row[i] for row in table) / n for i in range(m)]
    rest = sum((table[s][i] - runs[s] - columns[i] + whole) ** 2 for s, i in itertools.product(range(n), range(m)))
    a = m * sum((one - whole) ** 2 for one in runs) / (n - 1)
    b = n * sum((one - whole) ** 2 for one in columns) / (m - 1)
    c = rest / ((n - 1) * (m - 1))
    square = max(a + b - c, a, b)
    df = square**2 / (a**2 / (n - 1) + b**2 / (m - 1) + c**2 / ((n - 1) * (m - 1)))
    return whole, square / (n * m), df


def test_the_interval_of_a_counted_share_is_wilsons() -> None:
    """The number of independent examples is that of the test part; for a share of .5 the center is .5."""
    z = float(stats.norm.ppf(0.975))
    for successes, trials in ((7, 10), (0, 12), (12, 12), (599, 600)):
        assert wilson_from_effective(successes / trials, trials, z) == pytest.approx(
            statistics.wilson_interval(successes, trials)
        )
    assert sum(wilson_from_effective(0.5, 9, z)) == pytest.approx(1)


def test_no_end_lies_outside_0_and_1() -> None:
    """With all right and all wrong, the ends of the formula are 1 and 0 except for rounding."""
    for examples, z in itertools.product(range(1, 400), (1.0, 1.96, 2.776)):
        low, high = wilson_from_effective(1.0, examples, z)
        assert 0 <= low < high <= 1
        low, high = wilson_from_effective(0.0, examples, z)
        assert 0 <= low < high <= 1


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_runs_without_a_standard_error_count_as_one_long_run(confidence: float) -> None:
    """The interval is Wilson's for all test examples of all runs."""
    found = share_interval(Estimate(0.75, 0.0, 4, 0.0, 5), 100, confidence=confidence)
    assert found == pytest.approx(statistics.wilson_interval(75, 100, confidence=confidence))


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_an_estimate_counts_as_the_examples_that_are_as_certain(confidence: float) -> None:
    """So many that sqrt(p (1 - p) / n) is the standard error, p drawn half an example towards one half."""
    accuracies = [0.9, 0.92, 0.95, 0.88]
    estimate = estimate_mean(accuracies)
    p = (200 * np.mean(accuracies) + 0.5) / 201
    t = float(stats.t.ppf((1 + confidence) / 2, 3))
    expected = wilson_from_effective(float(np.mean(accuracies)), float(p * (1 - p)) / estimate.se**2, t)
    assert share_interval(estimate, 200, confidence=confidence) == pytest.approx(expected)
    assert interval_same_examples(accuracies, 50, confidence=confidence) == pytest.approx(expected)
    assert interval_same_examples(accuracies, 50) == interval_same_examples(accuracies, 50, confidence=0.95)


def test_equal_accuracies_differ_by_half_an_example_at_least() -> None:
    """Their deviation is taken to be .5 / N, so that the interval of equal runs is not that of certainty."""
    floored = estimate_mean([0.75] * 3, smallest_sd=0.5 / 40)
    assert interval_same_examples([0.75] * 3, 40) == share_interval(floored, 120)


def test_one_run_has_no_interval() -> None:
    """One run has no information about new seeds."""
    assert all(math.isnan(end) for end in interval_same_examples([0.75], 40))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("seeds", "examples"), [(2, 9), (3, 40), (8, 25)])
def test_new_examples_add_the_variances_of_seeds_and_of_examples(seed: int, seeds: int, examples: int) -> None:
    """Mean squares of a two-way table, Satterthwaite's df; never surer than independent examples of one run."""
    right = answers(seed, seeds, examples)
    p, variance, df = by_sums(right)
    for confidence in (0.5, 0.95):
        t = float(stats.t.ppf((1 + confidence) / 2, df))
        expected = wilson_from_effective(p, min(examples, p * (1 - p) / variance), t)
        assert interval_new_examples(right, confidence=confidence) == pytest.approx(expected)
    assert interval_new_examples(right) == interval_new_examples(right, confidence=0.95)


def test_runs_that_differ_widely_are_not_taken_as_their_examples() -> None:
    """Seeds that are right everywhere or nowhere: the interval holds nearly every share."""
    right = np.array([[True] * 30, [False] * 30, [True] * 30])
    p, variance, df = by_sums(right)
    assert p * (1 - p) / variance < 30
    assert interval_new_examples(right) == pytest.approx(
        wilson_from_effective(p, p * (1 - p) / variance, stats.t.ppf(0.975, df))
    )
    low, high = interval_new_examples(right)
    assert low < 0.1 and high > 0.95


@pytest.mark.parametrize("right", [True, False])
def test_runs_that_are_all_right_or_all_wrong_say_as_much_as_one(right: bool) -> None:
    """Nothing varies: Wilson's form of the examples of one run, with Student's quantile."""
    t = {confidence: float(stats.t.ppf((1 + confidence) / 2, 19)) for confidence in (0.5, 0.95)}
    for confidence, quantile in t.items():
        found = interval_new_examples(np.full((3, 20), right), confidence=confidence)
        assert found == wilson_from_effective(float(right), 20, quantile)
        assert isinstance(found, Interval)
