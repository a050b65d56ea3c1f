"""Intervals for a mean and for a share."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dropout_cli.statistics.comparison_rules import RULES_LATEST, RULES_V1

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """The ends of an interval; NaN if there are too few values for one."""

    low: float
    high: float


NO_INTERVAL = Interval(math.nan, math.nan)
"""The interval of too few values."""


def mean_and_sd(values: Sequence[float], *, rules: int = RULES_LATEST) -> tuple[float, float]:
    """Return the mean and the standard deviation of n >= 1 values.

    Args:
        values: (n,).
        rules: See `statistics.rules`. By the latest rules equal values have exactly their value as mean and 0 as
            deviation; by the first rules, rounding may remain.

    Returns:
        The mean, and the standard deviation with divisor n - 1; the latter is NaN for n = 1.
    """
    if rules > RULES_V1 and all(value == values[0] for value in values):
        return float(values[0]), 0.0 if len(values) > 1 else math.nan
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def t_interval(
    values: Sequence[float], *, confidence: float = CONFIDENCE, split_ratio: float = 0.0, rules: int = RULES_LATEST
) -> Interval:
    """Return the t interval of a mean: mean +- t(n - 1) * sd * sqrt(1/n + split_ratio).

    Args:
        values: (n,) independent values, or values of random splits of the same examples.
        confidence: Level of the interval.
        split_ratio: Test examples over training examples for random splits, whose values are not independent (Nadeau &
            Bengio 2003, doi:10.1023/A:1024068626366); else 0.
        rules: See `statistics.rules`.
    """
    from scipy import stats

    n = len(values)
    if n < 2:
        return Interval(math.nan, math.nan)
    mean, sd = mean_and_sd(values, rules=rules)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * sd * math.sqrt(1 / n + split_ratio)
    return Interval(mean - half, mean + half)


def union_interval(first: Interval, second: Interval) -> Interval:
    """Return the smallest interval that contains both."""
    # The interval for new examples contains that for these. Alone it covers .917 to .93 with three seeds that vary as
    # much as the examples, since Satterthwaite's degrees of freedom are then slightly too many.
    return Interval(min(first.low, second.low), max(first.high, second.high))


def wilson_interval(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return Wilson's score interval of a share.

    Wilson 1927, doi:10.1080/01621459.1927.10502953.

    Args:
        successes: Number of successes.
        trials: Number of trials, at least 1.
        confidence: Level of the interval.
    """
    from scipy import stats

    interval = stats.binomtest(successes, trials).proportion_ci(confidence_level=confidence, method="wilson")
    return Interval(float(interval.low), float(interval.high))
