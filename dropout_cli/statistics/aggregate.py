"""Aggregates over several datasets: interquartile mean and probability of improvement.

Intervals are percentiles of a bootstrap that resamples runs within each dataset (Agarwal et al. 2021,
arXiv:2108.13264). With fewer than five runs they cover less than their nominal level.
"""

from collections.abc import Callable

import numpy as np

from dropout_cli.core.rng import Generator, stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.intervals import CONFIDENCE, Interval

RESAMPLES = 2_000


def interquartile_mean(scores: Array) -> float:
    """Return the mean of the middle half of all scores.

    Args:
        scores: (runs, datasets).
    """
    from scipy import stats

    return float(stats.trim_mean(scores, 0.25, axis=None))


def probability_of_improvement(scores: Array, others: Array) -> float:
    """Return how often a run of one setting beats a run of the other on the same dataset.

    A tie counts half.

    Args:
        scores: (runs, datasets) of the first setting; larger is better.
        others: (runs, datasets) of the second setting.
    """
    above = (scores[:, None] > others[None]).mean(axis=(0, 1))
    tied = (scores[:, None] == others[None]).mean(axis=(0, 1))
    return float(np.mean(above + 0.5 * tied))


def stratified_bootstrap(statistic: Callable[..., float], *samples: Array, confidence: float = CONFIDENCE) -> Interval:
    """Return the percentile interval of a statistic; runs are resampled within each dataset.

    Args:
        statistic: Takes as many arrays as there are samples.
        samples: (runs, datasets) each.
        confidence: Level of the interval.
    """
    rng = stream(0, "statistics:aggregate")
    values = [statistic(*(_resampled(sample, rng) for sample in samples)) for _ in range(RESAMPLES)]
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def _resampled(scores: Array, rng: Generator) -> Array:
    rows = rng.integers(0, len(scores), scores.shape)
    return np.take_along_axis(scores, rows, axis=0)
