"""Settings on several datasets: their ranks on each, averaged (Demsar 2006, JMLR 7:1-30)."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.differences import merged

MOST_ORDERED = 6
"""Settings whose orders are listed one by one."""
MOST_ARRANGEMENTS = 100_000
DRAWN = 99_999
MOST_SIGNS = 20
DECIMALS = 9
"""Sums of ranks are rounded before they are compared: ties must count as ties."""


class Ranks(NamedTuple):
    """Friedman's test over datasets, and Nemenyi's critical difference between two average ranks."""

    average: list[float]
    """Of each setting; 1 is best on every dataset."""
    p: float
    """Friedman's test that all settings rank alike; NaN with fewer than three settings."""
    critical_difference: float
    """Average ranks closer than this have no difference shown, at .05."""


def friedman(values: Sequence[Sequence[float]], *, larger_is_better: bool = True, alpha: float = 0.05) -> Ranks:
    """Rank settings on each dataset; `values` (datasets, settings), at least two of each.

    The critical difference is q * sqrt(k (k + 1) / (6 N)) for k settings on N datasets, with q the studentized
    range's quantile for k groups over sqrt(2). Raises ValueError for fewer than two of either.
    """
    from scipy import stats

    scores: Array = np.asarray(values, np.float64)
    datasets, settings = scores.shape
    if datasets < 2 or settings < 2:
        raise ValueError(f"needs two datasets and two settings, got {datasets} and {settings}")
    ranks = _ranked(scores, larger_is_better)
    p = float(stats.friedmanchisquare(*ranks.T).pvalue) if settings > 2 else math.nan
    q = float(stats.studentized_range.ppf(1 - alpha, settings, np.inf)) / math.sqrt(2)
    critical = q * math.sqrt(settings * (settings + 1) / (6 * datasets))
    return Ranks(ranks.mean(axis=0).tolist(), p, critical)


def _ranked(scores: Array, larger_is_better: bool = True) -> Array:
    """Return the ranks (datasets, settings) on each dataset, 1 the best; equal means tie, whatever their last bits."""
    from scipy import stats

    equal = np.stack([merged(row, np.abs(row)) for row in scores])
    return np.asarray(stats.rankdata(-equal if larger_is_better else equal, axis=1))


def iman_davenport(values: Array) -> tuple[float, float]:
    """Return Iman and Davenport's F of Friedman's chi-squared, and its p; `values` (datasets, settings)."""
    from scipy import stats

    datasets, settings = values.shape
    chi = float(stats.friedmanchisquare(*_ranked(values).T).statistic)
    bottom = datasets * (settings - 1) - chi
    if bottom <= 0:
        return math.inf, 0.0
    f = (datasets - 1) * chi / bottom
    return f, float(stats.f.sf(f, settings - 1, (settings - 1) * (datasets - 1)))


def permuted(values: Array) -> float:
    """Return Friedman's p by permuting the settings within each dataset; `values` (datasets, settings).

    With few datasets the chi-squared distribution says too little and Iman and Davenport's F too much. Up to 100,000
    arrangements are gone through, more are drawn: 99,999.
    """
    ranks = _ranked(values)
    datasets, settings = ranks.shape
    orders = np.array(list(itertools.permutations(range(settings)))) if settings <= MOST_ORDERED else None
    observed = round(float((ranks.sum(axis=0) ** 2).sum()), DECIMALS)
    if orders is not None and len(orders) ** datasets <= MOST_ARRANGEMENTS:
        sums = np.zeros((1, settings))
        for row in ranks:
            sums = (sums[:, None] + row[orders][None]).reshape(-1, settings)
        return float(np.mean(np.round((sums**2).sum(axis=1), DECIMALS) >= observed))
    rng, least = stream(0, "statistics:ranks"), 0
    for _ in range(DRAWN):
        drawn = rng.permuted(ranks, axis=1).sum(axis=0)
        least += round(float((drawn**2).sum()), DECIMALS) >= observed
    return (1 + least) / (1 + DRAWN)


def signed_rank(differences: Array) -> float:
    """Return Wilcoxon's exact two-sided p, ties of absolute differences included, by going through all signs.

    `differences` (n,), free of rounding (see `statistics.differences`), are taken without those that are 0, at most 20
    of them.
    """
    from scipy import stats

    left = differences[differences != 0]
    n = len(left)
    if n == 0:
        return 1.0
    if n > MOST_SIGNS:
        raise ValueError(f"{n} differences, and {MOST_SIGNS} are the most")
    ranks = stats.rankdata(np.abs(left))
    patterns = np.arange(2**n)[:, None] >> np.arange(n) & 1
    sums = patterns @ ranks
    middle = ranks.sum() / 2
    observed = abs(float(ranks[left > 0].sum()) - middle)
    return float(np.mean(np.abs(sums - middle) >= observed - 10**-DECIMALS))
