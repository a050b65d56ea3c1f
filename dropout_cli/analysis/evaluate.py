"""What can be asked of a run once it is complete, or has stopped: its numbers anew, without and with noise.

Each answer goes to a folder of its own under `after/`, and the same question replaces it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dropout_cli import plots
from dropout_cli.analysis import mc_notices
from dropout_cli.core import npz
from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part
from dropout_cli.nn.layers.base import Layer
from dropout_cli.runs import FORMAT, Run, as_json
from dropout_cli.runs.summary import scored_train
from dropout_cli.tasks import Task
from dropout_cli.tasks.base import files
from dropout_cli.training import inference, pass_noise, restore
from dropout_cli.training.restore import LoadedModel
from dropout_cli.training.setup import computing


def evaluate(
    run: Run,
    *,
    split: str = "test",
    checkpoint: str | None = None,
    figures: bool = True,
    allow_changed_data: bool = False,
) -> dict[str, Any]:
    """Recompute the numbers of one part from a checkpoint; write them to `after/eval-<split>-<checkpoint>/`.

    `checkpoint`: `best` or `last`; None: the one that the summary names. Returns `split`,
    `checkpoint` and the part's numbers. Raises UsageError, DataError or RunFailed.
    """
    found = restore.load_model(run, checkpoint, allow_changed_data=allow_changed_data)
    part, dataset, settings = _part(found, split), found.dataset, found.experiment.training
    with computing(found.experiment), found.learner.averaged() as network:
        task = _calibrated(found, network)
        prediction = task.predict(inference.outputs(network, dataset, part, batch=settings.evaluation_batch))
    numbers = {"split": split, "checkpoint": found.checkpoint, **task.scores(prediction, part.labels)}
    made = files(task, prediction, part, title=f"{dataset.name}, {split}", figures=figures)
    run.write_after(name(numbers), made | {"metrics.json": as_json({"format": FORMAT} | numbers)})
    return numbers


def name(numbers: Mapping[str, Any]) -> str:
    """The folder under `after/` that holds these numbers."""
    passes = f"-mc{numbers['mc']}" if "mc" in numbers else ""
    passes += "-all-noise" if numbers.get("mc_noise") == "all" else ""
    return f"eval-{numbers['split']}-{numbers['checkpoint']}{passes}"


def draw(run: Run) -> Path:
    """Draw the figures of a complete run, such as a cell of a sweep, into `after/figures/`, and return that folder.

    Raises UsageError, DataError or RunFailed.
    """
    found = restore.load_model(run)
    test, dataset, settings = found.dataset.test, found.dataset, found.experiment.training
    with computing(found.experiment), found.learner.averaged() as network:
        task = _calibrated(found, network)
        prediction = task.predict(inference.outputs(network, dataset, test, batch=settings.evaluation_batch))
    made = task.figures(prediction, test, f"{dataset.name}, test")
    made |= plots.over_epochs(run.table("metrics.csv").columns(), found.learner.epoch, scored_train(len(dataset.train)))
    return run.write_after("figures", made)


def evaluate_with_noise(
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
    """Predict one part in every way there is; write it to `after/eval-<split>-<checkpoint>-mc<passes>/`.

    `passes` >= 1 noisy passes; `thinned` >= 0 sampled networks, scored one by one; `all_noise`: with the noise of the
    training beside that of the dropout. Returns `split`, `checkpoint`, `mc`, the numbers of `weight_scaling`,
    `monte_carlo` and, for classes, `geometric_mean`, those of the `thinned` networks with mean and standard deviation
    (None where there are none), and the means of the uncertainties; for quantities also the negative log-likelihoods
    `nll_gaussian`, that of `monte_carlo`, and `nll_log_mean_exp`, that of the mixture of the passes; and `notices`,
    where there is something to know, `mc_noise` where it is not the dropout alone.
    Tables and figures are those of the Monte-Carlo mean. Raises UsageError, DataError or RunFailed.
    """
    found = restore.load_model(run, checkpoint, allow_changed_data=allow_changed_data)
    part, dataset, settings = _part(found, split), found.dataset, found.experiment.training
    seed, batch = found.experiment.seed, settings.evaluation_batch
    with computing(found.experiment), found.learner.averaged() as network:
        task = _calibrated(found, network)
        scaled = task.predict(inference.outputs(network, dataset, part, batch=batch))
        noise: dict[str, Any] = {"seed": seed, "training_noise": all_noise}
        notices = mc_notices.without_noise(network, dataset, part, found.experiment, all_noise)
        beside = pass_noise.calibrated(task, network, dataset, found.experiment, count=passes, training_noise=all_noise)
        notices += beside.notices()
        if dataset.val is None and beside.needs_passes:
            notices.append(mc_notices.TRAINING_ERRORS)
        drawn = beside.combine(
            inference.passes(network, dataset, part, count=passes, batch=batch, **noise), part.labels
        )
        networks = [
            task.scores(task.predict(outputs), part.labels)
            for outputs in inference.thinned(network, dataset, part, count=thinned, **noise)
        ]
    ways = {"weight_scaling": scaled, **drawn.predictions}
    numbers: dict[str, Any] = {
        "split": split,
        "checkpoint": found.checkpoint,
        "mc": passes,
        **{name: task.scores(prediction, part.labels) for name, prediction in ways.items()},
        "thinned": _spread(networks, task.shown) if networks else None,
        **{name: float(values.mean()) for name, values in drawn.uncertainties.items()},
        **drawn.scores,
    }
    if drawn.scores:
        numbers["nll_gaussian"] = numbers["monte_carlo"]["nll"]
    if all_noise:
        numbers["mc_noise"] = "all"
    if notices:
        numbers["notices"] = notices
    title = f"{dataset.name}, {split}, {passes} Monte-Carlo passes"
    combined = drawn.predictions["monte_carlo"]
    made = files(task, combined, part, title=title, figures=figures)
    made["metrics.json"] = as_json({"format": FORMAT} | numbers)
    first = next(iter(scaled))
    others = {name: prediction[first] for name, prediction in ways.items() if name != "monte_carlo"}
    made["predictions.npz"] = npz.write(labels=part.labels, rows=part.rows, **combined, **others, **drawn.uncertainties)
    run.write_after(name(numbers), made)
    return numbers


def _calibrated(found: LoadedModel, network: Layer) -> Task:
    """The run's task, with the errors of this checkpoint on what was held out."""
    dataset, batch = found.dataset, found.experiment.training.evaluation_batch
    if found.task.name == "classification":
        return found.task
    part = dataset.val or dataset.train
    return found.task.calibrated(inference.outputs(network, dataset, part, batch=batch), part.labels)


def _part(found: LoadedModel, split: str) -> Part:
    part = found.dataset.part(split)
    if part is None:
        raise UsageError("--split", f"this run has no {split} part", "Its dataset.val_fraction is 0.")
    return part


def _spread(networks: Sequence[dict[str, Any]], numbers: Sequence[str]) -> dict[str, Any]:
    """The scores of each network, their mean, and their standard deviation, of a sample; None for that of one."""
    values: Array = np.array([[network[name] for name in numbers] for network in networks], np.float64)
    sd = values.std(axis=0, ddof=1).tolist() if len(networks) > 1 else [None] * len(numbers)
    return {
        "networks": [dict(zip(numbers, row, strict=True)) for row in values.tolist()],
        "mean": dict(zip(numbers, values.mean(axis=0).tolist(), strict=True)),
        "sd": dict(zip(numbers, sd, strict=True)),
    }
