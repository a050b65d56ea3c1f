"""Bootstrap intervals of calibration error, log-likelihood and Brier score.

Percentiles of a resampled ECE do not cover its true value: a resample adds the bias of the sample a second time. The
basic bootstrap around the debiased square D2 avoids this. With P2 the squared ECE of the sample, which is the true
value for a resample, and D2* the debiased squares of resamples, the 95 % interval of the true square is

    [D2 - (q.975(D2*) - P2), D2 - (q.025(D2*) - P2)]

with negative ends set to 0. Intervals of mean NLL and Brier score are plain percentiles.
"""

from typing import NamedTuple

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.metrics.calibration.bins import bin_means
from dropout_cli.metrics.calibration.ece import debiased_squared_ece, root_of_square, squared_ece
from dropout_cli.statistics import Interval
from dropout_cli.statistics.intervals import CONFIDENCE, NO_INTERVAL

RESAMPLES = 1_000


class CalibrationIntervals(NamedTuple):
    """95 % intervals; NaN where there are too few examples."""

    debiased_ece: Interval
    """Of the root of the debiased squared ECE."""
    means: tuple[Interval, ...]
    """Of the mean of each number."""


def bootstrap_intervals(
    confidence: Array, right: Array, bins: Array, *numbers: Array, resamples: int = RESAMPLES
) -> CalibrationIntervals:
    """Return intervals from resampled examples.

    Args:
        confidence: (N,) probabilities of the predicted classes.
        right: (N,) bool: True for examples that are right.
        bins: (N,) the bin of each example.
        numbers: (N,) each: a number per example, such as its loss.
        resamples: Number of resamples.
    """
    n = len(confidence)
    found = bin_means(confidence, right, bins)
    debiased, plug_in = debiased_squared_ece(found), squared_ece(found)
    if np.isnan(debiased):
        return CalibrationIntervals(NO_INTERVAL, (NO_INTERVAL,) * len(numbers))
    order = np.argsort(bins, kind="stable")  # sums over a bin are then sums over a slice
    starts = np.concatenate([[0], np.cumsum(found.examples)[:-1]])
    summed = [np.ones(n), confidence[order], right[order].astype(np.float64)]
    weighed = np.stack([number[order] for number in numbers]) if numbers else np.empty((0, n))
    rng = stream(0, "calibration:bootstrap")
    squares, means = np.empty(resamples), np.empty((len(numbers), resamples))
    for place in range(resamples):
        times = np.bincount(rng.integers(0, n, n), minlength=n)
        squares[place] = _debiased(*(np.add.reduceat(times * values, starts) for values in summed))
        means[:, place] = weighed @ times / n
    tails = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
    low, high = np.quantile(squares, tails) - plug_in
    ends = [root_of_square(float(debiased - distance)) for distance in (high, low)]
    return CalibrationIntervals(
        Interval(*ends), tuple(Interval(*np.quantile(values, tails).tolist()) for values in means)
    )


def _debiased(examples: Array, confidence: Array, right: Array) -> float:
    """Return the debiased square of a resample from the sums over its bins; bins may be empty."""
    filled = np.maximum(examples, 1)
    accuracy = right / filled
    by_chance = accuracy * (1 - accuracy) / np.maximum(examples - 1, 1)
    gaps = accuracy - confidence / filled
    return float(np.sum(examples * (gaps**2 - by_chance)) / examples.sum())
