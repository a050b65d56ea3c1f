"""Settings on several datasets: their ranks on each, averaged (Demsar 2006, JMLR 7:1-30)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.statistics.differences import merged


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
    scores = np.stack([merged(row, np.abs(row)) for row in scores])  # equal means are tied, whatever their last bits
    ranks = stats.rankdata(-scores if larger_is_better else scores, axis=1)
    p = float(stats.friedmanchisquare(*ranks.T).pvalue) if settings > 2 else math.nan
    q = float(stats.studentized_range.ppf(1 - alpha, settings, np.inf)) / math.sqrt(2)
    critical = q * math.sqrt(settings * (settings + 1) / (6 * datasets))
    return Ranks(ranks.mean(axis=0).tolist(), p, critical)
