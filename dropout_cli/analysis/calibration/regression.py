"""Calibration of a finished regression run: without noise, and with Monte Carlo passes.

Without noise an example has a normal distribution. T passes with means m_t have two: the normal distribution with
their mean and the variance var_t m_t + s2, and the mixture of N(m_t, s2'). Each has its own noise, estimated by maximum
likelihood on the validation part (metrics.pass_noise). A network that predicts its variances takes their place.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from dropout_cli.analysis import mc_notices
from dropout_cli.analysis.calibration.targets import TargetDistributions, study_target_calibration
from dropout_cli.analysis.inspection import Inspection
from dropout_cli.analysis.predictors import find_part, with_target_error
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part
from dropout_cli.nn.layers.base import Layer
from dropout_cli.runs import Run
from dropout_cli.tasks import Prediction, Regression
from dropout_cli.training import forward_passes, pass_noise, restore
from dropout_cli.training.restore import LoadedModel
from dropout_cli.training.setup import thread_limit

NOT_HELD_OUT = "--calibration: the noise of the targets was estimated on these examples, so it fits them too well."


def inspect_regression_calibration(
    run: Run,
    *,
    split: str = "test",
    checkpoint: str | None = None,
    passes: int | None = None,
    all_noise: bool = False,
    allow_changed_data: bool = False,
) -> Inspection:
    """Return the calibration of a regression on one part of the data.

    Args:
        run: A run with a checkpoint.
        split: `train`, `val` or `test`.
        checkpoint: `best` or `last`; None: the one that the summary names.
        passes: Number of passes with noise; None: none.
        all_noise: True to draw the noise of the training, too.
        allow_changed_data: True to accept data that differ from those of the training.

    Raises:
        UsageError: The run is no regression, has no such part or checkpoint, or its predictions are not finite.
        DataError: The data are missing or have changed.
        RunFailed: The checkpoint is damaged.
    """
    trained = restore.load_model(run, checkpoint, allow_changed_data=allow_changed_data)
    part, task = find_part(trained, split), trained.task
    if not isinstance(task, Regression):
        raise UsageError(str(run.path), "predicts classes, not numbers", "Give a run of a regression.")
    with thread_limit(trained.experiment), trained.learner.averaged() as network:
        predicted, notices = _distributions(trained, network, part, passes, all_noise)
    if not all(np.isfinite(one.means).all() and np.isfinite(one.sds).all() for one in predicted.values()):
        raise UsageError(str(run.path), "its predictions are not finite numbers", "Choose another checkpoint or run.")
    held_out = "val" if trained.dataset.val is not None else "train"
    if task.needs_passes and split == held_out:
        notices.append(NOT_HELD_OUT)
    study = study_target_calibration(predicted, part.labels, task.targets.names, split)
    about: dict[str, Any] = {"split": split, "checkpoint": trained.checkpoint}
    folder, title = f"calibration-{split}-{trained.checkpoint}", f"{study.title[:-1]}, checkpoint {trained.checkpoint}"
    if passes is not None:
        about |= {"mc": passes, "mc_noise": "all" if all_noise else "dropout"}
        folder += f"-mc{passes}" + "-all-noise" * all_noise
        title += f", {counted(passes, 'Monte Carlo pass')}" + " with all noise" * all_noise
    return replace(study, folder=folder, title=f"{title})", numbers=about | dict(study.numbers), notices=notices)


def stored_regression_calibration(stored: Mapping[str, Array], names: tuple[str, ...]) -> Inspection | None:
    """Return the calibration of the stored test predictions; None if they have no `sd`.

    Args:
        stored: The arrays of `predictions.npz`.
        names: Names of the targets.
    """
    if "sd" not in stored or not (np.isfinite(stored["mean"]).all() and np.isfinite(stored["sd"]).all()):
        return None
    predicted = {"weight_scaling": _normal("no noise", stored)}
    return study_target_calibration(predicted, stored["labels"], names, "test")


def _distributions(
    trained: LoadedModel, network: Layer, part: Part, passes: int | None, all_noise: bool
) -> tuple[dict[str, TargetDistributions], list[str]]:
    """Return name of a predictor -> distributions of a part, and notices."""
    dataset, experiment = trained.dataset, trained.experiment
    batch, task = experiment.training.evaluation_batch, with_target_error(trained, network)
    scaled = task.predict(forward_passes.outputs(network, dataset, part, batch=batch))
    found = {"weight_scaling": _normal("no noise", scaled)}
    if passes is None:
        return found, []
    notices = mc_notices.no_noise_notice(network, dataset, part, experiment, all_noise)
    noisy = pass_noise.fit_pass_noise(task, network, dataset, experiment, count=passes, training_noise=all_noise)
    assert isinstance(noisy, Regression)
    notices += noisy.notices()
    if dataset.val is None and noisy.needs_passes:
        notices.append(mc_notices.NOISE_FROM_TRAINING)
    drawn = list(
        forward_passes.noisy_passes(
            network, dataset, part, seed=experiment.seed, count=passes, batch=batch, training_noise=all_noise
        )
    )
    normal = _normal("Monte Carlo, normal", noisy.combine_passes(drawn).predictions["monte_carlo"])
    mixture = TargetDistributions("Monte Carlo, mixture", *noisy.pass_components(drawn))
    return {**found, "monte_carlo": normal, "monte_carlo_mixture": mixture}, notices


def _normal(label: str, prediction: Prediction) -> TargetDistributions:
    """Return normal distributions; without a standard deviation their width is 0."""
    mean = np.asarray(prediction["mean"], np.float64)
    sd = np.asarray(prediction.get("sd", np.zeros_like(mean)), np.float64)
    return TargetDistributions(label, mean[None], sd[None])
