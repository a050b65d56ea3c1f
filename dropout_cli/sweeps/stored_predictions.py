"""The predictions that a run stored for its test part, checked and ordered by row; a stranger may have written them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dropout_cli.core import npz
from dropout_cli.core.errors import DropoutError, UsageError
from dropout_cli.core.types import Array
from dropout_cli.metrics import VALIDATION, Classes, given_for, named
from dropout_cli.runs import Run

FILE = "predictions.npz"
TASKS = ("classification", "regression")
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
        or rows.ndim != 1
        or predicted.ndim != 2
        or labels.ndim == 0
        or not len(rows)
        or not len(predicted) == len(rows) == len(labels)
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


def test_rows(path: str) -> Array | None:
    """Return the rows of a run's test part, in order; None where they cannot be read."""
    try:
        return predictions(Run(Path(path)))["rows"]
    except DropoutError:
        return None


def of_each(path: str, metric: str) -> tuple[Array, Array] | None:
    """Return the rows of the test or the validation part and what each example contributes to a metric, both (N,).

    None where the run's predictions cannot be read, or the metric is no mean over examples, or a contribution is not
    finite.
    """
    part, _, number = metric.partition(".")
    known = [one for task in TASKS if (one := named(number, task)) is not None and one.of_each is not None]
    if part not in ("val", "test") or not known:
        return None
    run = Run(Path(path))
    try:
        if part == "val":
            return _of_validation(run, number)
        stored = predictions(run)
    except DropoutError:
        return None
    given = given_for(stored, stored["labels"])
    found = named(metric, "classification" if isinstance(given, Classes) else "regression")
    if found is None or found.of_each is None:
        return None
    with np.errstate(all="ignore"):  # a stranger's standard deviations may be 0
        each = found.of_each(given)
    if each is None or not np.isfinite(each).all():
        return None
    return stored["rows"], np.asarray(each, np.float64)


def _of_validation(run: Run, number: str) -> tuple[Array, Array] | None:
    """Return rows and contributions of the validation part; None where they are not stored, or not of one shape."""
    if not run.has(VALIDATION):
        return None
    stored = npz.read(run.read(VALIDATION), str(run.path / VALIDATION))
    rows, each = stored.get("rows"), stored.get(number)
    if rows is None or each is None or rows.ndim != 1 or rows.shape != each.shape or each.dtype.kind not in "bf":
        return None
    if rows.dtype.kind not in "iu" or not np.isfinite(each).all():
        return None
    order = np.argsort(rows, kind="stable")
    return rows[order], np.asarray(each[order], np.float64)
