"""McNemar's test of two classifiers on the same examples."""

from typing import NamedTuple

import numpy as np

from dropout_cli.core.types import Array


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
