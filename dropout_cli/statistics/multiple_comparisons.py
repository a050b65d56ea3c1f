"""Corrections for several comparisons: with more of them, more look like a difference by chance.

Bonferroni   p m, and an interval with level alpha / m
Holm         the k-th smallest p times m - k + 1 (Holm 1979)
"""

import math
from collections.abc import Sequence


def bonferroni_adjust(p: float, comparisons: int) -> float:
    """Return Bonferroni's p-value, at most 1.

    Args:
        p: The p-value of one comparison.
        comparisons: The number of comparisons.
    """
    return min(1.0, comparisons * p)


def holm_adjust(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that the chance of any false rejection stays below alpha (Holm 1979).

    The k-th smallest of m is multiplied by m - k + 1, and is at least as large as those before it.

    Args:
        p_values: One per comparison; NaN stays NaN and does not count.
    """
    order = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    adjusted, largest = [math.nan] * len(p_values), 0.0
    for rank, (p, place) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        adjusted[place] = largest
    return adjusted
