"""Calibration curve of a regression: how often central intervals contain the true value.

The central interval of coverage e contains y if the distribution function F at y is between (1 - e) / 2 and
(1 + e) / 2; for a normal distribution, if |y - m| / s <= Phi^-1((1 + e) / 2). The curve is the share of such y against
e. The miscalibration is the mean of |share - e| over 100 values of e (mean absolute calibration error, MACE), and the
sharpness is sqrt(mean variance). Kuleshov et al. 2018, arXiv:1807.00263; Chung et al. 2021, arXiv:2109.10254.
"""

import numpy as np

from dropout_cli.core.types import Array

EXPECTED_COVERAGES: Array = np.linspace(0, 1, 100)


def central_coverage(pit: Array, expected: Array = EXPECTED_COVERAGES) -> Array:
    """Return the share of true values in the central intervals, one for each expected coverage.

    Args:
        pit: (N,) distribution function at the true values.
        expected: (K,) coverages between 0 and 1.
    """
    # The smallest e whose central interval contains the value.
    needed = np.sort(np.abs(2 * pit - 1))
    return np.asarray(np.searchsorted(needed, expected, side="right") / len(pit))


def miscalibration(pit: Array) -> float:
    """Return the mean absolute difference between observed and expected coverage.

    Args:
        pit: (N,) distribution function at the true values.
    """
    return float(np.abs(central_coverage(pit) - EXPECTED_COVERAGES).mean())


def sharpness(variances: Array) -> float:
    """Return sqrt(mean variance), in the unit of the target; smaller is sharper.

    Args:
        variances: (N,) variances of the predicted distributions.
    """
    return float(np.sqrt(np.mean(variances)))
