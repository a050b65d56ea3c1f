"""The training loop: a generator of progress events, without callbacks, printing or writing.

The caller decides what to do with an event, and may stop at any time.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.errors import Diverged
from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import BatchReader, Dataset
from dropout_cli.data.readers.file_rows import row_order
from dropout_cli.metrics import larger_is_better
from dropout_cli.runs.summary import MAX_SCORED
from dropout_cli.tasks import Task
from dropout_cli.training.inference import outputs
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


@dataclass(frozen=True)
class BatchPlan:
    """The number of steps of a run, and the rows of each batch."""

    examples: int
    """Number of training examples."""
    batch_size: int
    epochs: int
    steps_per_epoch: int
    segment_rows: int | None = None
    """Rows per segment, if the examples stay in their files; see `Part.segment_rows`."""
    smallest_batch: int = 1
    """A last batch of a pass with fewer rows than this is merged with the batch before it."""

    @classmethod
    def from_experiment(cls, experiment: "Experiment", examples: int, segment_rows: int | None = None) -> "BatchPlan":
        """Return the plan of an experiment.

        Args:
            experiment: The experiment; its batch size is resolved.
            examples: Number of training examples.
            segment_rows: `Part.segment_rows` of the train part; the number of steps does not depend on it.
        """
        training, batch_size = experiment.training, int(experiment.training.batch_size)
        smallest = experiment.architecture.smallest_batch
        plan = cls(examples, batch_size, training.epochs, training.steps_per_epoch or 1, segment_rows, smallest)
        return plan if training.steps_per_epoch else replace(plan, steps_per_epoch=plan.per_pass)

    @property
    def per_pass(self) -> int:
        """Number of batches in a pass over the examples."""
        full, left = divmod(self.examples, self.batch_size)
        return full + (left >= self.smallest_batch) if full and left else max(1, full)

    @property
    def largest_batch(self) -> int:
        """Number of rows of the largest batch."""
        return self.examples - self.batch_size * (self.per_pass - 1) if self._merges_last else self.batch_size

    @property
    def _merges_last(self) -> bool:
        """True if the last batch of a pass is merged with the batch before it."""
        return self.per_pass * self.batch_size < self.examples

    @property
    def steps(self) -> int:
        """Number of steps of the whole run."""
        return self.epochs * self.steps_per_epoch

    def rows(self, seed: int, step: int, steps: int) -> Iterator[Array]:
        """Yield the rows of each batch; every pass over the data has its own permutation.

        Args:
            seed: The seed of the run.
            step: The first step, counted from 0 at the start of the run.
            steps: Number of batches.
        """
        per_pass, merges = self.per_pass, self._merges_last
        order, drawn = np.empty(0, np.intp), -1
        for current in range(step, step + steps):
            # The pass follows from the step alone, so that a resumed run continues in the middle of a pass.
            number, position = divmod(current, per_pass)
            if number != drawn:
                order, drawn = row_order(stream(seed, "order", number), self.examples, self.segment_rows), number
            is_last = merges and position == per_pass - 1
            yield order[position * self.batch_size : None if is_last else (position + 1) * self.batch_size]


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
    plan = BatchPlan.from_experiment(experiment, len(dataset.train), dataset.train.segment_rows)
    batches = BatchReader(dataset, dataset.train, plan.largest_batch, windowed=True)
    # Evenly spread rows. Scoring all training examples in every epoch would cost much of the time of a large run.
    scored = np.linspace(0, plan.examples - 1, min(MAX_SCORED, plan.examples)).astype(np.intp)

    while learner.epoch < plan.epochs:
        epoch = learner.epoch + 1
        # Generators depend on seed, role and epoch alone, so a repeated epoch draws the same numbers.
        noise = Noise(experiment.seed, epoch)
        augment_rng = stream(experiment.seed, "augment", epoch)
        objective, examples, lr = 0.0, 0, 0.0
        started = shown = time.perf_counter()
        for rows in plan.rows(experiment.seed, learner.step, plan.steps_per_epoch):
            x, labels = batches.take(rows)
            if augment is not None:
                x = augment.apply(x, augment_rng)
            lr = training.optimizer.learning_rate * training.schedule.factor(
                learner.step, steps=plan.steps, steps_per_epoch=plan.steps_per_epoch
            )
            loss = take_step(learner, experiment, x, labels, noise, None if targets is None else targets[rows], lr=lr)
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
        lr: The learning rate of this step.
    """
    network = learner.network
    learner.begin_step(lr)
    loss = experiment.objective.compute_gradients(network, x, labels, noise, targets)
    loss += network.penalty() + learner.optimizer_state.penalty()
    # The gradients of such a loss are NaN or infinite, and so would be every weight after the update.
    if math.isfinite(loss):
        learner.advance(lr)
    return loss


def _scores(
    learner: Learner, dataset: Dataset, scored: Array, experiment: "Experiment", task: Task
) -> dict[str, float]:
    """Return loss, headline metric and gaps of an epoch, without noise and with the averaged weights.

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
