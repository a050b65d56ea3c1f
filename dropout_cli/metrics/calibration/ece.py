"""Forms of the expected calibration error (ECE).

With w_b the share of examples in bin b, acc_b their accuracy and conf_b their mean confidence:

    ECE                    sum_b w_b |acc_b - conf_b|
    squared ECE            sum_b w_b (acc_b - conf_b)^2
    debiased squared ECE   sum_b w_b [(acc_b - conf_b)^2 - acc_b (1 - acc_b) / (n_b - 1)]
    class-wise ECE         mean over classes c of the ECE of p_c against [y = c]
    sweep ECE              ECE with the most bins of equal mass for which accuracy does not fall from bin to bin

Guo et al. 2017, arXiv:1706.04599 (ECE); Kumar et al. 2019, arXiv:1909.10155 (debiased); Roelofs et al. 2022,
arXiv:2012.08668 (sweep).

The ECE of a perfectly calibrated model is above 0 by chance. The debiased square is 0 on average, so it is below 0
about half of the time.
"""

import math

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics.calibration.bins import ConfidenceBins, bin_means, equal_mass_bins, equal_width_bins

MAX_SWEEP_BINS = 100  # perfectly ordered predictions would otherwise get a bin for every two examples


def binned_ece(bins: ConfidenceBins) -> float:
    """Return the mean gap of accuracy and confidence over the examples."""
    return float(np.sum(bins.shares * np.abs(bins.gaps)))


def squared_ece(bins: ConfidenceBins) -> float:
    """Return the mean squared gap over the examples; it is too large by chance."""
    return float(np.sum(bins.shares * bins.gaps**2))


def debiased_squared_ece(bins: ConfidenceBins) -> float:
    """Return the mean squared gap without the part by chance; it may be below 0.

    Args:
        bins: Bins with at least 2 examples each; NaN if one has fewer.
    """
    if np.any(bins.examples < 2):
        return math.nan
    by_chance = bins.accuracy * (1 - bins.accuracy) / (bins.examples - 1)
    return float(np.sum(bins.shares * (bins.gaps**2 - by_chance)))


def root_of_square(square: float) -> float:
    """Return the root of a debiased square; 0 for a negative one, NaN for NaN."""
    return math.sqrt(0.0 if square < 0 else square)


def classwise_ece(probabilities: Array, labels: Array) -> float:
    """Return the mean over classes of the ECE of the class's probability.

    It uses 15 bins of equal width.

    Args:
        probabilities: (N, C).
        labels: (N,) class ids.
    """
    errors = []
    for c in range(probabilities.shape[1]):
        p = probabilities[:, c]
        errors.append(binned_ece(bin_means(p, labels == c, equal_width_bins(p))))
    return float(np.mean(errors))


def sweep_ece(confidence: Array, right: Array) -> tuple[float, int]:
    """Return the ECE with the most bins whose accuracy never falls, and their number.

    Args:
        confidence: (N,) probabilities of the predicted classes.
        right: (N,) bool: True for examples that are right.
    """
    best = bin_means(confidence, right, np.zeros(len(confidence), np.intp))
    for count in range(2, min(MAX_SWEEP_BINS, len(confidence) // 2) + 1):
        bins = bin_means(confidence, right, equal_mass_bins(confidence, count))
        if np.any(np.diff(bins.accuracy) < 0):
            break
        best = bins
    return binned_ece(best), len(best.examples)
