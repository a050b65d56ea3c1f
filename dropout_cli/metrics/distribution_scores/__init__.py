"""Scores of predicted distributions of a number: normal distributions and mixtures of them.

They need NumPy arrays only, in the units of the target.
"""

from dropout_cli.metrics.distribution_scores.calibration_curve import (
    EXPECTED_COVERAGES,
    central_coverage,
    miscalibration,
    sharpness,
)
from dropout_cli.metrics.distribution_scores.crps import mixture_crps, normal_crps
from dropout_cli.metrics.distribution_scores.distributions import (
    mixture_cdf,
    mixture_quantile,
    normal_cdf,
    normal_quantile,
)
from dropout_cli.metrics.distribution_scores.interval_score import interval_score

__all__ = [
    "EXPECTED_COVERAGES",
    "central_coverage",
    "interval_score",
    "miscalibration",
    "mixture_cdf",
    "mixture_crps",
    "mixture_quantile",
    "normal_cdf",
    "normal_crps",
    "normal_quantile",
    "sharpness",
]
