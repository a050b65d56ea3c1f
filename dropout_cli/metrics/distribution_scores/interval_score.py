"""Interval score: the width of an interval plus a penalty for a true value outside of it.

    (u - l) + (2 / alpha) (max(l - y, 0) + max(y - u, 0)),    alpha = 1 - level

Smaller is better; on average it is smallest for the true quantiles. Gneiting & Raftery 2007,
doi:10.1198/016214506000001437.
"""

import numpy as np

from dropout_cli.core.types import Array


def interval_score(lower: Array, upper: Array, true: Array, level: float = 0.95) -> Array:
    """Return the score of each interval, in the unit of the target.

    Args:
        lower: Lower ends.
        upper: Upper ends.
        true: True values.
        level: The coverage that the intervals are made for.
    """
    outside = np.maximum(lower - true, 0) + np.maximum(true - upper, 0)
    return np.asarray(upper - lower + 2 / (1 - level) * outside)
