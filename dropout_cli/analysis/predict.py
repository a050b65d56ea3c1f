"""Predict new data with a finished run, in chunks of some thousand rows.

Only the run folder and the file are needed: the preprocessing that was fitted to the training examples is stored with
the run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dropout_cli.analysis import mc_notices
from dropout_cli.analysis.prediction_input import read_input
from dropout_cli.core.types import Array
from dropout_cli.data.cache import require_regular_file
from dropout_cli.data.dataset import Dataset, Part
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.metrics import predicted_classes
from dropout_cli.runs import Run
from dropout_cli.tasks import CombinedPasses, Prediction, Regression
from dropout_cli.training import forward_passes, restore
from dropout_cli.training.restore import LoadedWithoutData
from dropout_cli.training.setup import thread_limit

UNCERTAINTIES = ("predictive_entropy", "mutual_information", "model_sd", "noise_sd")
"""Uncertainties of Monte-Carlo passes that become columns."""


@dataclass(frozen=True)
class PredictedRows:
    """Some rows of the file, with their predictions."""

    names: tuple[str, ...]
    """Names of the columns: first those of the file, then the predicted ones."""
    rows: list[list[Any]]
    """Cells: text, number, bool or None. Cells of the file are unchanged."""
    file_columns: int
    """Number of columns that come from the file."""
    notices: tuple[str, ...]
    """Notices for the user; each one comes with the first block that it is true of."""


def predict_file(
    run: Run, file: Path, *more: Path, passes: int | None = None, all_noise: bool = False
) -> Iterator[PredictedRows]:
    """Yield predictions for the rows of a file, or for images.

    The prediction of a row does not depend on the other rows, except for the rounding of float32: each pass draws one
    noise for all rows.

    Args:
        run: A run with a checkpoint.
        file: A table; for runs on arrays and images a .npy, .npz or IDX file; for runs on images also an image or a
            folder of images.
        more: Further images and folders of images.
        passes: Number of passes with noise to average; None: one pass without noise.
        all_noise: True to draw the noise of the training (`input_noise`, `hidden_noise`) in addition to dropout.

    Raises:
        UsageError: The run has no checkpoint, or there are several files that are not images.
        DataError: The file cannot be read, or does not fit the run.
        RunFailed: The checkpoint is damaged.
    """
    # A pipe without a writer would block for ever.
    for path in (file, *more):
        if not path.is_dir():
            require_regular_file(path)
    model = restore.load_without_data(run)
    pass_notices: tuple[str, ...] = ()
    if passes is not None:
        model, pass_notices = _for_passes(model, run, all_noise)
    reported: set[str] = set()
    with thread_limit(model.experiment), model.learner.averaged():
        for names, cells, x, notices in read_input(model, (file, *more)):
            prediction, combined = _predicted(model, x, passes, all_noise)
            added = list(_columns(model, prediction, combined, names))
            values = [column for _, column in added]
            rows = [[*own, *(column[i] for column in values)] for i, own in enumerate(cells)]
            # Every chunk may have the same notices; the user sees each of them once.
            fresh = tuple(dict.fromkeys(notice for notice in (*pass_notices, *notices) if notice not in reported))
            reported.update(fresh)
            yield PredictedRows((*names, *(name for name, _ in added)), rows, len(names), fresh)


def _for_passes(model: LoadedWithoutData, run: Run, all_noise: bool) -> tuple[LoadedWithoutData, tuple[str, ...]]:
    """Prepare a run for Monte-Carlo passes.

    Args:
        model: The model as it was stored.
        run: The run that it comes from.
        all_noise: True if the passes draw the noise of the training, too.

    Returns:
        The model, for regression with the noise of the targets that was estimated for such passes, and notices.
    """
    # One example of zeros is enough to see whether a pass draws anything.
    part, dataset = _as_data(model.fitted, np.zeros((1, *model.fitted.shape), np.float32))
    with model.learner.averaged() as network:
        notices = mc_notices.no_noise_notice(network, dataset, part, model.experiment, all_noise)
    task = model.task
    if isinstance(task, Regression) and task.needs_passes and task.noise_sd is not None and not notices:
        target_noise = restore.load_pass_noise(run, all_noise)
        task = replace(task, pass_noise=target_noise)
        notices = task.notices() if target_noise else [mc_notices.NOISE_COUNTED_TWICE]
    return replace(model, task=task), tuple(notices)


def _as_data(fitted: Preprocessing, x: Array) -> tuple[Part, Dataset]:
    """Return examples without labels as a part, and a dataset that consists of this part."""
    targets = len(fitted.targets.names) if fitted.targets else 0
    # The labels are never read, but a part has as many labels as examples.
    labels = np.zeros((len(x), targets)) if targets else np.zeros(len(x), np.intp)
    part = Part(x, labels, np.arange(len(x)))
    return part, Dataset("", part, None, part, fitted.classes, fitted.scaling, "", targets=fitted.targets)


def _predicted(
    model: LoadedWithoutData, x: Array, passes: int | None, all_noise: bool
) -> tuple[Prediction, CombinedPasses | None]:
    """Return the prediction for x and, with passes, all Monte-Carlo results."""
    batch, task, network = model.experiment.training.evaluation_batch, model.task, model.learner.network
    part, dataset = _as_data(model.fitted, x)
    if passes is None:
        return task.predict(forward_passes.outputs(network, dataset, part, batch=batch)), None
    seed = model.experiment.seed
    # shared: one noise for all rows, so that a prediction depends neither on other rows nor on the size of blocks.
    drawn = forward_passes.noisy_passes(
        network, dataset, part, seed=seed, count=passes, batch=batch, training_noise=all_noise, shared=True
    )
    combined = task.combine_passes(drawn)
    return combined.predictions["monte_carlo"], combined


def _columns(
    model: LoadedWithoutData, prediction: Prediction, combined: CombinedPasses | None, taken: Sequence[str]
) -> Iterator[tuple[str, list[Any]]]:
    """Yield name and values of each predicted column.

    Args:
        model: The model.
        prediction: Arrays of the task, one row per example.
        combined: Monte-Carlo results with uncertainties; None without passes.
        taken: Names of the columns of the file; a predicted column with such a name gets an underscore.
    """
    classes, task = model.fitted.classes, model.task
    columns: list[tuple[str, list[Any]]] = []
    if isinstance(task, Regression):
        names = task.targets.names
        for t, name in enumerate(names):
            end = "" if len(names) == 1 else f" {name}"
            columns.append((f"predicted{end}", prediction["mean"][:, t].tolist()))
            if "sd" in prediction:
                columns.append((f"sd{end}", prediction["sd"][:, t].tolist()))
            if combined is not None:
                columns += [(f"{key}{end}", values[:, t].tolist()) for key, values in combined.uncertainties.items()]
    else:
        probs = prediction["probabilities"]
        columns.append(("predicted", [classes[label] for label in predicted_classes(prediction).tolist()]))
        columns += [(f"probability {name}", probs[:, place].tolist()) for place, name in enumerate(classes)]
        if combined is not None:
            columns += [
                (key, values.tolist()) for key, values in combined.uncertainties.items() if key in UNCERTAINTIES
            ]
    for name, values in columns:
        # Two columns of one name could not be told apart in CSV, and would replace each other in JSON.
        while name in taken:
            name += "_"
        yield name, values
