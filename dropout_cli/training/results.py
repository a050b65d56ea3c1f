"""The results of a trained run: evaluation, files, figures, summary and manifest."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dropout_cli import config, plots
from dropout_cli.core import environment, npz
from dropout_cli.data.dataset import Part
from dropout_cli.metrics import PARTS, VALIDATION_FILE, predicted_classes, validation_bytes
from dropout_cli.nn.layers.base import Layer
from dropout_cli.runs import FORMAT, Run, json_bytes
from dropout_cli.runs.summary import describe_scored_train
from dropout_cli.runs.timings import read_timings
from dropout_cli.tasks import Task
from dropout_cli.tasks.base import Prediction, task_files
from dropout_cli.training import convergence, pass_noise, yardstick, yardstick_messages
from dropout_cli.training.checkpoint import Snapshot
from dropout_cli.training.forward_passes import outputs
from dropout_cli.training.monte_carlo import MONTE_CARLO_FILE, MonteCarloResults, score_monte_carlo
from dropout_cli.training.setup import PreparedExperiment
from dropout_cli.training.warm_start import teacher_scores


@dataclass(frozen=True)
class Evaluation:
    """Predictions and scores of a trained network on every part of its data."""

    task: Task
    """With what it learned from the held-out part."""
    parts: Mapping[str, Part]
    """Name -> examples, for the parts that exist."""
    predictions: Mapping[str, Prediction]
    scores: Mapping[str, dict[str, Any]]
    dropout_report: Any
    """The variant's entry of the summary."""
    pass_noise: Mapping[str, Any]
    """The entry of the summary about noisy passes; empty where there is none."""
    monte_carlo: MonteCarloResults
    """Scores of the numbers of passes in the config."""


def finish_run(
    prepared: PreparedExperiment, run: Run, best: Snapshot | None, *, figures: bool, yardsticks: Path | None
) -> dict[str, Any]:
    """Evaluate the selected checkpoint, write all results, and return the summary.

    Args:
        prepared: The experiment with its trained learner, which has the best weights afterwards if they are selected.
        run: The locked run folder.
        best: The best epoch, if there is a validation part.
        figures: Whether to draw figures.
        yardsticks: Folder of shared numbers of simple models, see `yardstick.measured`.
    """
    experiment, learner = prepared.experiment, prepared.learner
    started = time.perf_counter()
    warnings = learner.network.warnings()
    trained_epochs, trained_steps = learner.epoch, learner.step
    if experiment.training.evaluate == "best" and best is not None:
        best.restore(learner)
    evaluation = evaluate_parts(prepared)
    _write_predictions(evaluation, prepared, run, figures)
    history = run.table("metrics.csv").columns()
    if figures:
        run.write_files(plots.epoch_figures(history, learner.epoch, describe_scored_train(len(prepared.dataset.train))))
    simple = yardstick.measure_yardsticks(prepared, trained_steps, yardsticks)
    if simple is not None:
        run.write(yardstick_messages.YARDSTICK_FILE, npz.write_npz(**simple.predicted, rows=prepared.dataset.test.rows))
    if evaluation.monte_carlo.arrays:
        run.write(MONTE_CARLO_FILE, npz.write_npz(**evaluation.monte_carlo.arrays))
    warnings += evaluation.monte_carlo.warnings
    moving = convergence.unconverged(learner.network.learned_columns(), history)
    warnings += [convergence.convergence_warning(name) for name in moving]
    summary = {
        "format": FORMAT,
        "task": evaluation.task.name,
        **evaluation.task.fitted_state(),
        **evaluation.pass_noise,
        **{name: evaluation.scores.get(name) for name in PARTS},
        **evaluation.monte_carlo.summary,
        "yardstick": None if simple is None else simple.numbers,
        **_training_facts(prepared, run, trained_epochs),
        "dropout": evaluation.dropout_report,
        "teacher": _teacher(prepared, evaluation.predictions["test"]),
        "still_moving": moving,
        "warnings": warnings,
        "parameters": sum(one.value.size for one in learner.network.parameters().values()),
        **_cost(run, started),
        "config": config.to_dict(experiment),
    }
    for text in filter(None, (yardstick_messages.dummy_warning(summary), *warnings)):
        run.append_log(text)
    run.write("summary.json", json_bytes(summary))
    run.record_status("completed")
    run.write_manifest()
    return summary


def evaluate_parts(prepared: PreparedExperiment) -> Evaluation:
    """Evaluate the network on the training, validation and test part."""
    experiment, dataset, batch = prepared.experiment, prepared.dataset, prepared.experiment.training.evaluation_batch
    parts = {name: part for name in PARTS if (part := dataset.part(name)) is not None}
    with prepared.learner.averaged() as network:
        scored = {name: outputs(network, dataset, part, batch=batch) for name, part in parts.items()}
        dropout_report = experiment.dropout.report(network, lambda: _test_number(prepared, network))
        learned = pass_noise.summarize_pass_noise(prepared.task, network, dataset, experiment)
        held_out = "val" if "val" in parts else "train"
        task = prepared.task.fit_error(scored[held_out], parts[held_out].labels)
        drawn = score_monte_carlo(task, network, dataset, experiment)
    predictions = {name: task.predict(scored[name]) for name in parts}
    scores = {name: task.scores(predictions[name], part.labels) for name, part in parts.items()}
    return Evaluation(task, parts, predictions, scores, dropout_report, learned, drawn)


def _test_number(prepared: PreparedExperiment, network: Layer) -> tuple[str, float]:
    """Return name and value of the task's headline metric on the test part."""
    task, test, batch = prepared.task, prepared.dataset.test, prepared.experiment.training.evaluation_batch
    return task.headline_metric, task.evaluate(outputs(network, prepared.dataset, test, batch=batch), test.labels)[
        task.headline_metric
    ]


def _write_predictions(evaluation: Evaluation, prepared: PreparedExperiment, run: Run, figures: bool) -> None:
    """Write the files of the test part, and the validation part's contributions."""
    predictions, dataset = evaluation.predictions, prepared.dataset
    title = f"{dataset.name}, test"
    run.write_files(task_files(evaluation.task, predictions["test"], dataset.test, title=title, figures=figures))
    if "val" in evaluation.parts:
        val = evaluation.parts["val"]
        run.write(VALIDATION_FILE, validation_bytes(predictions["val"], val.labels, val.rows))


def _training_facts(prepared: PreparedExperiment, run: Run, epochs: int) -> dict[str, Any]:
    """Return the entries of the summary about epochs, checkpoint and monitor."""
    settings, selection = prepared.experiment.training, prepared.selection
    return {
        "epochs": epochs,
        "lengthened": run.state().get("lengthened", []),
        "stopped_early": epochs < settings.epochs,
        "best_epoch": selection.best_epoch if selection else None,
        "checkpoint": settings.evaluate,
        "monitor": settings.monitor if selection else None,
    }


def _cost(run: Run, started: float) -> dict[str, Any]:
    """Return the entries of the summary about time and memory.

    Args:
        run: The run.
        started: When the evaluation began.
    """
    timings = read_timings(run)
    train_seconds = sum(timings["train_seconds"])
    other_seconds = sum(timings["evaluate_seconds"]) + sum(timings["save_seconds"])
    return {
        "seconds": train_seconds + other_seconds + time.perf_counter() - started,
        "examples_per_second": sum(timings["examples"]) / train_seconds if train_seconds else 0.0,
        "peak_bytes": environment.peak_bytes(),
    }


def _teacher(prepared: PreparedExperiment, prediction: Prediction) -> dict[str, float] | None:
    """Return the entry of the summary about the teachers; None without one."""
    if prepared.distillation is None:
        return None
    return teacher_scores(prepared.distillation, predicted_classes(prediction), prepared.dataset.test.labels)
