"""The loop. It yields, and the caller decides: no callbacks, nothing printed, nothing written."""

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
from dropout_cli.data.readers.file_rows import row_order as row_order
from dropout_cli.metrics import larger_is_better
from dropout_cli.runs.summary import MAX_SCORED
from dropout_cli.tasks import Task
from dropout_cli.training.inference import outputs
from dropout_cli.training.state import Learner

if TYPE_CHECKING:
    from dropout_cli.config.schema import Experiment


@dataclass(frozen=True)
class TrainingProgress:
    """A sign of life within an epoch, at most ten a second."""

    epoch: int
    step: int
    steps: int


@dataclass(frozen=True)
class EpochRecord:
    """A finished epoch, counted from 1: a row of `metrics.csv`, and what it took."""

    epoch: int
    metrics: dict[str, float]
    train_seconds: float
    evaluate_seconds: float
    examples: int


@dataclass(frozen=True)
class BatchPlan:
    """How many steps there are, and which rows each of them takes."""

    examples: int
    batch_size: int
    epochs: int
    steps_per_epoch: int
    segment: int | None = None
    """Rows in a segment, where the examples stay in their files."""
    smallest_batch: int = 1
    """A batch with fewer rows, which only the last of a pass can have, joins the one before it."""

    @classmethod
    def from_experiment(cls, experiment: "Experiment", examples: int, segment: int | None = None) -> "BatchPlan":
        """The plan of that experiment on those training examples."""
        training, batch_size = experiment.training, int(experiment.training.batch_size)
        least = experiment.architecture.smallest_batch
        plan = cls(examples, batch_size, training.epochs, training.steps_per_epoch or 1, segment, least)
        return plan if training.steps_per_epoch else replace(plan, steps_per_epoch=plan.per_pass)

    @property
    def per_pass(self) -> int:
        """Batches in a pass over the examples."""
        whole, left = divmod(self.examples, self.batch_size)
        return whole + (left >= self.smallest_batch) if whole and left else max(1, whole)

    @property
    def largest_batch(self) -> int:
        """Rows of the largest batch."""
        return self.examples - self.batch_size * (self.per_pass - 1) if self._joins else self.batch_size

    @property
    def _joins(self) -> bool:
        return self.per_pass * self.batch_size < self.examples

    @property
    def steps(self) -> int:
        """All steps of the run."""
        return self.epochs * self.steps_per_epoch

    def rows(self, seed: int, step: int, steps: int) -> Iterator[Array]:
        """The rows of `steps` batches from `step` on: each pass over the data is a permutation of its own."""
        per_pass, joins = self.per_pass, self._joins
        order, drawn = np.empty(0, np.intp), -1
        for now in range(step, step + steps):
            number, place = divmod(now, per_pass)
            if number != drawn:
                order, drawn = row_order(stream(seed, "order", number), self.examples, self.segment), number
            last = joins and place == per_pass - 1
            yield order[place * self.batch_size : None if last else (place + 1) * self.batch_size]


def epochs(
    learner: Learner, dataset: Dataset, experiment: "Experiment", task: Task, targets: Array | None = None
) -> Iterator[TrainingProgress | EpochRecord]:
    """Train from where the learner stands to the last epoch; raise Diverged when the loss stops being finite.

    `targets` (training examples, classes) are what teachers say, for objectives that learn from them.
    """
    training, augment, network = experiment.training, experiment.dataset.augment, learner.network
    plan = BatchPlan.from_experiment(experiment, len(dataset.train), getattr(dataset.train.x, "segment", None))
    batches = BatchReader(dataset, dataset.train, plan.largest_batch, windowed=True)
    scored = np.linspace(0, plan.examples - 1, min(MAX_SCORED, plan.examples)).astype(np.intp)

    while learner.epoch < plan.epochs:
        epoch = learner.epoch + 1
        noise = Noise(experiment.seed, epoch)
        changes = stream(experiment.seed, "augment", epoch)
        objective, examples, lr = 0.0, 0, 0.0
        started = shown = time.perf_counter()
        for rows in plan.rows(experiment.seed, learner.step, plan.steps_per_epoch):
            x, labels = batches.take(rows)
            if augment is not None:
                x = augment.apply(x, changes)
            lr = training.optimizer.learning_rate * training.schedule.factor(
                learner.step, steps=plan.steps, steps_per_epoch=plan.steps_per_epoch
            )
            loss = take_step(learner, experiment, x, labels, noise, None if targets is None else targets[rows], lr=lr)
            if not math.isfinite(loss):
                raise diverged(epoch, learner.step + 1, "the training objective", loss)
            objective += loss * len(rows)
            examples += len(rows)
            now = time.perf_counter()
            if now - shown > 0.1:
                shown = now
                yield TrainingProgress(epoch, learner.step - learner.epoch * plan.steps_per_epoch, plan.steps_per_epoch)
        trained = time.perf_counter()
        learner.epoch = epoch
        metrics = {"epoch": epoch, "learning_rate": lr, "train_objective": objective / examples}
        metrics |= _scores(learner, dataset, scored, experiment, task) | network.columns()
        if not math.isfinite(metrics["train_loss"]):
            raise diverged(epoch, learner.step, "the training loss", metrics["train_loss"])
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
    """Learn from one batch; return the training objective. Where that is not finite, nothing moves."""
    network = learner.network
    learner.begin_step(lr)
    loss = experiment.objective.compute_gradients(network, x, labels, noise, targets)
    loss += network.penalty() + learner.optimizer_state.penalty()
    if math.isfinite(loss):
        learner.advance(lr)
    return loss


def _scores(
    learner: Learner, dataset: Dataset, scored: Array, experiment: "Experiment", task: Task
) -> dict[str, float]:
    """Loss and the task's number with noise off and averaged weights in; NaN where there is no validation part.

    Train numbers are those of `scored`, the rows of at most MOST_SCORED training examples; a summary has those of all.
    Gaps are such that a larger one means more overfitting. What is monitored beside them has a column of its own.
    """
    batch, monitor = experiment.training.evaluation_batch, str(experiment.training.monitor).removeprefix("val_")
    with learner.averaged() as network:
        seen = outputs(network, dataset, dataset.train, batch=batch, rows=scored)
        held_out = outputs(network, dataset, dataset.val, batch=batch) if dataset.val else None
    train = task.evaluate(seen, dataset.train.labels[scored])
    val = dict.fromkeys(train, math.nan)
    if held_out is not None and dataset.val is not None:
        val = task.evaluate(held_out, dataset.val.labels)
    number = task.headline_metric
    sign = 1 if larger_is_better(number) else -1
    found = {
        "train_loss": train["loss"],
        f"train_{number}": train[number],
        "val_loss": val["loss"],
        f"val_{number}": val[number],
        "loss_gap": val["loss"] - train["loss"],
        f"{number}_gap": sign * (train[number] - val[number]),
    }
    if held_out is not None and dataset.val is not None and monitor not in ("loss", number):
        found[f"val_{monitor}"] = task.score_of(monitor, held_out, dataset.val.labels)
    return found


def diverged(epoch: int, step: int, what: str, value: float) -> Diverged:
    """The error of a run whose loss is no longer a finite number."""
    return Diverged(
        f"epoch {epoch}, step {step}",
        f"{what} became {value}",
        "Lower training.optimizer.learning_rate, or set training.clip_norm.",
    )
