"""Split-conformal intervals and sets of classes of finished runs.

The scores come from the validation part of the run. They are computed with the same predictor as the new examples: with
Monte Carlo passes, with the same draws. For a single run without passes they follow from `validation.npz`, where
-ln p of the true class and the absolute error of each validation example are stored; the data are then not needed.
Several targets, predicted variances, passes, and averages of runs need the data of the run.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from dropout_cli import data
from dropout_cli.analysis.combine_runs import CombinedRuns, combine_runs
from dropout_cli.core import npz
from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.metrics import VALIDATION_FILE
from dropout_cli.metrics.conformal import (
    conformal_class_scores,
    conformal_intervals,
    conformal_sets,
    conformal_threshold,
    min_conformal_examples,
)
from dropout_cli.runs import Run
from dropout_cli.tasks import Prediction, Regression
from dropout_cli.training.restore import LoadedWithoutData

PredictExamples: TypeAlias = Callable[[LoadedWithoutData, Array], tuple[Prediction, Mapping[str, Array]]]
"""Predicts unscaled examples with a model: the prediction, and the uncertainties of its passes."""

STORED_SCORES = {"classification": "nll", "regression": "mae"}
"""Task -> the contributions in `validation.npz` from which the scores follow."""


@dataclass(frozen=True)
class ConformalThresholds:
    """The thresholds of the scores for one coverage."""

    coverage: float
    values: tuple[float, ...]
    """One per target; a single one for classes."""
    notices: tuple[str, ...]

    def columns(self, combined: CombinedRuns, classes: Sequence[str]) -> Iterator[tuple[str, int, list[Any]]]:
        """Yield name, place of the target, and cells of each column.

        Args:
            combined: The prediction of new examples.
            classes: Names of the classes.
        """
        if "mean" in combined.prediction:
            mean, widths = combined.prediction["mean"], _widths(combined)
            for t, threshold in enumerate(self.values):
                lower, upper = conformal_intervals(mean[:, t], widths[:, t], threshold)
                yield "lower", t, lower.tolist()
                yield "upper", t, upper.tolist()
            return
        sets = conformal_sets(conformal_class_scores(combined.prediction["log_probabilities"]), self.values[0], classes)
        yield "prediction set", 0, list(sets)
        yield "set size", 0, [len(one) for one in sets]


def check_conformal_coverage(coverage: float) -> None:
    """Raise UsageError if a coverage is not between 0 and 1."""
    if not 0 < coverage < 1:
        raise UsageError("--conformal", f"must be above 0 and below 1, got {coverage:g}", "Give .95 for 95 %.")


def fit_conformal_thresholds(
    runs: Sequence[Run],
    models: Sequence[LoadedWithoutData],
    coverage: float,
    predict: PredictExamples,
    *,
    passes: bool,
    temperature: bool = False,
) -> ConformalThresholds:
    """Compute the thresholds from the validation part.

    Args:
        runs: One run, or several whose predictions are averaged.
        models: Their models.
        coverage: Between 0 and 1.
        predict: The predictor of the new examples.
        passes: True if it draws Monte Carlo passes.
        temperature: True if it uses a temperature.

    Raises:
        UsageError: A run has no validation part, or the runs have different ones.
        DataError: The data are needed, and are missing or have changed.
    """
    stored = None if passes or temperature or len(runs) > 1 else _stored_scores(runs[0], models[0])
    scores = _scores(models, predict) if stored is None else stored
    values = tuple(conformal_threshold(scores[:, t], coverage) for t in range(scores.shape[1]))
    training = models[0].experiment.training
    notices = []
    if len(scores) < (least := min_conformal_examples(coverage)):
        kind = "every interval is infinite" if isinstance(models[0].task, Regression) else "every set has all classes"
        notices.append(
            f"--conformal: the validation part has {counted(len(scores), 'example')}, too few for a coverage of "
            f"{coverage:g}, so {kind}. At least {least} are needed."
        )
    if training.early_stopping is not None or training.evaluate == "best":
        notices.append(
            "--conformal: the validation part also chose the epoch of the weights, so the coverage of "
            f"{coverage:g} is only approximate."
        )
    if temperature:
        notices.append(
            "--conformal: the temperature was fitted to the validation part, so the coverage of "
            f"{coverage:g} is only approximate."
        )
    return ConformalThresholds(coverage, values, tuple(notices))


def _stored_scores(run: Run, model: LoadedWithoutData) -> Array | None:
    """Return the (n, 1) scores that follow from `validation.npz`; None if they do not follow from it."""
    task = model.task
    if run.final_status != "completed":
        return None
    if run.summary().get("val") is None:
        raise _no_validation_part(run)
    if isinstance(task, Regression) and (task.heteroscedastic or len(task.targets.names) > 1):
        return None
    if not run.has_file(VALIDATION_FILE):
        return None
    arrays = npz.read_npz(run.read_unchanged(VALIDATION_FILE), str(run.path / VALIDATION_FILE))
    if STORED_SCORES[task.name] not in arrays:
        return None
    scores = arrays[STORED_SCORES[task.name]][:, None]
    if isinstance(task, Regression) and task.noise_sd is not None:
        return np.asarray(scores / np.array(task.noise_sd))
    return np.asarray(scores)


def _scores(models: Sequence[LoadedWithoutData], predict: PredictExamples) -> Array:
    """Return the (n, targets) or (n, 1) scores of the validation part, which is read from the data."""
    source = models[0].experiment.dataset
    if any(model.experiment.dataset != source for model in models):
        fact = "the runs have different data or parts, so no example is held out from all of them"
        raise UsageError("--conformal", fact, "Predict with one of the runs, or with runs of one split.")
    try:
        val = data.load_dataset(source, models[0].fitted).val
    except DataError as error:
        place, reason, _ = error.problems[0]
        fact = f"{reason} (--conformal needs the validation examples of the run)"
        raise DataError(place, fact, "Restore the data, or leave out --conformal.") from None
    if val is None or not len(val):
        raise _no_validation_part(None)
    combined = combine_runs(*zip(*(predict(model, val.x) for model in models), strict=True))
    if "mean" not in combined.prediction:
        scores = conformal_class_scores(combined.prediction["log_probabilities"])
        return np.take_along_axis(scores, val.labels[:, None], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(val.labels - combined.prediction["mean"]) / _widths(combined))


def _no_validation_part(run: Run | None) -> UsageError:
    name = "the run" if run is None else run.path.name
    return UsageError("--conformal", f"{name} has no validation part", "Train again with dataset.val_fraction above 0.")


def _widths(combined: CombinedRuns) -> Array:
    """Return the (N, targets) standard deviations that scale the intervals; 1 if none is known."""
    prediction, spread = combined.prediction, combined.uncertainties
    if "sd" in prediction:
        return np.asarray(prediction["sd"])
    if "model_sd" in spread:  # a standard deviation of 0 is left out of the prediction
        return np.asarray(np.hypot(spread["model_sd"], spread["noise_sd"]))
    return np.ones_like(prediction["mean"])
