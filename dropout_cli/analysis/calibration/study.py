"""The study `eval --calibration`: can the probabilities of a classifier be believed?

It has a reliability diagram and the calibration errors of each predictor: without noise, and the mean of Monte Carlo
passes if they are asked for. Predictors with a stored temperature are shown with it, too.
"""

from typing import Any

from dropout_cli.analysis.calibration.regression import inspect_regression_calibration
from dropout_cli.analysis.calibration.temperature_store import (
    apply_to_prediction,
    find_temperatures,
    pass_kind,
    temperature_text,
)
from dropout_cli.analysis.calibration.text import describe_calibration
from dropout_cli.analysis.inspection import Inspection
from dropout_cli.analysis.predictors import find_part, predict_part
from dropout_cli.metrics import ClassPredictions
from dropout_cli.runs import Run
from dropout_cli.tasks import Regression
from dropout_cli.training import restore
from dropout_cli.training.setup import thread_limit

LABELS = {"weight_scaling": "no noise", "monte_carlo": "Monte Carlo"}
"""Predictor -> its short name for people."""
KEPT = "{}: the stored temperature is 1, which changes nothing, so it has no column of its own."
FITTED_HERE = "The temperatures were fitted to this part: with them, its numbers are too good."


def inspect_calibration(
    run: Run,
    *,
    split: str = "test",
    checkpoint: str | None = None,
    passes: int | None = None,
    all_noise: bool = False,
    allow_changed_data: bool = False,
) -> Inspection:
    """Measure the calibration of a run on one part of its data.

    A classification has probabilities, a regression predicted distributions.

    Args:
        run: A run with a checkpoint.
        split: `train`, `val` or `test`.
        checkpoint: `best` or `last`; None: the one that the summary names.
        passes: Number of Monte Carlo passes; None: only the predictor without noise.
        all_noise: True if the passes draw the noise of the training, too.
        allow_changed_data: True to accept data that differ from those of the training.

    Raises:
        UsageError: The run has no such part or checkpoint.
        DataError: The data are missing or have changed.
        RunFailed: A file of the run is damaged.
    """
    trained = restore.load_model(run, checkpoint, allow_changed_data=allow_changed_data)
    part = find_part(trained, split)
    if isinstance(trained.task, Regression):
        return inspect_regression_calibration(
            run,
            split=split,
            checkpoint=checkpoint,
            passes=passes,
            all_noise=all_noise,
            allow_changed_data=allow_changed_data,
        )
    with thread_limit(trained.experiment), trained.learner.averaged() as network:
        found = predict_part(trained, network, trained.task, part, passes=passes, all_noise=all_noise, scored=False)
    stored = find_temperatures(run, trained.checkpoint)
    predictions, notices = {}, list(found.notices)
    for name, kind in (("weight_scaling", "weight_scaling"), ("monte_carlo", pass_kind(all_noise))):
        if name not in found.predictions:
            continue
        predictions[LABELS[name]] = found.predictions[name]
        if kind in stored and stored[kind].temperature == 1:
            notices.append(KEPT.format(LABELS[name]))
        elif kind in stored:
            label = f"{LABELS[name]}, temperature {temperature_text(stored[kind].temperature)}"
            predictions[label] = apply_to_prediction(found.predictions[name], stored[kind].temperature)
            notices += stored[kind].notices(passes)
            notices += [FITTED_HERE] if split == "val" else []
    given = {
        label: ClassPredictions.of(
            one["probabilities"], part.labels, trained.dataset.classes, one.get("log_probabilities")
        )
        for label, one in predictions.items()
    }
    about: dict[str, Any] = {"split": split, "checkpoint": trained.checkpoint}
    ending = ""
    if passes is not None:
        about["mc"], ending = passes, f"-mc{passes}"
    if all_noise:
        about["mc_noise"], ending = "all", f"{ending}-all-noise"
    folder = f"calibration-{split}-{trained.checkpoint}{ending}"
    return describe_calibration(given, split, folder=folder, about=about, notices=list(dict.fromkeys(notices)))
