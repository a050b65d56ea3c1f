"""The training loop: a generator of progress events that prints and writes nothing.

The caller decides what to do with an event, and may stop at any time.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.errors import Diverged
from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import BatchReader, Dataset
from dropout_cli.metrics import larger_is_better
from dropout_cli.runs.summary import MAX_SCORED
from dropout_cli.tasks import Task
from dropout_cli.training.batch_order import BatchPlan
from dropout_cli.training.forward_passes import outputs
from dropout_cli.training.state import Learner

if TYPE_CHECKING:
    from dropout_cli.config.schema import Experiment


@dataclass(frozen=True)
class TrainingProgress:
    """Progress within an epoch, yielded at most ten times per second."""

    epoch: int
    """The epoch in progress, counted from 1."""
    step: int
    """Steps done in this epoch."""
    steps: int
    """Steps per epoch."""


@dataclass(frozen=True)
class EpochRecord:
    """A finished epoch: its row of `metrics.csv` and its cost."""

    epoch: int
    """Number of the epoch, counted from 1."""
    metrics: dict[str, float]
    """Column of `metrics.csv` -> value."""
    train_seconds: float
    evaluate_seconds: float
    examples: int
    """Number of examples trained on; an example that was drawn twice counts twice."""


def train_epochs(
    learner: Learner, dataset: Dataset, experiment: "Experiment", task: Task, targets: Array | None = None
) -> Iterator[TrainingProgress | EpochRecord]:
    """Train from the learner's current state to the last epoch, and yield progress.

    Args:
        learner: Network and optimizer, at the end of an epoch.
        dataset: The data.
        experiment: The resolved experiment.
        task: Scores the epochs.
        targets: (training examples, classes) soft targets of teachers, for objectives that use them.

    Raises:
        Diverged: The loss is no longer a finite number.
    """
    training, augment, network = experiment.training, experiment.dataset.augment, learner.network
    weights = dataset.train.weights
    plan = BatchPlan.from_experiment(experiment, len(dataset.train), dataset.train.segment_rows)
    batches = BatchReader(dataset, dataset.train, plan.largest_batch, network.dtype, windowed=True)
    # Evenly spread rows. Scoring all training examples in every epoch would cost much of the time of a large run.
    scored = np.linspace(0, plan.examples - 1, min(MAX_SCORED, plan.examples)).astype(np.intp)

    while learner.epoch < plan.epochs:
        epoch = learner.epoch + 1
        # Generators depend on seed, role and epoch alone, so a repeated epoch draws the same numbers.
        noise = Noise(experiment.stream_seed("noise"), epoch)
        augment_rng = stream(experiment.stream_seed("augment"), "augment", epoch)
        objective, examples, lr = 0.0, 0, 0.0
        started = shown = time.perf_counter()
        for rows in plan.rows(experiment.stream_seed("order"), learner.step, plan.steps_per_epoch):
            x, labels = batches.take(rows)
            if augment is not None:
                x = augment.apply(x, augment_rng)
            lr = training.optimizer.learning_rate * training.schedule.factor(
                learner.step, steps=plan.steps, steps_per_epoch=plan.steps_per_epoch
            )
            soft, factors = (None if values is None else values[rows] for values in (targets, weights))
            loss = take_step(learner, experiment, x, labels, noise, soft, factors, lr=lr)
            if not math.isfinite(loss):
                raise divergence_error(epoch, learner.step + 1, "the training objective", loss)
            objective += loss * len(rows)
            examples += len(rows)
            now = time.perf_counter()
            if now - shown > 0.1:  # seconds
                shown = now
                yield TrainingProgress(epoch, learner.step - learner.epoch * plan.steps_per_epoch, plan.steps_per_epoch)
        trained = time.perf_counter()
        learner.epoch = epoch
        metrics = {"epoch": epoch, "learning_rate": lr, "train_objective": objective / examples}
        metrics |= _scores(learner, dataset, scored, experiment, task) | network.columns()
        if not math.isfinite(metrics["train_loss"]):
            raise divergence_error(epoch, learner.step, "the training loss", metrics["train_loss"])
        yield EpochRecord(epoch, metrics, trained - started, time.perf_counter() - trained, examples)


def take_step(
    learner: Learner,
    experiment: "Experiment",
    x: Array,
    labels: Array,
    noise: Noise,
    targets: Array | None = None,
    weights: Array | None = None,
    *,
    lr: float,
) -> float:
    """Train on one batch and return the training objective, penalties included.

    Args:
        learner: Network and optimizer.
        experiment: The resolved experiment.
        x: (n, *shape) scaled and augmented inputs.
        labels: (n,) class ids, or (n, targets) standardized values.
        noise: The generators of the epoch.
        targets: (n, classes) soft targets of teachers.
        weights: (n,) weights of the examples; None: all are 1.
        lr: The learning rate of this step.
    """
    network = learner.network
    learner.begin_step(lr)
    loss = experiment.objective.compute_gradients(network, x, labels, noise, targets, weights)
    loss += network.penalty() + learner.optimizer_state.penalty()
    # The gradients of such a loss are NaN or infinite, and so would be every weight after the update.
    if math.isfinite(loss):
        learner.advance(lr)
    return loss


def _scores(
    learner: Learner, dataset: Dataset, scored: Array, experiment: "Experiment", task: Task
) -> dict[str, float]:
    """Return loss, headline metric and gaps of an epoch, without noise.

    The averaged weights are used, if there are any.

    Values of the validation part are NaN if there is none. A larger gap means more overfitting. A monitored metric
    that is neither the loss nor the headline metric gets its own column.

    Args:
        learner: The trained network.
        dataset: The data.
        scored: Rows of the training examples that are scored, at most MAX_SCORED; `summary.json` scores all.
        experiment: The resolved experiment.
        task: The task.
    """
    batch, monitor = experiment.training.evaluation_batch, str(experiment.training.monitor).removeprefix("val_")
    with learner.averaged() as network:
        train_outputs = outputs(network, dataset, dataset.train, batch=batch, rows=scored)
        val_outputs = outputs(network, dataset, dataset.val, batch=batch) if dataset.val else None
    train = task.evaluate(train_outputs, dataset.train.labels[scored])
    val = dict.fromkeys(train, math.nan)
    if val_outputs is not None and dataset.val is not None:
        val = task.evaluate(val_outputs, dataset.val.labels)
    metric = task.headline_metric
    sign = 1 if larger_is_better(metric) else -1
    scores = {
        "train_loss": train["loss"],
        f"train_{metric}": train[metric],
        "val_loss": val["loss"],
        f"val_{metric}": val[metric],
        "loss_gap": val["loss"] - train["loss"],
        f"{metric}_gap": sign * (train[metric] - val[metric]),
    }
    if val_outputs is not None and dataset.val is not None and monitor not in ("loss", metric):
        scores[f"val_{monitor}"] = task.score_of(monitor, val_outputs, dataset.val.labels)
    return scores


def divergence_error(epoch: int, step: int, quantity: str, value: float) -> Diverged:
    """Return the error for a loss that is no longer a finite number.

    Args:
        epoch: The epoch, counted from 1.
        step: The step, counted from 1 at the start of the run.
        quantity: The name of the loss, with its article.
        value: The loss.
    """
    return Diverged(
        f"epoch {epoch}, step {step}",
        f"training diverged: {quantity} became {value}",
        "Lower training.optimizer.learning_rate, or set training.clip_norm.",
    )
