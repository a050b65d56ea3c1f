"""Paired comparison of two settings at equal seeds.

The two runs of a pair differ only in the setting.

The default test flips signs. If the setting made no difference, each difference could as well have had the other sign,
so the p-value is the share of all 2^n sign patterns whose mean is as far from 0 as the observed one (Fisher 1935;
Pitman 1937). With n pairs that are not tied, no p-value can be below 2^(1 - n).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.comparison_rules import RULES_LATEST, RULES_V1
from dropout_cli.statistics.differences import paired_differences
from dropout_cli.statistics.intervals import Interval, mean_and_sd, t_interval, wilson_interval

EXACT_PAIRS = 16  # 65,536 sign patterns; with more pairs, `SAMPLES` of them are drawn
SAMPLES = 99_999
EXACT_RANKS = 50  # untied pairs up to which Wilcoxon's test counts every sign pattern
# Sums of signed differences count as equal if they are closer than this times the smallest difference that is not 0.
TIE = 1e-7


class TestResult(NamedTuple):
    """A two-sided p-value with its lower bound."""

    p: float
    smallest: float
    """The smallest p that this number of untied pairs can give; NaN if the test has no such bound."""


Test: TypeAlias = Callable[[Array], TestResult]


class PairedComparison(NamedTuple):
    """Comparison of one setting with a baseline."""

    n: int
    """Number of pairs."""
    mean: float
    """Mean of the differences, setting minus baseline."""
    sd: float
    """Standard deviation of the differences."""
    interval: Interval
    """95 % t interval of the mean difference."""
    effect: float
    """Cohen's d_z: mean / sd; NaN if all differences are equal."""
    test: TestResult
    won: int
    """Number of pairs in which the setting is better."""
    tied: int
    """Number of pairs without a difference."""
    won_interval: Interval
    """Wilson's interval of the share of untied pairs that were won; NaN if all are tied."""


def compare_paired(
    values: Sequence[float],
    baseline: Sequence[float],
    *,
    test: str = "sign_flip",
    split_ratio: float = 0.0,
    larger_is_better: bool = True,
    rules: int = RULES_LATEST,
) -> PairedComparison:
    """Compare values with those of the baseline, pair by pair.

    Args:
        values: (n,) of the setting, n >= 1.
        baseline: (n,) of the baseline.
        test: One of `TESTS`.
        split_ratio: See `t_interval`.
        larger_is_better: Direction of the values.
        rules: See `statistics.rules`.

    Raises:
        ValueError: the lengths differ.
    """
    if np.shape(values) != np.shape(baseline):
        raise ValueError(f"{len(values)} values cannot be paired with {len(baseline)}")
    if rules == RULES_V1:
        gaps: Array = np.subtract(values, baseline, dtype=np.float64)
        gaps[np.abs(gaps) < 1e-12 * np.max(np.abs(baseline), initial=1e-300)] = 0
    else:
        gaps = paired_differences(values, baseline)
    tests = FIRST_TESTS if rules == RULES_V1 else TESTS
    n, above, below = len(gaps), int(np.sum(gaps > 0)), int(np.sum(gaps < 0))
    won, lost = (above, below) if larger_is_better else (below, above)
    mean, sd = mean_and_sd(gaps.tolist(), rules=rules)
    return PairedComparison(
        n=n,
        mean=mean,
        sd=sd,
        interval=t_interval(gaps.tolist(), split_ratio=split_ratio, rules=rules),
        effect=mean / sd if sd > 0 else math.nan,
        test=tests[test](gaps) if n > 1 else TestResult(math.nan, math.nan),
        won=won,
        tied=n - won - lost,
        won_interval=wilson_interval(won, won + lost) if won + lost else Interval(math.nan, math.nan),
    )


def smallest_p(untied: int, pairs: int) -> float:
    """Return the smallest p that flipping signs can give.

    Args:
        untied: Number of pairs that differ.
        pairs: Number of all pairs.
    """
    counted = min(1.0, 2.0 ** (1 - untied))
    return counted if pairs <= EXACT_PAIRS else max(counted, 1 / (SAMPLES + 1))


def sign_flip(differences: Array) -> TestResult:
    """Test that the differences are distributed symmetrically around 0, by flipping signs.

    A pattern whose sum equals the observed one up to rounding counts as a tie.

    Args:
        differences: (n,), free of rounding noise; see `statistics.differences`.
    """
    observed = abs(float(np.sum(differences)))
    near = TIE * float(np.min(np.abs(differences), where=differences != 0, initial=np.inf))

    def size(flipped: Array, axis: int) -> Array:
        sums = np.abs(np.sum(flipped, axis=axis))
        return np.where(np.abs(sums - observed) <= near, observed, sums)

    return _flipped(differences, size)


def first_sign_flip(differences: Array) -> TestResult:
    """Test as `sign_flip` by the first rules, where rounding may break ties between sums.

    Args:
        differences: (n,).
    """
    return _flipped(differences, lambda flipped, axis: np.abs(np.mean(flipped, axis=axis)))


def _flipped(differences: Array, size: Callable[[Array, int], Array]) -> TestResult:
    """Return the share of sign patterns whose size is at least the observed one."""
    from scipy import stats

    smallest = smallest_p(int(np.count_nonzero(differences)), len(differences))
    if not np.any(differences):
        return TestResult(1.0, smallest)
    # One-sided in the size is two-sided in the sum, whose distribution is symmetric.
    result = stats.permutation_test(
        (differences,),
        size,
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=np.inf if len(differences) <= EXACT_PAIRS else SAMPLES,
        batch=1 << 14,
        rng=stream(0, "statistics:sign_flip"),
    )
    return TestResult(float(result.pvalue), smallest)


def t_test(differences: Array) -> TestResult:
    """Test that the mean difference is 0 by Student's paired t-test.

    Args:
        differences: (n,), assumed to be normal.
    """
    from scipy import stats

    if np.all(differences == differences[0]):
        return TestResult(1.0 if differences[0] == 0 else 0.0, math.nan)
    return TestResult(float(stats.ttest_1samp(differences, 0).pvalue), math.nan)


def wilcoxon(differences: Array) -> TestResult:
    """Test by Wilcoxon's signed ranks, without ties (Wilcoxon 1945, doi:10.2307/3001968).

    The p-value is exact for up to `EXACT_RANKS` pairs, also if sizes share a rank; with more pairs it is a normal
    approximation.

    Args:
        differences: (n,), free of rounding noise.
    """
    from scipy import stats

    # With shared ranks SciPy would use the normal approximation: 14 equal differences had p .000183, exactly .000122.
    untied: Array = differences[differences != 0]
    if len(untied) == 0:
        return TestResult(1.0, 1.0)
    p = _exact_ranks(untied) if len(untied) <= EXACT_RANKS else float(stats.wilcoxon(untied).pvalue)
    return TestResult(p, 2.0 ** (1 - len(untied)))


def _exact_ranks(differences: Array) -> float:
    """Return the share of sign patterns whose rank sum is at least as extreme as observed."""
    from scipy import stats

    ranks = np.rint(2 * stats.rankdata(np.abs(differences))).astype(int)  # doubled, since shared ranks end in .5
    total = int(ranks.sum())
    counts = np.zeros(total + 1)  # number of patterns per sum of positive ranks; integers, exact below 2^53
    counts[0] = 1
    for rank in ranks:
        counts[rank:] += counts[:-rank].copy()
    far = np.abs(2 * np.arange(total + 1) - total) >= abs(2 * int(ranks[differences > 0].sum()) - total)
    return float(counts[far].sum() / 2.0 ** len(ranks))


TESTS: Mapping[str, Test] = {"sign_flip": sign_flip, "t": t_test, "wilcoxon": wilcoxon}
FIRST_TESTS: Mapping[str, Test] = {**TESTS, "sign_flip": first_sign_flip}
