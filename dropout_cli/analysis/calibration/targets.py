"""Calibration of predicted distributions of numbers, as a study: curve, PIT, CRPS, interval score.

The distribution of an example is a mixture of T normal distributions with equal weights. With T = 1 it is normal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.analysis.calibration.widths import width_sentences, wrong_widths_words
from dropout_cli.analysis.inspection import Inspection, InspectionFigure
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.metrics import distribution_scores as scores
from dropout_cli.plots.target_calibration import MAX_CALIBRATED
from dropout_cli.statistics import wilson_interval

LEVEL = 0.95
"""Coverage of the intervals that are scored."""
PIT_BINS = 10
COLUMNS = {
    "coverage": "coverage",
    "coverage_low": "from",
    "coverage_high": "to",
    "crps": "CRPS",
    "interval_score": "interval score",
    "sharpness": "sharpness",
    "mace": "MACE",
}
"""Score in files -> column of the table."""


@dataclass(frozen=True)
class TargetDistributions:
    """Predicted distributions of N examples and all targets, in the targets' own units."""

    label: str
    """The name of the predictor for people."""
    means: Array
    """(T, N, targets): means of the components."""
    sds: Array
    """(T, N, targets): their standard deviations, at least 0."""

    def scores(self, true: Array) -> list[dict[str, float]]:
        """Return the scores of each target.

        Args:
            true: (N, targets) true values.
        """
        return [_scores(self.means[..., t], self.sds[..., t], true[:, t]) for t in range(true.shape[1])]

    def pit(self, true: Array, target: int) -> Array:
        """Return the (N,) distribution functions of one target at the true values.

        Args:
            true: (N, targets) true values.
            target: The place of the target.
        """
        return scores.mixture_cdf(self.means[..., target], self.sds[..., target], true[:, target])


def _scores(means: Array, sds: Array, true: Array) -> dict[str, float]:
    """Return the scores of one target; the arrays are (T, N), (T, N) and (N,)."""
    lower, upper = (scores.mixture_quantile(means, sds, (1 + sign * LEVEL) / 2) for sign in (-1, 1))
    inside = int(((lower <= true) & (true <= upper)).sum())
    interval = wilson_interval(inside, len(true))
    return {
        "coverage": inside / len(true),
        "coverage_low": interval.low,
        "coverage_high": interval.high,
        "crps": float(scores.mixture_crps(means, sds, true).mean()),
        "interval_score": float(scores.interval_score(lower, upper, true, LEVEL).mean()),
        "sharpness": scores.sharpness((sds**2).mean(axis=0) + means.var(axis=0)),
        "mace": scores.miscalibration(scores.mixture_cdf(means, sds, true)),
    }


def study_target_calibration(
    predicted: Mapping[str, TargetDistributions], true: Array, names: Sequence[str], part: str
) -> Inspection:
    """Return the study of one or several predictors, without a folder.

    Args:
        predicted: Name of a predictor in files -> its distributions.
        true: (N, targets) true values.
        names: Names of the targets.
        part: The part of the data: `train`, `val` or `test`.
    """
    found = {key: one.scores(true) for key, one in predicted.items()}
    several = len(names) > 1
    rows = [
        [predicted[key].label + f", {name}" * several, *(numbers[score] for score in COLUMNS)]
        for key, each in found.items()
        for name, numbers in zip(names, each, strict=True)
    ]
    numbers = {
        "level": LEVEL,
        "examples": len(true),
        "predictors": {
            key: [{"target": name, **scored} for name, scored in zip(names, each, strict=True)]
            for key, each in found.items()
        },
    }
    pits = {
        (one.label, _as_text(name)): one.pit(true, t)
        for one in predicted.values()
        for t, name in enumerate(names[:MAX_CALIBRATED])
    }
    scope = f"{part} part, {counted(len(true), 'example')}"
    if len(names) > MAX_CALIBRATED:
        scope += f", the first {MAX_CALIBRATED} of {len(names)} targets"
    labeled = {predicted[key].label: each for key, each in found.items()}
    return Inspection(
        "",
        f"Calibration of the predicted distributions ({part} part)",
        numbers,
        ("prediction of a target" if several else "prediction", *COLUMNS.values()),
        rows,
        [_curve(labeled, pits, len(true), scope), _histogram(pits, len(true), scope)],
        [*width_sentences(labeled, names, pits, len(true), LEVEL)],
    )


def _as_text(name: str) -> str:
    """Return the name of a target in a form that is not read back from a CSV file as a number."""
    try:
        float(name or "0")
    except ValueError:
        return name
    return f"target {name}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _curve(
    labeled: Mapping[str, Sequence[Mapping[str, float]]],
    pits: Mapping[tuple[str, str], Array],
    examples: int,
    scope: str,
) -> InspectionFigure:
    """Return the calibration curve, with the range that holds 95 % of calibrated models."""
    from scipy import stats

    expected = scores.EXPECTED_COVERAGES
    low, high = (stats.binom.ppf(level, examples, expected) / examples for level in (0.025, 0.975))
    columns: dict[str, list[Any]] = {key: [] for key in ("prediction", "target", "expected", "observed", "low", "high")}
    for (label, target), pit in pits.items():
        observed = scores.central_coverage(pit)
        columns["prediction"] += [label] * len(expected)
        columns["target"] += [target] * len(expected)
        for key, values in zip(("expected", "observed", "low", "high"), (expected, observed, low, high), strict=True):
            columns[key] += values.tolist()
    shares = [_coverages(each) + f" ({label})" * (len(labeled) > 1) for label, each in labeled.items()]
    finding = f"{LEVEL * 100:g} % intervals contain {', '.join(shares)} of {counted(examples, 'true value')}"
    finding += wrong_widths_words(pits)
    shown = (
        "share of true values in central intervals against the expected share; gray: range of 95 % of calibrated "
        f"models, at each point; {scope}"
    )
    return InspectionFigure("calibration", "target_calibration", columns, finding, shown)


def _coverages(each: Sequence[Mapping[str, float]]) -> str:
    """Return the coverage, or its range over the targets."""
    shares = [scored["coverage"] for scored in each]
    texts = [_percent(share) for share in (min(shares), max(shares))]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} to {texts[1]}"


def _histogram(pits: Mapping[tuple[str, str], Array], examples: int, scope: str) -> InspectionFigure:
    """Return the histogram of the PIT."""
    from scipy import stats

    edges = np.linspace(0, 1, PIT_BINS + 1)
    low, high = (stats.binom.ppf(level, examples, 1 / PIT_BINS) / examples for level in (0.025, 0.975))
    names = ("prediction", "target", "from", "to", "share", "low", "high")
    rows = [
        (label, target, start, end, count / examples, low, high)
        for (label, target), pit in pits.items()
        for start, end, count in zip(
            edges[:-1].tolist(), edges[1:].tolist(), np.histogram(pit, edges)[0].tolist(), strict=True
        )
    ]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    (label, target), pit = next(iter(pits.items()))
    outer = float(np.mean((pit < 1 / PIT_BINS) | (pit > 1 - 1 / PIT_BINS)))
    whose = [label] * (len({label for label, _ in pits}) > 1) + [target] * (len({name for _, name in pits}) > 1)
    prefix = f"{', '.join(whose)}: " * bool(whose)
    finding = (
        f"{prefix[:1].upper()}{prefix[1:]}"
        f"{_percent(outer)} of the PIT values are in the two outer bins, and "
        f"{_percent(float(np.mean(pit > 0.5)))} are above .5; a calibrated model has {200 / PIT_BINS:g} % and 50 %"
    )
    shown = (
        "predicted distribution function at the true values (probability integral transform); gray: range of 95 % "
        f"of calibrated models, for each bar; {scope}"
    )
    return InspectionFigure("pit", "pit_histogram", columns, finding, shown)
