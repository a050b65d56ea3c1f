"""Training a finished run again, and comparing bytes.

Of a run of an older format, what is computed otherwise today has other bytes: there the arrays of checkpoints and
predictions must be the same, the tables must follow from them by the format's own rules, and the history must agree
within rounding.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from dropout_cli import config
from dropout_cli.analysis.verify import RULES, Check
from dropout_cli.core import environment, npz
from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.runs import FORMAT, RESOLVED, Run
from dropout_cli.tasks import TASKS
from dropout_cli.training import arithmetic
from dropout_cli.training.checkpoint import BEST, LAST, Snapshot
from dropout_cli.training.run import TrainingWatch, prepare_run, run_experiment
from dropout_cli.training.setup import Prepared, computing

TABLES = ("metrics.csv", "confusion_matrix.csv", "mistakes.csv", "residuals.csv")
PREDICTIONS = "predictions.npz"
COMPARED = (*TABLES, PREDICTIONS, LAST, BEST)
"""What equal configs, seeds and machines write with equal bytes."""
ROUNDING = 1e-5
"""Relative and absolute tolerance: losses of format 1 were summed from logarithms in single precision."""


def replay(run: Run, *, watch: TrainingWatch) -> list[Check]:
    """Train the run's resolved config again, in a temporary folder, and compare.

    Raises UsageError for a run that is not complete, or was lengthened in a way that no single run repeats.
    """
    _must_be_one_run(run)
    text = run.read_unchanged(RESOLVED)
    prepared = prepare_run(config.load(run.path / RESOLVED).experiment)
    with tempfile.TemporaryDirectory(prefix="dropout-replay-") as folder:
        again = Run.create(Path(folder), "replay")
        run_experiment(prepared, again, text, watch=watch, figures=False)
        oldest = min(run.summary()["format"], run.state()["format"])
        compared = _compared if oldest == FORMAT else _compared_across_formats
        checks = [compared(run, again, name) for name in COMPARED if run.has(name) or again.has(name)]
        checks += _simple_models(run, again)
        if not all(check.right for check in checks):
            with computing(prepared.experiment):
                checks += _why(run, again, prepared)
    return checks


def _simple_models(run: Run, again: Run) -> Iterator[Check]:
    """Compare the numbers of the simple models, which runs of older versions do not have."""
    ours, theirs = (one.summary().get("yardstick") for one in (run, again))
    if ours is not None:
        yield Check(
            "summary.json", ours == theirs, f"its yardstick has {'the same' if ours == theirs else 'other'} numbers"
        )


def _must_be_one_run(run: Run) -> None:
    place = str(run.path)
    if run.ended != "completed":
        raise UsageError(place, f"this run is {run.ended}", "`dropout resume` goes on with it, or says why it cannot.")
    for mark in run.state().get("lengthened", []):
        if mark["schedule_changed"] or mark["patience_anew"]:
            fact = f"this run was lengthened after epoch {mark['after_epoch']} with --change-schedule or patience anew"
            raise UsageError(place, fact, "No single run from the start repeats it.")


def _compared(run: Run, again: Run, name: str) -> Check:
    if name == LAST and not run.has(LAST):
        return Check(name, True, "stayed where the run was trained")
    if not (run.has(name) and again.has(name)):
        return Check(name, False, "is there once only")
    same = run.read(name) == again.read(name)
    return Check(name, same, "the same bytes" if same else "other bytes")


def _compared_across_formats(run: Run, again: Run, name: str) -> Check:
    """Compare the numbers in a file that the two runs wrote in different formats."""
    plain = _compared(run, again, name)
    if plain.right or not (run.has(name) and again.has(name)):
        return plain
    summary = run.summary()
    rules = RULES[summary["format"]]
    if name == "metrics.csv":
        same = _agree(*(one.table(name).columns() for one in (run, again)))
    elif name in (LAST, BEST):
        same = _equal(Snapshot.read(run, name).arrays, Snapshot.read(again, name).arrays)
    else:
        ours, theirs = (npz.read(one.read(PREDICTIONS), str(one.path / PREDICTIONS)) for one in (run, again))
        if name == PREDICTIONS:
            same = _equal(ours, {key: theirs[key] for key in ours if key in theirs})
        else:
            task = TASKS[summary.get("task", "classification")].recalled(summary["test"])
            same = rules.tables(task, theirs, theirs["labels"], theirs["rows"])[name] == run.read(name)
    return Check(name, same, "the same numbers, written by an older format" if same else "other numbers")


def _equal(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> bool:
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[key], theirs[key], equal_nan=True) for key in ours)


def _agree(ours: Mapping[str, Sequence[float]], theirs: Mapping[str, Sequence[float]]) -> bool:
    """Whether two histories have the same columns, and numbers within the rounding of single precision."""
    return ours.keys() == theirs.keys() and all(
        len(ours[key]) == len(theirs[key]) and np.allclose(ours[key], theirs[key], ROUNDING, ROUNDING, equal_nan=True)
        for key in ours
    )


def _why(run: Run, again: Run, prepared: Prepared) -> Iterator[Check]:
    """Where the two part, and what differs around them."""
    ours, theirs = (one.table("metrics.csv").rows() for one in (run, again))
    for one, other in zip(ours, theirs, strict=False):
        for column, value in one.items():
            if value != other.get(column):
                fact = f"epoch {one['epoch']} is the first that differs: {column} was {value}, is {other.get(column)}"
                yield Check("metrics.csv", False, fact)
                break
        else:
            continue
        break
    changes = list(arithmetic.since_begun(run, prepared))
    for change in changes:
        yield Check("arithmetic", False, f"has changed since: {change}")
    lines = environment.differences(json.loads(run.read("environment.json")), environment.describe())
    for line in lines:
        yield Check("environment", False, line)
    for line in run.state().get("environment", []):
        yield Check("environment", False, f"when the run was resumed: {line}")
    if not (lines or changes):
        yield Check("environment", True, "is the same as far as is known, and does not explain it")
