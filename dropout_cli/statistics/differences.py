"""Differences of pairs, as all tests take them: those that differ by rounding alone are made equal.

An accuracy is a count over a count, and k/N is rounded in binary: .9521 - .9516 and .9322 - .9317 are both 5 of 10,000
examples, and differ in their last bits. Tests that count ties, rank sizes or divide by a spread would see two sizes.

Of sizes in ascending order, neighbours are the same where their gap is at most 1e-10 times the larger of the values
that they are differences of. This holds for shares as for errors in the units of a target. There is no grid, so that
no size can lie on the border of two cells of one.
"""

from collections.abc import Sequence

import numpy as np

from dropout_cli.core.types import Array

ROUNDING = 1e-10
"""Relative to the values: far above their last bits, and far below one example of a million."""


def differences(values: Sequence[float] | Array, baseline: Sequence[float] | Array) -> Array:
    """Return values - baseline, (n,), free of rounding: equal sizes are equal floats, and none is nearly 0."""
    first, second = np.asarray(values, np.float64), np.asarray(baseline, np.float64)
    found: Array = first - second
    scales = np.maximum(np.abs(first), np.abs(second))
    sizes = merged(np.append(0.0, np.abs(found)), np.append(0.0, scales))[1:]
    return np.copysign(sizes, found) + 0.0  # no -0


def merged(values: Array, scales: Array) -> Array:
    """Return values (n,) in which those that differ by rounding alone are replaced by the smallest of them.

    `scales` (n,) are the sizes of the numbers that each value was computed from.
    """
    order = np.argsort(values, kind="stable")
    ascending, reach = values[order], ROUNDING * scales[order]
    apart = np.append(True, np.diff(ascending) > np.maximum(reach[1:], reach[:-1]))
    same = np.empty_like(ascending)
    same[order] = ascending[apart][np.cumsum(apart) - 1]
    return same
