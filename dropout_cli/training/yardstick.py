"""Simple models on the same data and split, with which a network is compared.

The dummy gives every example the same prediction: the frequencies of the classes among the training examples, or the
mean of the targets, both without weights of examples. The linear model learns from at most MAX_ROWS training examples,
with their weights and the inputs of the network, but without noise and augmentation. Features of tables are
standardized for it. Pictures are not: a pixel that is nearly always blank would get a large weight. Both models are
scored on all validation and test examples. The standard deviation of a regression's predictions is their root mean
squared error on the validation part, as for the network, or on the rows that the model learned from if there is none.

Nothing here depends on a clock or on the number of threads: equal configs and data give equal numbers.
"""

import hashlib
import json
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, get_args

import numpy as np

from dropout_cli import config, metrics
from dropout_cli.core import environment, npz
from dropout_cli.core.errors import DropoutError
from dropout_cli.core.numbers import is_finite_number
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import BatchReader, Dataset, Part
from dropout_cli.nn.backend.threads import limit_threads
from dropout_cli.runs import json_bytes, write_atomic
from dropout_cli.runs.atomic_io import os_errors
from dropout_cli.runs.safe_read import read_regular_file
from dropout_cli.tasks import Regression, Task
from dropout_cli.training import linear_models
from dropout_cli.training.linear_models import LinearModel, Standardized
from dropout_cli.training.setup import PreparedExperiment
from dropout_cli.training.yardstick_cost import LinearModelKind, affordable_model

MAX_ROWS = 5_000
MAX_VALUES = 1 << 23
"""Rows times features that the linear model learns from at most: 67 MB in float64."""
PREDICTION_BATCH = 1_000
"""Examples that are predicted at a time."""
VERSION = 1
"""Of the models above; a change of theirs needs another one, so that numbers kept in a sweep are not mixed."""
PredictPart: TypeAlias = Callable[[Part], Array]


@dataclass(frozen=True)
class Yardsticks:
    """The simple models on the data of a run."""

    numbers: dict[str, Any]
    """`dummy` has the numbers of `val` (None without that part) and `test`. `linear` has these, its `kind`, and the
    number of `rows` that it learned from; it is None if it would take too long, or nothing can be learned."""
    predicted: dict[str, Array]
    """Model -> what it predicts for the test part: class ids (N,), or values (N, targets)."""


def measure_yardsticks(prepared: PreparedExperiment, steps: int, folder: Path | None = None) -> Yardsticks | None:
    """Return the scores and predictions of the simple models; None if left out.

    Args:
        prepared: the experiment.
        steps: how many steps the run has trained.
        folder: where runs with the same data and split keep these numbers for each other; None: nowhere.
    """
    if prepared.experiment.yardstick == "none":
        return None
    dataset = prepared.dataset
    rows = draw_training_rows(dataset, prepared.experiment.dataset.split_seed)
    kind = affordable_model(prepared, len(rows), steps)
    file = None if folder is None else folder / f"{_key(prepared, kind)}.json"
    known = _kept(file, dataset)
    if known is None:
        predicted: dict[str, Array] = {}
        with limit_threads(1), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # that L-BFGS would go on after ITERATIONS is no concern of the user
            task = _plain(prepared.task)
            numbers: dict[str, Any] = {}
            numbers["dummy"], predicted["dummy"] = _scores(task, dataset, _dummy(dataset), rows)
            linear = None if kind is None else _linear(task, dataset, rows, kind)
            numbers["linear"] = None if linear is None else linear[0]
            predicted |= {} if linear is None else {"linear": linear[1]}
        known = Yardsticks(numbers, predicted)
        if file is not None:
            with os_errors(file):
                file.parent.mkdir(exist_ok=True)
            # The numbers come last: a file of numbers has its predictions beside it.
            write_atomic(file.with_suffix(".npz"), npz.write_npz(**predicted))
            write_atomic(file, json_bytes(numbers))
    return known


def draw_training_rows(dataset: Dataset, seed: int) -> Array:
    """Return the rows of the train part that the linear model learns from, ascending.

    Of more than there may be, they are drawn with `seed`; of classes, each keeps its share and has at least one.
    """
    count, features = len(dataset.train), int(np.prod(dataset.shape))
    most = min(MAX_ROWS, MAX_VALUES // max(features, 1))
    if count <= most:
        return np.arange(count)
    order = stream(seed, "yardstick").permutation(count)
    if dataset.targets is not None:
        return np.sort(order[:most])
    order = order[np.argsort(dataset.train.labels[order], kind="stable")]  # class by class
    _, first = np.unique(dataset.train.labels[order], return_index=True)
    if most <= len(first):
        return np.sort(order[first[:most]])
    spread = np.linspace(0, count - 1, most - len(first)).astype(np.intp)
    return np.sort(order[np.union1d(first, spread)])


def _key(prepared: PreparedExperiment, kind: LinearModelKind | None) -> str:
    """Return a key of all that the numbers depend on: data, split, model and machine."""
    values = config.to_dict(prepared.experiment.dataset) | {"augment": None}
    facts = {
        "name": prepared.dataset.name,
        "data": values,
        "task": prepared.task.name,
        "kind": kind,
        "version": VERSION,
    }
    text = json.dumps(facts | {"environment": environment.describe_environment()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _kept(file: Path | None, dataset: Dataset) -> Yardsticks | None:
    """Return what another run stored; None if there is nothing, or it is damaged."""
    if file is None or not file.is_file():
        return None
    try:
        known = json.loads(read_regular_file(file))
        predicted = npz.read_npz(read_regular_file(file.with_suffix(".npz")), str(file))
    except (DropoutError, ValueError, OSError):
        return None
    if not isinstance(known, dict) or known.keys() != {"dummy", "linear"}:
        return None
    linear = known["linear"]
    if linear is not None and not (_has_parts(linear) and linear.get("kind") in get_args(LinearModelKind)):
        return None
    shape = dataset.test.labels.shape
    fits = predicted.keys() == {name for name in known if known[name]} and all(
        array.shape == shape and array.dtype.kind in "if" for array in predicted.values()
    )
    return Yardsticks(known, predicted) if fits and _has_parts(known["dummy"]) else None


def _has_parts(found: Any) -> bool:
    """Return True if there are numbers of the test part and of any validation part."""
    if not isinstance(found, dict) or not isinstance(found.get("test"), dict):
        return False
    parts = [found["test"], {} if found.get("val") is None else found["val"]]
    return all(isinstance(one, dict) and all(map(_is_number_or_none, one.values())) for one in parts)


def _is_number_or_none(value: object) -> bool:
    return value is None or is_finite_number(value)


def _plain(task: Task) -> Task:
    """Return the task of a model that predicts no variances."""
    return Regression(task.targets, heteroscedastic=False) if isinstance(task, Regression) else task


def frequency_logits(counts: Array) -> Array:
    """Return the logits, (C,), whose softmax gives the frequencies of the classes.

    Args:
        counts: (C,), the examples of each class.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(linear_models.clip_logits(np.log(counts / counts.sum())[None])[0])


def _dummy(dataset: Dataset) -> PredictPart:
    """Return the model with one prediction for all, fitted to all training examples."""
    if dataset.targets is not None:
        outputs = np.zeros(len(dataset.targets.names))  # the mean, in standardized units
    else:
        outputs = frequency_logits(np.bincount(dataset.train.labels, minlength=len(dataset.classes)))
    return lambda part: np.tile(outputs, (len(part), 1))


def _linear(task: Task, dataset: Dataset, rows: Array, kind: LinearModelKind) -> tuple[dict[str, Any], Array] | None:
    """Fit the linear model; return its entry and its predictions, or None if it cannot learn."""
    labels = dataset.train.labels[rows]
    if len(np.unique(labels, axis=0)) < 2:
        return None
    x, _ = BatchReader(dataset, dataset.train, len(rows)).take(rows)
    weights = None if dataset.train.weights is None else dataset.train.weights[rows]
    try:
        model = _fitted(dataset, x.reshape(len(rows), -1), labels, kind, weights)
    except (ArithmeticError, ValueError):  # LinAlgError is one
        return None
    if not np.isfinite(model.W).all() or np.isnan(model.b).any():
        return None
    classes = dataset.targets is None

    def predict(part: Part) -> Array:
        made = np.concatenate([model.outputs(some) for some in _batches(dataset, part)])
        return linear_models.clip_logits(made) if classes else made

    found, predicted = _scores(task, dataset, predict, rows)
    if classes and kind == "ridge":  # its outputs are no probabilities
        known = {one.name for one in metrics.task_metrics(task.name) if one.needs == "labels"}
        found = {
            part: numbers and {key: numbers[key] for key in numbers if key in known} for part, numbers in found.items()
        }
    return {"kind": kind, "rows": len(rows), **found}, predicted


def _fitted(dataset: Dataset, x: Array, labels: Array, kind: LinearModelKind, weights: Array | None) -> LinearModel:
    """Fit to inputs x (N, features) as the network takes them."""
    table = Standardized.fit(x) if len(dataset.shape) == 1 else None
    taken = x if table is None else table.x
    if kind == "logistic":
        model = linear_models.fit_logistic(taken, labels, len(dataset.classes), weights)
    elif dataset.targets is None:
        model = linear_models.fit_ridge(taken, np.eye(len(dataset.classes))[labels], weights)
    else:
        model = linear_models.fit_ridge(taken, dataset.targets.standardize(labels), weights)
    return model if table is None else table.to_original_scale(model)


def _batches(dataset: Dataset, part: Part) -> Iterator[Array]:
    batches = BatchReader(dataset, part, min(PREDICTION_BATCH, len(part)))
    for start in range(0, len(part), PREDICTION_BATCH):
        yield batches.take(slice(start, start + PREDICTION_BATCH))[0]


def _scores(
    task: Task, dataset: Dataset, predict: PredictPart, rows: Array
) -> tuple[dict[str, dict[str, float] | None], Array]:
    """Return the comparable numbers of each part, and the predictions of the test part.

    Args:
        task: The task.
        dataset: The data.
        predict: The model.
        rows: The rows that the model learned from.
    """
    train = dataset.train
    held_out = dataset.val or Part(train.x[rows], train.labels[rows], train.rows[rows])
    task = task.fit_error(predict(held_out), held_out.labels)
    found: dict[str, dict[str, float] | None] = {}
    for name in ("val", "test"):
        part = dataset.part(name)
        prediction = {} if part is None else task.predict(predict(part))
        scores = {} if part is None else task.scores(prediction, part.labels)
        kept = {key: scores[key] for key in metrics.comparable_metrics(task.name) if scores.get(key) is not None}
        found[name] = {key: value for key, value in kept.items() if math.isfinite(value)} if part else None
    # The test part comes last, and every dataset has one.
    return found, prediction["mean"] if "mean" in prediction else metrics.predicted_classes(prediction)
