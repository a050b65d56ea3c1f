"""Test and interval of two classifiers on the same examples."""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.statistics.intervals import CONFIDENCE, Interval


class McNemar(NamedTuple):
    """Result of McNemar's exact test.

    It uses the examples that only one of the two networks has right.

    References:
        McNemar 1947, doi:10.1007/BF02295996.
    """

    only_first: int
    """Number of examples that only the first network has right."""
    only_second: int
    """Number of examples that only the second network has right."""
    p: float
    """Two-sided, from the binomial distribution."""


def mcnemar(first_right: Array, second_right: Array) -> McNemar:
    """Test that two networks are wrong equally often.

    The result is about these two networks and not about the settings that they were trained with.

    Args:
        first_right: (n,) bool, True for the examples that the first network has right.
        second_right: (n,) bool of the second network.

    Raises:
        ValueError: the shapes differ.
    """
    from scipy import stats

    if first_right.shape != second_right.shape:
        raise ValueError(f"{first_right.shape} examples cannot be paired with {second_right.shape}")
    only_first = int(np.sum(first_right & ~second_right))
    only_second = int(np.sum(second_right & ~first_right))
    discordant = only_first + only_second
    p = float(stats.binomtest(only_first, discordant).pvalue) if discordant else 1.0
    return McNemar(only_first, only_second, p)


def accuracy_difference_interval(first_right: Array, second_right: Array) -> Interval:
    """Return the interval of the accuracy of the first network minus that of the second.

    With b examples that only the first has right and c that only the second has right, of n examples: p = (b + 1) / (n
    + 2), q = (c + 1) / (n + 2), and the interval is p - q +- z sqrt((p + q - (p - q)^2) / (n + 2)). It has no width 0,
    and with few discordant examples it excludes 0 where McNemar's exact test has p < .05.

    Args:
        first_right: (n,) bool, True for the examples that the first network has right.
        second_right: (n,) bool of the second network.

    References:
        Bonett & Price 2012, doi:10.3102/1076998611411915.
    """
    n = len(first_right)
    p = (int(np.sum(first_right & ~second_right)) + 1) / (n + 2)
    q = (int(np.sum(second_right & ~first_right)) + 1) / (n + 2)
    # NormalDist: SciPy takes half a second to import, and `train` ends with this interval.
    half = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return Interval(max(-1.0, p - q - half), min(1.0, p - q + half))
