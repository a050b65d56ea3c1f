"""Calibration of a classifier in numbers."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics.calibration import ece
from dropout_cli.metrics.calibration.bins import bin_means, equal_mass_bins, equal_width_bins
from dropout_cli.metrics.calibration.brier_parts import CorpParts, MurphyParts, corp_parts, murphy_parts
from dropout_cli.metrics.calibration.resampling import bootstrap_intervals
from dropout_cli.metrics.ece_by_chance import ChanceEce, ece_by_chance
from dropout_cli.metrics.formulas.classification import brier_distances, is_right
from dropout_cli.metrics.formulas.classification import ece as equal_width_ece
from dropout_cli.metrics.predictions import ClassPredictions
from dropout_cli.statistics import Interval


@dataclass(frozen=True)
class CalibrationMeasures:
    """Measures of one predictor on one part of the data; NaN where there are too few examples."""

    examples: int
    ece: float
    """In 15 bins of equal width."""
    by_chance: ChanceEce
    """Mean and standard deviation of this ECE for a perfectly calibrated model with the same confidences."""
    ece_equal_mass: float
    mean_gap: float
    """Accuracy minus mean confidence."""
    equal_mass_bins: int
    """The number of bins of equal mass that are left, of 15."""
    classwise_ece: float
    sweep_ece: float
    sweep_bins: int
    debiased_squared_ece: float
    """In bins of equal mass; may be below 0."""
    debiased_ece_interval: Interval
    nll: float
    nll_interval: Interval
    brier: float
    brier_interval: Interval
    corp: CorpParts
    murphy: MurphyParts

    @property
    def debiased_ece(self) -> float:
        """The root of the debiased squared ECE; 0 if that is negative."""
        return ece.root_of_square(self.debiased_squared_ece)

    def as_json(self) -> dict[str, Any]:
        """Return JSON values; None for NaN."""
        intervals = {
            name: [_number(end) for end in getattr(self, name)]
            for name in ("debiased_ece_interval", "nll_interval", "brier_interval")
        }
        return {
            "examples": self.examples,
            "ece": self.ece,
            "ece_if_calibrated": self.by_chance.mean,
            "ece_if_calibrated_sd": self.by_chance.sd,
            "mean_gap": self.mean_gap,
            "ece_equal_mass": self.ece_equal_mass,
            "equal_mass_bins": self.equal_mass_bins,
            "classwise_ece": self.classwise_ece,
            "sweep_ece": self.sweep_ece,
            "sweep_bins": self.sweep_bins,
            "debiased_squared_ece": _number(self.debiased_squared_ece),
            "debiased_ece": _number(self.debiased_ece),
            "nll": self.nll,
            "brier": self.brier,
            "corp": self.corp._asdict(),
            "murphy": self.murphy._asdict(),
            **intervals,
        }


def measure_calibration(given: ClassPredictions) -> CalibrationMeasures:
    """Compute all measures of calibration.

    The calibration errors are of the predicted class, except the class-wise one.

    Args:
        given: Finite probabilities with the true classes.
    """
    confidence, right = top_label(given)
    wide, mass = equal_width_bins(confidence), equal_mass_bins(confidence)
    of_mass = bin_means(confidence, right, mass)
    outcomes = np.eye(given.probabilities.shape[1])[given.labels]
    distances = brier_distances(given)
    intervals = bootstrap_intervals(confidence, right, mass, given.losses, distances)
    swept, sweep_bins = ece.sweep_ece(confidence, right)
    return CalibrationMeasures(
        examples=len(confidence),
        ece=equal_width_ece(given),
        by_chance=ece_by_chance(confidence, wide),
        mean_gap=float(np.mean(right - confidence)),
        ece_equal_mass=ece.binned_ece(of_mass),
        equal_mass_bins=len(of_mass.examples),
        classwise_ece=ece.classwise_ece(given.probabilities, given.labels),
        sweep_ece=swept,
        sweep_bins=sweep_bins,
        debiased_squared_ece=ece.debiased_squared_ece(of_mass),
        debiased_ece_interval=intervals.debiased_ece,
        nll=float(np.mean(given.losses)),
        nll_interval=intervals.means[0],
        brier=float(np.mean(distances)),
        brier_interval=intervals.means[1],
        corp=corp_parts(given.probabilities, outcomes),
        murphy=murphy_parts(given.probabilities, outcomes),
    )


def top_label(given: ClassPredictions) -> tuple[Array, Array]:
    """Return the probability of each predicted class, (N,), and whether it is right, (N,)."""
    # A float32 probability may round to more than 1.
    return np.minimum(given.probabilities.max(axis=1), 1.0), is_right(given)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
