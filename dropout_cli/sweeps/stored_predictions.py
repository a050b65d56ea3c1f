"""The predictions that a run stored for its test part, checked and ordered by row; a stranger may have written them."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from dropout_cli.core import npz
from dropout_cli.core.errors import DropoutError, UsageError
from dropout_cli.core.types import Array
from dropout_cli.metrics import VALIDATION, contributions
from dropout_cli.runs import Run

FILE = "predictions.npz"
NAMES = ("rows", "labels", "probabilities", "log_probabilities", "mean", "sd")


def predictions(run: Run) -> Mapping[str, Array]:
    """Return the stored arrays, ordered by row. Raises UsageError where their shapes do not fit."""
    place = str(run.path / FILE)
    if not run.has(FILE):
        raise UsageError(place, "is missing")
    made = npz.read(run.read(FILE), place)
    known = {name: np.asarray(made[name]) for name in NAMES if name in made}
    predicted = known.get("probabilities", known.get("mean"))
    rows, labels = known.get("rows"), known.get("labels")
    if (
        predicted is None
        or rows is None
        or labels is None
        or not len(rows)
        or not len(predicted) == len(rows) == len(labels)
        or rows.ndim != 1
        or predicted.ndim != 2
        or labels.shape != (predicted.shape if "mean" in known and "probabilities" not in known else rows.shape)
        or known.get("log_probabilities", predicted).shape != predicted.shape
        or any(array.dtype.kind not in "biuf" for array in known.values())
        or not np.isfinite(predicted).all()
        or len(np.unique(rows)) < len(rows)
        or ("probabilities" in known and not _are_classes(labels, predicted.shape[1]))
    ):
        raise UsageError(place, "does not hold the predictions of a run")
    if known.get("sd", predicted).shape != predicted.shape:
        del known["sd"]
    order = np.argsort(rows, kind="stable")
    return {name: array[order] for name, array in known.items()}


def _are_classes(labels: Array, classes: int) -> bool:
    return labels.dtype.kind in "iu" and int(labels.min()) >= 0 and int(labels.max()) < classes


class Examples(NamedTuple):
    """The examples of one part of a run's data."""

    rows: Array
    """(N,) row numbers, ascending."""
    each: Mapping[str, Array]
    """Metric -> (N,) what each example contributes to it, float64; only metrics that are means over examples."""


def test_examples(run: Run) -> Examples | None:
    """Return what a run's test examples contribute; None where its predictions cannot be read."""
    try:
        stored = predictions(run)
    except DropoutError:
        return None
    return Examples(stored["rows"], contributions(stored, stored["labels"]))


def validation_examples(run: Run) -> Examples | None:
    """Return what a run's validation examples contribute; None where it is not stored, or not of one shape."""
    if not run.has(VALIDATION):
        return None
    try:
        stored = npz.read(run.read(VALIDATION), str(run.path / VALIDATION))
    except DropoutError:
        return None
    rows = stored.pop("rows", None)
    if (
        rows is None
        or rows.ndim != 1
        or any(one.shape != rows.shape or one.dtype.kind not in "bf" for one in stored.values())
    ):
        return None
    order = np.argsort(rows, kind="stable")
    return Examples(rows[order], {name: np.asarray(each[order], np.float64) for name, each in stored.items()})
