"""Two settings at equal seeds: what differs between the two runs of a pair is the setting alone.

The test that is used unless another is asked for flips signs: if a setting made no difference, each difference could
as well have had the other sign, so that the p-value is the share of all 2^n sign patterns whose mean lies as far
from 0 as the observed one (Fisher 1935; Pitman 1937). With n pairs that are not tied, no p-value can be below
2^(1 - n).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.differences import differences as paired_differences
from dropout_cli.statistics.intervals import Interval, moments, t_interval, wilson
from dropout_cli.statistics.rules import FIRST, LATEST

EXACT_PAIRS = 16
"""Up to so many pairs every sign pattern is gone through, 65,536 of them; beyond, `DRAWN` are drawn."""
DRAWN = 99_999
EXACT_RANKS = 50
"""Up to so many pairs that are not tied, Wilcoxon's test counts every sign pattern."""
TIE = 1e-7
"""Sums of signed differences closer than this, times the smallest difference that is not 0, are the same sum."""


class Result(NamedTuple):
    """A two-sided p-value, and the smallest that so many pairs can give."""

    p: float
    smallest: float
    """Ties left out, since they have no sign; NaN where there is no such bound."""


Test: TypeAlias = Callable[[Array], Result]


class Paired(NamedTuple):
    """One setting against another."""

    n: int
    """Pairs."""
    mean: float
    """Of the differences, setting minus baseline."""
    sd: float
    interval: Interval
    """95 % t interval of the mean difference."""
    effect: float
    """Cohen's d_z: mean / sd; NaN where all differences are the same."""
    test: Result
    won: int
    """Pairs in which the setting is better."""
    tied: int
    won_interval: Interval
    """Wilson's interval of the share won, ties left out; NaN where all are ties."""


def compare(
    values: Sequence[float],
    baseline: Sequence[float],
    *,
    test: str = "sign_flip",
    split_ratio: float = 0.0,
    larger_is_better: bool = True,
    rules: int = LATEST,
) -> Paired:
    """Compare values with those of the baseline, pair by pair; both (n,), n >= 1.

    `test` is one of `TESTS`; for `split_ratio`, see `t_interval`; for `rules`, see `statistics.rules`. Raises
    ValueError where the lengths differ.
    """
    if np.shape(values) != np.shape(baseline):
        raise ValueError(f"{len(values)} values do not pair with {len(baseline)}")
    if rules == FIRST:
        found: Array = np.subtract(values, baseline, dtype=np.float64)
        found[np.abs(found) < 1e-12 * np.max(np.abs(baseline), initial=1e-300)] = 0
    else:
        found = paired_differences(values, baseline)
    tests = FIRST_TESTS if rules == FIRST else TESTS
    n, above, below = len(found), int(np.sum(found > 0)), int(np.sum(found < 0))
    won, lost = (above, below) if larger_is_better else (below, above)
    mean, sd = moments(found.tolist(), rules=rules)
    return Paired(
        n=n,
        mean=mean,
        sd=sd,
        interval=t_interval(found.tolist(), split_ratio=split_ratio, rules=rules),
        effect=mean / sd if sd > 0 else math.nan,
        test=tests[test](found) if n > 1 else Result(math.nan, math.nan),
        won=won,
        tied=n - won - lost,
        won_interval=wilson(won, won + lost) if won + lost else Interval(math.nan, math.nan),
    )


def smallest_p(untied: int, pairs: int) -> float:
    """The smallest p that flipping the signs of so many pairs can give, `untied` of them with a sign to flip."""
    counted = min(1.0, 2.0 ** (1 - untied))
    return counted if pairs <= EXACT_PAIRS else max(counted, 1 / (DRAWN + 1))


def sign_flip(differences: Array) -> Result:
    """Test that the differences (n,) are distributed symmetrically around 0, by flipping signs.

    A pattern ties with the observed one where their sums differ by rounding alone, and counts.
    """
    observed = abs(float(np.sum(differences)))
    near = TIE * float(np.min(np.abs(differences), where=differences != 0, initial=np.inf))

    def size(flipped: Array, axis: int) -> Array:
        sums = np.abs(np.sum(flipped, axis=axis))
        return np.where(np.abs(sums - observed) <= near, observed, sums)

    return _flipped(differences, size)


def first_sign_flip(differences: Array) -> Result:
    """Do the same by the first rules: sums that tie may differ by rounding, and then do not count as ties."""
    return _flipped(differences, lambda flipped, axis: np.abs(np.mean(flipped, axis=axis)))


def _flipped(differences: Array, size: Callable[[Array, int], Array]) -> Result:
    """Return the share of sign patterns whose size is at least the observed one."""
    from scipy import stats

    smallest = smallest_p(int(np.count_nonzero(differences)), len(differences))
    if not np.any(differences):
        return Result(1.0, smallest)
    # Two-sided through the size: both tails of the symmetric distribution at once.
    found = stats.permutation_test(
        (differences,),
        size,
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=np.inf if len(differences) <= EXACT_PAIRS else DRAWN,
        batch=1 << 14,
        rng=stream(0, "statistics:sign_flip"),
    )
    return Result(float(found.pvalue), smallest)


def t_test(differences: Array) -> Result:
    """Student's paired t-test: that the mean difference is 0, differences being normal."""
    from scipy import stats

    if np.all(differences == differences[0]):
        return Result(1.0 if differences[0] == 0 else 0.0, math.nan)
    return Result(float(stats.ttest_1samp(differences, 0).pvalue), math.nan)


def wilcoxon(differences: Array) -> Result:
    """Wilcoxon's signed-rank test, ties left out (Wilcoxon 1945, doi:10.2307/3001968).

    Exact for up to `EXACT_RANKS` pairs, also where sizes are equal and share a rank; the normal approximation beyond.
    """
    from scipy import stats

    left: Array = differences[differences != 0]
    if len(left) == 0:
        return Result(1.0, 1.0)
    p = _exact_ranks(left) if len(left) <= EXACT_RANKS else float(stats.wilcoxon(left).pvalue)
    return Result(p, 2.0 ** (1 - len(left)))


def _exact_ranks(differences: Array) -> float:
    """The share of sign patterns whose rank sum is as far from its mean as the observed one."""
    from scipy import stats

    ranks = np.rint(2 * stats.rankdata(np.abs(differences))).astype(int)  # doubled: ranks that are shared end in .5
    total = int(ranks.sum())
    counts = np.zeros(total + 1)  # patterns by the rank sum of the positive ones: whole numbers, exact below 2^53
    counts[0] = 1
    for rank in ranks:
        counts[rank:] += counts[:-rank].copy()
    far = np.abs(2 * np.arange(total + 1) - total) >= abs(2 * int(ranks[differences > 0].sum()) - total)
    return float(counts[far].sum() / 2.0 ** len(ranks))


TESTS: Mapping[str, Test] = {"sign_flip": sign_flip, "t": t_test, "wilcoxon": wilcoxon}
FIRST_TESTS: Mapping[str, Test] = {**TESTS, "sign_flip": first_sign_flip}
