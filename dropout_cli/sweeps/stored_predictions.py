"""The predictions that a run stored for its test part, checked and ordered by row.

A folder may come from someone else, so that shapes and types are checked.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from dropout_cli.core import npz
from dropout_cli.core.errors import DropoutError, UsageError
from dropout_cli.core.types import Array
from dropout_cli.metrics import VALIDATION_FILE, ClassPredictions, metric_input, metric_name, metric_part, task_metrics
from dropout_cli.runs import Run

FILE = "predictions.npz"
FILES = {"test": FILE, "val": VALIDATION_FILE}
"""Part -> the file with the predictions or scores of its examples."""
NAMES = ("rows", "labels", "probabilities", "log_probabilities", "mean", "sd")
MEANS = [one for task in ("classification", "regression") for one in task_metrics(task) if one.per_example is not None]
"""The metrics that are means over examples."""
MOST_RUNS = 1 << 14
KEPT = 64
"""The number of runs whose scores are kept in memory, since tables read the same runs for each metric."""


def stored_predictions(run: Run) -> Mapping[str, Array]:
    """Return the stored arrays, ordered by row; raise UsageError if they do not fit."""
    place = str(run.path / FILE)
    if not run.has_file(FILE):
        raise UsageError(place, "is missing", "Restore it, or train the run again.")
    made = npz.read_npz(run.read(FILE), place)
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
        raise UsageError(place, "does not contain the predictions of a run")
    if known.get("sd", predicted).shape != predicted.shape:
        del known["sd"]
    # Runs may store rows in different orders; sorted by row, their examples pair.
    order = np.argsort(rows, kind="stable")
    return {name: array[order] for name, array in known.items()}


def is_mean_over_examples(metric: str) -> bool:
    """Return True if the metric is a mean of one score per example."""
    return any(one.name == metric_name(metric) for one in MEANS)


def test_part_digest(path: str) -> bytes | None:
    """Return a digest of the rows of a run's test part; None if they cannot be read."""
    return _test_part(path, _stamp(path, FILE))


def example_metric(path: str, metric: str) -> tuple[Array, Array] | None:
    """Return the rows of a part and the score of each example, both of shape (N,).

    Args:
        path: The run folder.
        metric: A metric of the test or validation part.

    Returns:
        Rows and scores. None if they cannot be read, the metric is not a mean over examples, or a score is not finite.
    """
    number, file = metric_name(metric), FILES.get(metric_part(metric))
    if file is None or not is_mean_over_examples(metric):
        return None
    rows, each = _contributions(path, file, _stamp(path, file))
    return (rows, each[number].astype(np.float64)) if number in each else None


def _stamp(path: str, file: str) -> tuple[int, ...]:
    """Return values that change when the file changes, as a key of the cache."""
    try:
        found = (Path(path) / file).lstat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@lru_cache(maxsize=MOST_RUNS)
def _test_part(path: str, stamp: tuple[int, ...]) -> bytes | None:
    try:
        rows = stored_predictions(Run(Path(path)))["rows"]
    except DropoutError:
        return None
    return sha256(rows.astype(np.float64).tobytes()).digest()


@lru_cache(maxsize=KEPT)
def _contributions(path: str, file: str, stamp: tuple[int, ...]) -> tuple[Array, Mapping[str, Array]]:
    """Return the rows and metric -> finite scores; both empty if they cannot be read."""
    run = Run(Path(path))
    try:
        rows, found = _of_test(run) if file == FILE else _of_validation(run)
    except DropoutError:
        return np.empty(0, np.intp), {}
    rows.setflags(write=False)
    return rows, {number: each for number, each in found.items() if np.isfinite(each).all()}


def _of_test(run: Run) -> tuple[Array, dict[str, Array]]:
    """Return rows and metric -> scores of the test part; raise DropoutError if unreadable."""
    stored = stored_predictions(run)
    given = metric_input(stored, stored["labels"])
    task = "classification" if isinstance(given, ClassPredictions) else "regression"
    with np.errstate(all="ignore"):  # standard deviations in a damaged file may be 0
        found = {one.name: one.per_example(given) for one in MEANS if one.task == task and one.per_example is not None}
    return stored["rows"], {number: np.asarray(each) for number, each in found.items() if each is not None}


def _of_validation(run: Run) -> tuple[Array, dict[str, Array]]:
    """Return rows and metric -> scores of validation; raise DropoutError if unreadable."""
    stored = (
        npz.read_npz(run.read(VALIDATION_FILE), str(run.path / VALIDATION_FILE))
        if run.has_file(VALIDATION_FILE)
        else {}
    )
    rows = stored.pop("rows", None)
    if rows is None or rows.ndim != 1 or rows.dtype.kind not in "iu":
        return np.empty(0, np.intp), {}
    order = np.argsort(rows, kind="stable")
    # Scores of a wrong shape or type are left out: the other metrics can still be used.
    fitting = {name: each for name, each in stored.items() if each.shape == rows.shape and each.dtype.kind in "bf"}
    return rows[order], {name: each[order] for name, each in fitting.items()}


def _are_classes(labels: Array, classes: int) -> bool:
    return labels.dtype.kind in "iu" and int(labels.min()) >= 0 and int(labels.max()) < classes
