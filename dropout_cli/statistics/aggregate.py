"""Runs on several datasets as one number: interquartile mean and probability of improvement.

Intervals are percentiles of a bootstrap that draws runs within each dataset (Agarwal et al. 2021, arXiv:2108.13264).
They cover less than they say with fewer than five runs.
"""

from collections.abc import Callable

import numpy as np

from dropout_cli.core.rng import Generator, stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.intervals import CONFIDENCE, Interval

RESAMPLES = 2_000


def interquartile_mean(scores: Array) -> float:
    """Return the mean of the middle half of all scores (runs, datasets)."""
    from scipy import stats

    return float(stats.trim_mean(scores, 0.25, axis=None))


def probability_of_improvement(scores: Array, others: Array) -> float:
    """Return how often a run of the first beats one of the second on the same dataset, ties half; (runs, datasets)."""
    above = (scores[:, None] > others[None]).mean(axis=(0, 1))
    tied = (scores[:, None] == others[None]).mean(axis=(0, 1))
    return float(np.mean(above + 0.5 * tied))


def bootstrap(statistic: Callable[..., float], *samples: Array, confidence: float = CONFIDENCE) -> Interval:
    """Return the percentile interval of a statistic of samples (runs, datasets), runs drawn within each dataset."""
    rng = stream(0, "statistics:aggregate")
    values = [statistic(*(_resampled(one, rng) for one in samples)) for _ in range(RESAMPLES)]
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def _resampled(scores: Array, rng: Generator) -> Array:
    rows = rng.integers(0, len(scores), scores.shape)
    return np.take_along_axis(scores, rows, axis=0)
