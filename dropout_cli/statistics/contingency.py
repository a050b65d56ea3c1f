"""Two networks on the same examples: only those count that one of them gets right and the other wrong."""

from typing import NamedTuple

import numpy as np

from dropout_cli.core.types import Array


class McNemar(NamedTuple):
    """McNemar's test in its exact form (McNemar 1947, doi:10.1007/BF02295996)."""

    only_first: int
    """Examples that only the first network has right."""
    only_second: int
    p: float
    """Two-sided, from the binomial distribution."""


def mcnemar(first_right: Array, second_right: Array) -> McNemar:
    """Test that two networks err equally often; which examples each has right, (n,) boolean.

    It speaks of these two networks, not of the settings that they were trained with. Raises ValueError where the
    shapes differ.
    """
    from scipy import stats

    if first_right.shape != second_right.shape:
        raise ValueError(f"{first_right.shape} examples do not pair with {second_right.shape}")
    only_first = int(np.sum(first_right & ~second_right))
    only_second = int(np.sum(second_right & ~first_right))
    discordant = only_first + only_second
    p = float(stats.binomtest(only_first, discordant).pvalue) if discordant else 1.0
    return McNemar(only_first, only_second, p)
