"""Decompositions of the Brier score into miscalibration and information.

CORP (Dimitriadis, Gneiting & Jordan 2021, doi:10.1073/pnas.2016191118) recalibrates the probabilities of each class by
isotonic regression. With S the Brier score, r the recalibrated probabilities and ybar the class's frequency:

    miscalibration   S(p) - S(r)       discrimination   S(ybar) - S(r)       uncertainty   S(ybar)
    Brier = miscalibration - discrimination + uncertainty

Murphy (1973) averages in bins instead. With pbar_b and ybar_b the means of bin b and w_b its share:

    reliability   sum_b w_b (pbar_b - ybar_b)^2      resolution   sum_b w_b (ybar_b - ybar)^2
    uncertainty   ybar (1 - ybar)
    Brier = reliability - resolution + uncertainty + within_variance - within_covariance

The last two are mean (p - pbar_b)^2 and 2 mean (p - pbar_b)(y - ybar_b); they are 0 only if all probabilities of a bin
are equal (Stephenson, Coelho & Jolliffe 2008, doi:10.1175/2007WAF2006116.1). CORP has no bins and no such terms.

For several classes, every part is the sum over the classes.
"""

from typing import NamedTuple

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics.calibration.bins import BINS, equal_width_bins


class CorpParts(NamedTuple):
    """CORP decomposition; Brier = miscalibration - discrimination + uncertainty."""

    miscalibration: float
    discrimination: float
    uncertainty: float


class MurphyParts(NamedTuple):
    """Murphy's decomposition with the two terms within bins."""

    reliability: float
    resolution: float
    uncertainty: float
    within_variance: float
    within_covariance: float


def corp_parts(probabilities: Array, outcomes: Array) -> CorpParts:
    """Decompose the Brier score without bins.

    Args:
        probabilities: (N, C), or (N, 1) for one event.
        outcomes: (N, C) 0 or 1: whether each class is the true one.
    """
    from sklearn.isotonic import isotonic_regression

    parts = np.zeros(3)
    for p, y in zip(probabilities.T, outcomes.T, strict=True):
        # Not IsotonicRegression: it interpolates, which overflows between probabilities as small as 1e-310.
        _, group, sizes = np.unique(p, return_inverse=True, return_counts=True)
        frequencies = np.bincount(group, weights=y) / sizes
        recalibrated = isotonic_regression(frequencies, sample_weight=sizes.astype(np.float64))[group]
        score, best, base = (np.mean((q - y) ** 2) for q in (p, recalibrated, y.mean()))
        parts += score - best, base - best, base
    return CorpParts(*parts.tolist())


def murphy_parts(probabilities: Array, outcomes: Array, count: int = BINS) -> MurphyParts:
    """Decompose the Brier score by the means of bins of equal width.

    Args:
        probabilities: (N, C), or (N, 1) for one event.
        outcomes: (N, C) 0 or 1: whether each class is the true one.
        count: Number of bins.
    """
    parts = np.zeros(5)
    for p, y in zip(probabilities.T, outcomes.T, strict=True):
        bins = equal_width_bins(p, count)
        examples = np.maximum(np.bincount(bins), 1)
        p_mean, y_mean = (np.bincount(bins, weights=values)[bins] / examples[bins] for values in (p, y))
        base = y.mean()
        parts += (
            np.mean((p_mean - y_mean) ** 2),
            np.mean((y_mean - base) ** 2),
            base * (1 - base),
            np.mean((p - p_mean) ** 2),
            2 * np.mean((p - p_mean) * (y - y_mean)),
        )
    return MurphyParts(*parts.tolist())
