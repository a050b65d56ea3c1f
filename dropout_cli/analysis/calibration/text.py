"""Table, figure and sentences about the calibration of a classifier.

The study `eval --calibration` and every report use them.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dropout_cli.analysis.inspection import Inspection, InspectionFigure
from dropout_cli.core.errors import RunFailed
from dropout_cli.core.text import counted, decimals, significant
from dropout_cli.metrics import ClassPredictions, csv_bytes
from dropout_cli.metrics.calibration.bins import BINS
from dropout_cli.metrics.calibration.measures import CalibrationMeasures, measure_calibration, top_label
from dropout_cli.metrics.calibration.reliability import reliability_columns
from dropout_cli.statistics import Interval

NOT_FINITE = "the probabilities are not finite numbers"
SIGNIFICANT_SDS = 2.0
"""An ECE that is larger than its mean by chance by so many standard deviations is called larger than chance."""
SHOWN = (
    f"Accuracy against confidence in {BINS} bins, with 95 % Wilson intervals; gray: where 95 % of perfectly calibrated "
    "models are; lower bars: share of examples"
)


def describe_calibration(
    predictors: Mapping[str, ClassPredictions],
    split: str,
    *,
    folder: str = "",
    about: Mapping[str, Any] | None = None,
    notices: Sequence[str] = (),
) -> Inspection:
    """Measure the calibration of predictors on the same examples.

    Args:
        predictors: Name for people -> predictions; at least one.
        split: The part of the data.
        folder: The folder of the study.
        about: The first keys of its numbers.
        notices: Messages about the predictions.

    Raises:
        RunFailed: A probability is not finite.
    """
    if not all(np.all(np.isfinite(given.probabilities)) for given in predictors.values()):
        raise RunFailed("calibration", NOT_FINITE, "Train again with a lower learning rate.")
    measures = {label: measure_calibration(given) for label, given in predictors.items()}
    columns: dict[str, list[Any]] = {}
    for label, given in predictors.items():
        panel = reliability_columns(*top_label(given))
        panel = {"predictor": [label] * len(panel["share"]), **panel}
        columns = {name: columns.get(name, []) + values for name, values in panel.items()}
    return Inspection(
        folder,
        f"Calibration on the {split} part",
        {**(about or {}), "predictors": {label: found.as_json() for label, found in measures.items()}},
        ["number", *measures],
        [[name, *(cells[place] for cells in map(_cells, measures.values()))] for place, name in enumerate(ROWS)],
        [InspectionFigure("reliability", "reliability", columns, _finding(measures), SHOWN)],
        [_compared_with_chance(label, found) for label, found in measures.items()],
        notices,
        {"measures.csv": _csv(measures)},
    )


ROWS = (
    "calibration error (ECE)",
    "ECE of a perfectly calibrated model",
    "ECE, bins of equal mass",
    "ECE, root mean square, debiased",
    "ECE, mean over classes",
    "ECE, sweep",
    "negative log-likelihood",
    "Brier score",
    "miscalibration (CORP)",
    "discrimination (CORP)",
    "uncertainty (CORP)",
)


def _cells(found: CalibrationMeasures) -> list[Any]:
    """Return a cell for each of ROWS."""
    return [
        found.ece,
        f"{significant(found.by_chance.mean)} (sd {significant(found.by_chance.sd, 2)})",
        f"{significant(found.ece_equal_mass)} ({counted(found.equal_mass_bins, 'bin')})",
        None if math.isnan(found.debiased_ece) else _with_interval(found.debiased_ece, found.debiased_ece_interval),
        found.classwise_ece,
        f"{significant(found.sweep_ece)} ({counted(found.sweep_bins, 'bin')})",
        _with_interval(found.nll, found.nll_interval),
        _with_interval(found.brier, found.brier_interval),
        *found.corp,
    ]


def _with_interval(value: float, interval: Interval) -> str:
    low, high = (significant(end, 3) for end in interval)
    return significant(value) + ("" if math.isnan(interval.low) else f" ({low} to {high})")


def _finding(measures: Mapping[str, CalibrationMeasures]) -> str:
    """Return the ECE of each predictor, or of the best and the worst of many."""
    chances = sorted(found.by_chance.mean for found in measures.values())
    by_chance = " to ".join(dict.fromkeys(significant(chance, 2) for chance in (chances[0], chances[-1])))
    errors = {label: significant(found.ece, 3) for label, found in measures.items()}
    if len(measures) == 1:
        (error,) = errors.values()
        return f"The ECE is {error}; a perfectly calibrated model has {by_chance} by chance."
    if len(measures) == 2:
        text = " and ".join(f"{error} with {label}" for label, error in errors.items())
        return f"The ECE is {text}; by chance alone {by_chance}."
    best, worst = (pick(measures, key=lambda label: measures[label].ece) for pick in (min, max))
    return f"The ECE is between {errors[best]} ({best}) and {errors[worst]} ({worst}); by chance alone {by_chance}."


def _compared_with_chance(label: str, found: CalibrationMeasures) -> str:
    """Return a sentence that compares the ECE with the one of a perfectly calibrated model."""
    mean, sd = found.by_chance
    chance = f"the {significant(mean, 3)} (sd {significant(sd, 2)}) that a perfectly calibrated model has by chance"
    text = f"{label[0].upper()}{label[1:]}: the ECE, {significant(found.ece, 3)},"
    distance = found.ece - mean
    if distance <= SIGNIFICANT_SDS * sd:
        return f"{text} is no larger than chance explains. Compare it with {chance}."
    sds = distance / sd if sd > 0 else math.inf
    far = (
        "far"
        if math.isinf(sds)
        else f"{sds:,.0f} standard deviations"
        if sds >= 10
        else f"{sds:.1f} standard deviations"
    )
    side = "above" if found.mean_gap < 0 else "below"
    return (
        f"{text} is {far} above {chance}. On average, confidence is "
        f"{decimals(100 * abs(found.mean_gap), 2)} percentage points {side} accuracy."
    )


def _csv(measures: Mapping[str, CalibrationMeasures]) -> bytes:
    """Return a row for each number, with a column for each predictor; signs are kept."""
    flat = [_flat(found.as_json()) for found in measures.values()]
    rows = [[name, *("" if one[name] is None else one[name] for one in flat)] for name in flat[0]]
    return csv_bytes([["number", *measures], *rows])


def _flat(numbers: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in numbers.items():
        if isinstance(value, Mapping):
            found |= {f"{name}_{part}": number for part, number in value.items()}
        elif isinstance(value, list):
            found |= {f"{name}_{end}": number for end, number in zip(("low", "high"), value, strict=True)}
        else:
            found[name] = value
    return found
