"""Predict new data with finished runs, in chunks of some thousand rows.

Only the run folders and the file are needed: the preprocessing that was fitted to the training examples is stored with
each run.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.analysis import mc_notices
from dropout_cli.analysis.calibration.conformal import check_conformal_coverage, fit_conformal_thresholds
from dropout_cli.analysis.calibration.temperature_store import (
    StoredTemperature,
    apply_to_prediction,
    pass_kind,
    require_temperature,
)
from dropout_cli.analysis.combine_runs import combine_runs
from dropout_cli.analysis.prediction_columns import predicted_columns
from dropout_cli.analysis.prediction_input import read_input_of_all
from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.data.cache import require_regular_file
from dropout_cli.runs import Run
from dropout_cli.tasks import Prediction, Regression
from dropout_cli.training import forward_passes, restore
from dropout_cli.training.restore import LoadedWithoutData
from dropout_cli.training.setup import thread_limit

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class PredictedRows:
    """Some rows of the file, with their predictions."""

    names: tuple[str, ...]
    """Names of the columns: first those of the file, then the predicted ones."""
    rows: list[list[Any]]
    """Cells: text, number, bool, None, or a tuple of classes. Cells of the file are unchanged."""
    file_columns: int
    """Number of columns that come from the file."""
    notices: tuple[str, ...]
    """Notices for the user; each one comes with the first block that it is true of."""


def predict_file(
    run: Run | Sequence[Run],
    file: Path,
    *more: Path,
    passes: int | None = None,
    all_noise: bool = False,
    temperature: bool = False,
    missing: Sequence[str] = (),
    conformal: float | None = None,
) -> Iterator[PredictedRows]:
    """Yield predictions for the rows of a file, or for images.

    The prediction of a row does not depend on the other rows, except for the rounding of float32: each pass draws one
    noise for all rows.

    Args:
        run: A run with a checkpoint, or several runs of one setting, whose predictions are averaged.
        file: A table; for runs on arrays and images a .npy, .npz or IDX file; for runs on images also an image or a
            folder of images.
        more: Further images and folders of images.
        passes: Number of passes with noise to average; None: one pass without noise.
        all_noise: True to draw the noise of the training (`input_noise`, `hidden_noise`) in addition to dropout.
        temperature: True to use the temperature that is stored beside each run for this predictor.
        missing: Texts that stand for a missing value in a table, in addition to those of the training.
        conformal: Coverage of split-conformal intervals or sets of classes, between 0 and 1; None: none.

    Raises:
        UsageError: A run has no checkpoint or no temperature, the runs predict different classes or targets, or there
            are several files that are not images.
        DataError: The file cannot be read, or does not fit the runs.
        RunFailed: A checkpoint is damaged.
    """
    # A pipe without a writer would block for ever.
    for path in (file, *more):
        if not path.is_dir():
            require_regular_file(path)
    yield from predict_data(
        run,
        (file, *more),
        passes=passes,
        all_noise=all_noise,
        temperature=temperature,
        missing=missing,
        conformal=conformal,
    )


def predict_data(
    run: Run | Sequence[Run],
    given: "Sequence[Path] | DataFrame | Array",
    *,
    passes: int | None = None,
    all_noise: bool = False,
    temperature: bool = False,
    missing: Sequence[str] = (),
    conformal: float | None = None,
) -> Iterator[PredictedRows]:
    """Yield predictions for files, or for a table or an array in memory.

    Args:
        run: As in `predict_file`.
        given: Files as in `predict_file`; or a table with the columns of the training; or (N, ...) numbers in the shape
            of the examples.
        passes: As in `predict_file`.
        all_noise: As in `predict_file`.
        temperature: As in `predict_file`.
        missing: As in `predict_file`.
        conformal: As in `predict_file`.

    Raises:
        UsageError: As in `predict_file`.
        DataError: The data do not fit the runs, or `conformal` needs those of the training.
        RunFailed: A checkpoint is damaged.
    """
    if conformal is not None:
        check_conformal_coverage(conformal)
    runs = [run] if isinstance(run, Run) else list(run)
    models = [restore.load_without_data(one) for one in runs]
    _check_alike(runs, models)
    pass_notices: tuple[str, ...] = ()
    if passes is not None:
        pairs = [_for_passes(model, one, all_noise) for model, one in zip(models, runs, strict=True)]
        models, pass_notices = [model for model, _ in pairs], tuple(text for _, texts in pairs for text in texts)
    pairs_of_runs = zip(runs, models, strict=True) if temperature else ()
    stored = {id(model): _stored_temperature(run, model, passes, all_noise, len(runs)) for run, model in pairs_of_runs}
    pass_notices += tuple(text for one in stored.values() for text in one.notices(passes))

    def predict(model: LoadedWithoutData, x: Array) -> tuple[Prediction, Mapping[str, Array]]:
        """Return the prediction with the temperature of the model, and the uncertainties of its passes."""
        prediction, uncertainties = _predicted(model, x, passes, all_noise)
        known = stored.get(id(model))
        return (prediction if known is None else apply_to_prediction(prediction, known.temperature)), uncertainties

    reported: set[str] = set()
    with ExitStack() as stack:
        stack.enter_context(thread_limit(models[0].experiment))
        for model in models:
            stack.enter_context(model.learner.averaged())
        thresholds = None
        if conformal is not None:
            thresholds = fit_conformal_thresholds(
                runs, models, conformal, predict, passes=passes is not None, temperature=temperature
            )
            pass_notices += thresholds.notices
        for inputs in read_input_of_all(models, given, missing):
            names, cells, _, _ = inputs[0]
            each = [predict(model, x) for model, (_, _, x, _) in zip(models, inputs, strict=True)]
            combined = combine_runs(*zip(*each, strict=True))
            added = list(predicted_columns(models[0], combined, names, thresholds))
            values = [column for _, column in added]
            rows = [[*own, *(column[i] for column in values)] for i, own in enumerate(cells)]
            # Every chunk and every run may have the same notices; the user sees each of them once.
            notices = (*pass_notices, *(notice for _, _, _, texts in inputs for notice in texts))
            fresh = tuple(dict.fromkeys(notice for notice in notices if notice not in reported))
            reported.update(fresh)
            yield PredictedRows((*names, *(name for name, _ in added)), rows, len(names), fresh)


def _check_alike(runs: Sequence[Run], models: Sequence[LoadedWithoutData]) -> None:
    """Raise UsageError if runs have other classes, targets or columns than the first."""
    first = models[0].fitted
    for run, model in zip(runs, models, strict=True):
        fitted = model.fitted
        ours, theirs = (one.targets.names if one.targets else () for one in (first, fitted))
        facts = {
            "classes": (first.classes, fitted.classes),
            "targets": (ours, theirs),
            "columns": tuple(tuple(column.name for column in one.columns) for one in (first, fitted)),
            "sizes of an example": (first.shape, fitted.shape) if not first.columns else ((), ()),
        }
        for name, (one, other) in facts.items():
            if one != other:
                fact = f"has other {name} than {runs[0].path.name}, so their predictions cannot be averaged"
                raise UsageError(str(run.path), fact, "Predict with each run by itself.")


def _for_passes(model: LoadedWithoutData, run: Run, all_noise: bool) -> tuple[LoadedWithoutData, tuple[str, ...]]:
    """Prepare a run for Monte Carlo passes.

    Args:
        model: The model as it was stored.
        run: The run that it comes from.
        all_noise: True if the passes draw the noise of the training, too.

    Returns:
        The model, for regression with the noise of the targets that was estimated for such passes, and notices.
    """
    # One example of zeros is enough to see whether a pass draws anything.
    dataset = model.fitted.unlabeled_dataset(np.zeros((1, *model.fitted.shape), np.float32))
    with model.learner.averaged() as network:
        notices = mc_notices.no_noise_notice(network, dataset, dataset.train, model.experiment, all_noise)
    task = model.task
    if isinstance(task, Regression) and task.needs_passes and task.noise_sd is not None and not notices:
        target_noise = restore.load_pass_noise(run, all_noise)
        task = replace(task, pass_noise=target_noise)
        notices = task.notices() if target_noise else [mc_notices.NOISE_COUNTED_TWICE]
    return replace(model, task=task), tuple(notices)


def _stored_temperature(
    run: Run, model: LoadedWithoutData, passes: int | None, all_noise: bool, runs: int
) -> StoredTemperature:
    """Return the temperature of the predictor in use.

    Raises:
        UsageError: The run is a regression, or has no such temperature.
    """
    if model.task.name != "classification":
        raise UsageError("--temperature", f"needs a classification, and {run.name} is a regression", "Leave it out.")
    return require_temperature(run, "weight_scaling" if passes is None else pass_kind(all_noise), runs)


def _predicted(
    model: LoadedWithoutData, x: Array, passes: int | None, all_noise: bool
) -> tuple[Prediction, Mapping[str, Array]]:
    """Return the prediction for x and, with passes, the uncertainties."""
    batch, task, network = model.experiment.training.evaluation_batch, model.task, model.learner.network
    dataset = model.fitted.unlabeled_dataset(x)
    part = dataset.train
    if passes is None:
        return task.predict(forward_passes.outputs(network, dataset, part, batch=batch)), {}
    seed = model.experiment.seed
    # shared: one noise for all rows, so that a prediction depends neither on other rows nor on the size of blocks.
    drawn = forward_passes.noisy_passes(
        network, dataset, part, seed=seed, count=passes, batch=batch, training_noise=all_noise, shared=True
    )
    combined = task.combine_passes(drawn)
    return combined.predictions["monte_carlo"], combined.uncertainties
