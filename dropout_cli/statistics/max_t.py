"""Max-T test: many settings against one baseline, by flipping the signs of whole units.

If no setting differed from the baseline, the differences of each seed (or split) could as well have had the other sign,
all settings at once. A setting's statistic is compared with the largest of all settings under every sign pattern
(Westfall & Young 1993). The smallest p is 2^(1 - n), whatever the number of settings.
"""

from typing import NamedTuple

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array

EXACT_UNITS = 16  # with more units, `SAMPLES` sign patterns are drawn instead of listing all
SAMPLES = 9_999
DECIMALS = 9  # statistics are rounded before they are compared, so that ties with the observed one count


class MaxT(NamedTuple):
    """Adjusted p-values, one per setting."""

    single_step: list[float]
    """Compared with the largest of all settings."""
    step_down: list[float]
    """Compared with the largest of the settings that are not further from the baseline."""
    smallest: float
    """The smallest p that this number of units can give."""


def max_t(differences: Array) -> MaxT:
    """Test each setting against the baseline.

    Args:
        differences: (settings, units) setting minus baseline, without missing pairs.
    """
    settings, units = differences.shape
    signs = _signs(units)
    norm = np.sqrt((differences**2).sum(axis=1))
    norm[norm == 0] = 1.0  # a setting without any difference gets the statistic 0
    observed = np.round(np.abs(differences.sum(axis=1)) / norm, DECIMALS)
    flipped = np.round(np.abs(signs @ differences.T) / norm, DECIMALS)  # (patterns, settings)
    exact = units <= EXACT_UNITS

    def share(at_least: Array) -> float:
        # The observed pattern counts as one of the drawn ones, so that p is never 0.
        return float(at_least.mean()) if exact else float((1 + at_least.sum()) / (1 + len(signs)))

    single = [share(flipped.max(axis=1) >= statistic) for statistic in observed]
    order = np.argsort(-observed, kind="stable")
    stepped, largest = [0.0] * settings, 0.0
    for rank, place in enumerate(order):
        largest = max(largest, share(flipped[:, order[rank:]].max(axis=1) >= observed[place]))
        stepped[place] = largest
    return MaxT(single, stepped, 2.0 ** (1 - units) if exact else 1 / (SAMPLES + 1))


def _signs(units: int) -> Array:
    """Return sign patterns, (patterns, units) of -1 and 1.

    In the exact case the first unit keeps its sign, since |sum| is the same for the mirrored pattern.
    """
    if units > EXACT_UNITS:
        return stream(0, "statistics:max_t").integers(0, 2, (SAMPLES, units)) * 2.0 - 1.0
    patterns = np.arange(2 ** (units - 1))
    bits = patterns[:, None] >> np.arange(units) & 1
    return np.asarray(1.0 - 2.0 * bits)
