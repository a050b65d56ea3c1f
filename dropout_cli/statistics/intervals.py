"""Intervals for a mean and for a share."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dropout_cli.statistics.rules import FIRST, LATEST

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """The ends of an interval; NaN where too few values were given for one."""

    low: float
    high: float


NO_INTERVAL = Interval(math.nan, math.nan)
"""Where there is none."""


def moments(values: Sequence[float], *, rules: int = LATEST) -> tuple[float, float]:
    """Return mean and standard deviation of n >= 1 values, the latter NaN for n = 1.

    Of equal values the mean is that value and the deviation exactly 0; by the first rules, what summing leaves.
    """
    if rules > FIRST and all(one == values[0] for one in values):
        return float(values[0]), 0.0 if len(values) > 1 else math.nan
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def t_interval(
    values: Sequence[float], *, confidence: float = CONFIDENCE, split_ratio: float = 0.0, rules: int = LATEST
) -> Interval:
    """Return the t interval of the mean of n independent values: mean +- t(n - 1) * sd * sqrt(1/n + split_ratio).

    Where each value comes from a random split of the same examples, they are not independent, and `split_ratio` is
    the number of test examples over that of training examples (Nadeau & Bengio 2003, doi:10.1023/A:1024068626366).
    """
    from scipy import stats

    n = len(values)
    if n < 2:
        return Interval(math.nan, math.nan)
    mean, sd = moments(values, rules=rules)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * sd * math.sqrt(1 / n + split_ratio)
    return Interval(mean - half, mean + half)


def covering(first: Interval, second: Interval) -> Interval:
    """Return the smallest interval that holds both."""
    return Interval(min(first.low, second.low), max(first.high, second.high))


def wilson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return Wilson's score interval of a share (Wilson 1927, doi:10.1080/01621459.1927.10502953); trials >= 1."""
    from scipy import stats

    found = stats.binomtest(successes, trials).proportion_ci(confidence_level=confidence, method="wilson")
    return Interval(float(found.low), float(found.high))
