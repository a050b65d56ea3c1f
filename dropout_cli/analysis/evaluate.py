"""Evaluate a finished or stopped run again, without noise or with Monte Carlo dropout.

Monte Carlo dropout averages the outputs of several passes with noise (Gal and Ghahramani 2016, arXiv:1506.02142). The
results of each evaluation go to a folder of their own under `after/`; the same evaluation replaces them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dropout_cli import plots
from dropout_cli.analysis.predictors import find_part, predict_part, with_target_error
from dropout_cli.core import npz
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.metrics.mutual_information import corrected_mutual_information
from dropout_cli.runs import FORMAT, Run, json_bytes
from dropout_cli.runs.summary import describe_scored_train
from dropout_cli.tasks.base import task_files
from dropout_cli.training import forward_passes, restore
from dropout_cli.training.setup import thread_limit


def evaluate_run(
    run: Run,
    *,
    split: str = "test",
    checkpoint: str | None = None,
    figures: bool = True,
    allow_changed_data: bool = False,
) -> dict[str, Any]:
    """Compute the numbers of one part of the data again from a checkpoint.

    They are written to `after/eval-<split>-<checkpoint>/`.

    Args:
        run: A run with a checkpoint.
        split: `train`, `val` or `test`.
        checkpoint: `best` or `last`; None: the one that the summary names.
        figures: True to draw figures, too.
        allow_changed_data: True to accept data that differ from those of the training.

    Returns:
        `split`, `checkpoint` and the numbers of the part.

    Raises:
        UsageError: The run has no such part or checkpoint.
        DataError: The data are missing or have changed.
        RunFailed: The checkpoint is damaged, or the files cannot be written.
    """
    trained = restore.load_model(run, checkpoint, allow_changed_data=allow_changed_data)
    part, dataset, settings = find_part(trained, split), trained.dataset, trained.experiment.training
    with thread_limit(trained.experiment), trained.learner.averaged() as network:
        task = with_target_error(trained, network)
        prediction = task.predict(forward_passes.outputs(network, dataset, part, batch=settings.evaluation_batch))
    numbers = {"split": split, "checkpoint": trained.checkpoint, **task.scores(prediction, part.labels)}
    written = task_files(task, prediction, part, title=f"{dataset.name}, {split}", figures=figures)
    run.write_result(eval_folder_name(numbers), written | {"metrics.json": json_bytes({"format": FORMAT} | numbers)})
    return numbers


def eval_folder_name(numbers: Mapping[str, Any]) -> str:
    """Return the name of the folder under `after/` that holds these numbers."""
    passes = f"-mc{numbers['mc']}" if "mc" in numbers else ""
    # Part of the name, so that evaluations with different noise do not replace each other.
    passes += "-all-noise" if numbers.get("mc_noise") == "all" else ""
    return f"eval-{numbers['split']}-{numbers['checkpoint']}{passes}"


def draw_run_figures(run: Run) -> Path:
    """Draw the figures of a complete run into `after/figures/`, and return that folder.

    The runs of a sweep have no figures until they are drawn here.

    Raises:
        UsageError: The run has no checkpoint.
        DataError: The data are missing or have changed.
        RunFailed: The checkpoint is damaged, or the files cannot be written.
    """
    return run.write_result("figures", run_figures(run))


def run_figures(run: Run) -> dict[str, bytes]:
    """Draw the figures of a complete run.

    Args:
        run: A run with a checkpoint.

    Returns:
        File name -> image.

    Raises:
        UsageError: The run has no checkpoint.
        DataError: The data are missing or have changed.
        RunFailed: The checkpoint is damaged.
    """
    trained = restore.load_model(run)
    test, dataset, settings = trained.dataset.test, trained.dataset, trained.experiment.training
    with thread_limit(trained.experiment), trained.learner.averaged() as network:
        task = with_target_error(trained, network)
        prediction = task.predict(forward_passes.outputs(network, dataset, test, batch=settings.evaluation_batch))
    figures = task.figures(prediction, test, f"{dataset.name}, test")
    return figures | plots.epoch_figures(
        run.table("metrics.csv").columns(), trained.learner.epoch, describe_scored_train(len(dataset.train))
    )


def evaluate_monte_carlo(
    run: Run,
    passes: int,
    *,
    thinned: int = 10,
    split: str = "test",
    checkpoint: str | None = None,
    all_noise: bool = False,
    figures: bool = True,
    allow_changed_data: bool = False,
) -> dict[str, Any]:
    """Evaluate one part without noise, with Monte Carlo dropout, and with sampled networks.

    The results are written to `after/eval-<split>-<checkpoint>-mc<passes>/`. Tables and figures are those of the
    Monte Carlo mean.

    Args:
        run: A run with a checkpoint.
        passes: Number of passes with noise, at least 1.
        thinned: Number of sampled networks that are scored one by one, at least 0.
        split: `train`, `val` or `test`.
        checkpoint: `best` or `last`; None: the one that the summary names.
        all_noise: True to draw the noise of the training (`input_noise`, `hidden_noise`) in addition to dropout.
        figures: True to draw figures, too.
        allow_changed_data: True to accept data that differ from those of the training.

    Returns:
        `split`, `checkpoint` and `mc` (the number of passes); the numbers of `weight_scaling`, `monte_carlo` and, for
        classification, `geometric_mean`; those of the `thinned` networks with mean and standard deviation, or None;
        the means of the uncertainties. For classification also `mutual_information_corrected`, the mean of the mutual
        information corrected for the number of passes (None for one pass). For regression also the negative
        log-likelihoods `nll_gaussian`, that of `monte_carlo`, and `nll_log_mean_exp`, that of the mixture of the
        passes. `mc_noise` if `all_noise` is set, and `notices` if there are any.

    Raises:
        UsageError: The run has no such part or checkpoint.
        DataError: The data are missing or have changed.
        RunFailed: The checkpoint is damaged, or the files cannot be written.
    """
    trained = restore.load_model(run, checkpoint, allow_changed_data=allow_changed_data)
    part, dataset, settings = find_part(trained, split), trained.dataset, trained.experiment.training
    with thread_limit(trained.experiment), trained.learner.averaged() as network:
        task = with_target_error(trained, network)
        found = predict_part(trained, network, task, part, passes=passes, all_noise=all_noise)
        networks = [
            task.scores(task.predict(outputs), part.labels)
            for outputs in forward_passes.sampled_networks(
                network,
                dataset,
                part,
                seed=trained.experiment.seed,
                count=thinned,
                batch=settings.evaluation_batch,
                training_noise=all_noise,
            )
        ]
    numbers: dict[str, Any] = {
        "split": split,
        "checkpoint": trained.checkpoint,
        "mc": passes,
        **{name: task.scores(prediction, part.labels) for name, prediction in found.predictions.items()},
        "thinned": _spread(networks, task.displayed_metrics) if networks else None,
        **{name: float(values.mean()) for name, values in found.uncertainties.items()},
        **_corrected(found.uncertainties, passes),
        **found.scores,
    }
    # Only regression has further scores, and with them a second likelihood.
    if found.scores:
        numbers["nll_gaussian"] = numbers["monte_carlo"]["nll"]
    # The usual noise is not noted: folders of older versions do not have the key either.
    if all_noise:
        numbers["mc_noise"] = "all"
    if found.notices:
        numbers["notices"] = found.notices
    title = f"{dataset.name}, {split}, {counted(passes, 'Monte Carlo pass')}"
    combined = found.predictions["monte_carlo"]
    written = task_files(task, combined, part, title=title, figures=figures)
    written["metrics.json"] = json_bytes({"format": FORMAT} | numbers)
    # The first array of a prediction is the main one: probabilities or mean.
    first = next(iter(combined))
    others = {name: prediction[first] for name, prediction in found.predictions.items() if name != "monte_carlo"}
    written["predictions.npz"] = npz.write_npz(
        labels=part.labels, rows=part.rows, **combined, **others, **found.uncertainties
    )
    run.write_result(eval_folder_name(numbers), written)
    return numbers


def _corrected(uncertainties: Mapping[str, Array], passes: int) -> dict[str, float | None]:
    """Return the mean corrected mutual information; None for one pass."""
    if "mutual_information" not in uncertainties:
        return {}
    plain, largest = uncertainties["mutual_information"], uncertainties["predictive_entropy"]
    mean = float(corrected_mutual_information(plain, largest, passes).mean()) if passes > 1 else None
    return {"mutual_information_corrected": mean}


def _spread(networks: Sequence[dict[str, Any]], numbers: Sequence[str]) -> dict[str, Any]:
    """Return the scores of each network, their mean, and their sample standard deviation.

    Args:
        networks: Metric -> value, for each network; at least one.
        numbers: The metrics to keep.
    """
    values: Array = np.array([[network[name] for name in numbers] for network in networks], np.float64)
    # One network has no sample standard deviation.
    sd = values.std(axis=0, ddof=1).tolist() if len(networks) > 1 else [None] * len(numbers)
    return {
        "networks": [dict(zip(numbers, row, strict=True)) for row in values.tolist()],
        "mean": dict(zip(numbers, values.mean(axis=0).tolist(), strict=True)),
        "sd": dict(zip(numbers, sd, strict=True)),
    }
