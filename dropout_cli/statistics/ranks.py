"""Average ranks of settings over several datasets (Demsar 2006, JMLR 7:1-30)."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.differences import merge_rounding

MAX_LISTED_SETTINGS = 6  # settings whose orders are listed, 720 of them
MAX_ARRANGEMENTS = 100_000
SAMPLES = 99_999
MAX_SIGNS = 20
DECIMALS = 9  # sums of ranks are rounded before they are compared, so that ties count as ties


class Ranks(NamedTuple):
    """Result of Friedman's test over datasets, with Nemenyi's critical difference."""

    average: list[float]
    """Average rank of each setting; 1 is best on every dataset."""
    p: float
    """p-value of Friedman's test that all settings rank alike; NaN with fewer than three settings."""
    critical_difference: float
    """Average ranks closer than this do not differ significantly, at level .05."""


def friedman(values: Sequence[Sequence[float]], *, larger_is_better: bool = True, alpha: float = 0.05) -> Ranks:
    """Rank settings on each dataset and test whether their average ranks differ.

    The critical difference is q * sqrt(k (k + 1) / (6 N)) for k settings on N datasets, with q the studentized range's
    quantile for k groups over sqrt(2).

    Args:
        values: (datasets, settings), at least two of each.
        larger_is_better: Direction of the values.
        alpha: Level of the critical difference.

    Raises:
        ValueError: fewer than two datasets or settings.
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
    """Return ranks (datasets, settings), 1 the best; values equal up to rounding tie."""
    from scipy import stats

    equal = np.stack([merge_rounding(row, np.abs(row)) for row in scores])
    return np.asarray(stats.rankdata(-equal if larger_is_better else equal, axis=1))


def friedman_permutation_p(values: Array) -> float:
    """Return the p-value of Friedman's test by permuting the settings within each dataset.

    With few datasets the chi-squared distribution gives too large p-values, and Iman and Davenport's F too small ones.
    All arrangements are listed if there are at most 100,000; else 99,999 are drawn.

    Args:
        values: (datasets, settings), larger is better.
    """
    ranks = _ranked(values)
    datasets, settings = ranks.shape
    orders = np.array(list(itertools.permutations(range(settings)))) if settings <= MAX_LISTED_SETTINGS else None
    # Friedman's statistic grows with the sum of squared rank sums, which is all that permuting changes.
    observed = round(float((ranks.sum(axis=0) ** 2).sum()), DECIMALS)
    if orders is not None and len(orders) ** datasets <= MAX_ARRANGEMENTS:
        sums = np.zeros((1, settings))
        for row in ranks:
            sums = (sums[:, None] + row[orders][None]).reshape(-1, settings)
        return float(np.mean(np.round((sums**2).sum(axis=1), DECIMALS) >= observed))
    rng, at_least = stream(0, "statistics:ranks"), 0
    for _ in range(SAMPLES):
        drawn = rng.permuted(ranks, axis=1).sum(axis=0)
        at_least += round(float((drawn**2).sum()), DECIMALS) >= observed
    return (1 + at_least) / (1 + SAMPLES)  # the observed arrangement counts as one, so that p is never 0


def signed_rank_p(differences: Array) -> float:
    """Return Wilcoxon's exact two-sided p-value by listing all sign patterns.

    It is exact also if absolute differences tie.

    Args:
        differences: (n,), free of rounding noise (see `statistics.differences`); at most 20 that are not 0.

    Raises:
        ValueError: more than 20 differences.
    """
    from scipy import stats

    untied = differences[differences != 0]
    n = len(untied)
    if n == 0:
        return 1.0
    if n > MAX_SIGNS:
        raise ValueError(f"allows at most {MAX_SIGNS} differences, got {n}")
    ranks = stats.rankdata(np.abs(untied))
    patterns = np.arange(2**n)[:, None] >> np.arange(n) & 1
    sums = patterns @ ranks
    middle = ranks.sum() / 2
    observed = abs(float(ranks[untied > 0].sum()) - middle)
    return float(np.mean(np.abs(sums - middle) >= observed - 10**-DECIMALS))
