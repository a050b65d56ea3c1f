"""Paired differences in which sizes that are equal up to rounding become equal.

An accuracy is a count over a count, and k/N is rounded in binary: .9521 - .9516 and .9322 - .9317 are both 5 of 10,000
examples, and differ in their last bits. Tests that count ties, rank sizes or divide by a spread would see two sizes.

In ascending order of size, neighbors are equal if their gap is at most 1e-10 times the larger of the values that were
subtracted. This holds for shares and for errors in the units of a target. Rounding to a grid would not do: sizes near
the border of two of its steps would be separated.
"""

from collections.abc import Sequence

import numpy as np

from dropout_cli.core.types import Array

ROUNDING = 1e-10  # relative: far above the last bits of the values, and far below one example in a million


def paired_differences(values: Sequence[float] | Array, baseline: Sequence[float] | Array) -> Array:
    """Return values - baseline without rounding noise.

    Equal sizes are equal floats, and no size is nearly 0.

    Args:
        values: (n,).
        baseline: (n,).

    Returns:
        (n,) float64.
    """
    first, second = np.asarray(values, np.float64), np.asarray(baseline, np.float64)
    gaps: Array = first - second
    scales = np.maximum(np.abs(first), np.abs(second))
    # The 0 in front merges sizes that are 0 up to rounding with 0.
    sizes = merge_rounding(np.append(0.0, np.abs(gaps)), np.append(0.0, scales))[1:]
    return np.copysign(sizes, gaps) + 0.0  # turns -0.0 into 0.0


def merge_rounding(values: Array, scales: Array) -> Array:
    """Replace values that differ only by rounding by the smallest of them.

    Args:
        values: (n,).
        scales: (n,) sizes of the numbers that each value was computed from.
    """
    order = np.argsort(values, kind="stable")
    ascending, reach = values[order], ROUNDING * scales[order]
    apart = np.append(True, np.diff(ascending) > np.maximum(reach[1:], reach[:-1]))
    same = np.empty_like(ascending)
    same[order] = ascending[apart][np.cumsum(apart) - 1]
    return same
