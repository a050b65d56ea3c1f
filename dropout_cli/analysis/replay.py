"""Train a finished run again, and compare the files byte by byte.

Some files of an older format have other bytes today. For these, the arrays of checkpoints and predictions must be the
same, the tables must follow from the arrays by the rules of that format, and the history must agree within rounding.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from dropout_cli.analysis.verify import FORMAT_RULES, Check
from dropout_cli.config.stored import load_run_config
from dropout_cli.core import environment, npz
from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.runs import FORMAT, RESOLVED, Run
from dropout_cli.runs.state import require_completed
from dropout_cli.tasks import TASKS
from dropout_cli.training import result_changes
from dropout_cli.training.checkpoint import BEST, LAST, Snapshot
from dropout_cli.training.monte_carlo import SUMMARY_KEY
from dropout_cli.training.run import TrainingWatch, prepare_run, run_experiment
from dropout_cli.training.setup import PreparedExperiment, thread_limit

TABLES = ("metrics.csv", "confusion_matrix.csv", "mistakes.csv", "residuals.csv")
PREDICTIONS = "predictions.npz"
COMPARED_FILES = (*TABLES, PREDICTIONS, LAST, BEST)
"""Files that have the same bytes if config, seed and machine are the same."""
ROUNDING = 1e-5
"""Relative and absolute tolerance; format 1 summed losses from logarithms in single precision."""


def replay_run(run: Run, *, watch: TrainingWatch) -> list[Check]:
    """Train the resolved config of a run again in a temporary folder, and compare the files.

    Args:
        run: A complete run.
        watch: Receives the events of the training.

    Returns:
        A check per file; if one fails, further checks that name the first difference and possible causes.

    Raises:
        UsageError: The run is not complete, or was extended in a way that one run cannot repeat.
    """
    _must_be_one_run(run)
    text = run.read_unchanged(RESOLVED)
    prepared = prepare_run(load_run_config(run, is_stored=False))
    with tempfile.TemporaryDirectory(prefix="dropout-replay-") as folder:
        again = Run.create(Path(folder), "replay")
        # The same bytes of the config: they are copied into the run folder. Figures are not compared.
        run_experiment(prepared, again, text, watch=watch, figures=False)
        # A run may be started by an older version and completed by a newer one: then only its history is old.
        oldest = min(run.summary()["format"], run.state()["format"])
        compared = _compared if oldest == FORMAT else _compared_across_formats
        checks = [compared(run, again, name) for name in COMPARED_FILES if run.has_file(name) or again.has_file(name)]
        checks += _simple_models(run, again)
        checks += _monte_carlo(run, again)
        # environment.describe() reads the current threads: they must be those of the training.
        if not all(check.right for check in checks):
            with thread_limit(prepared.experiment):
                checks += _why(run, again, prepared)
    return checks


def _simple_models(run: Run, again: Run) -> Iterator[Check]:
    """Compare the numbers of the simple models. Runs of older versions do not have them."""
    ours, theirs = (each.summary().get("yardstick") for each in (run, again))
    if ours is not None:
        fact = f"the simple models have {'the same' if ours == theirs else 'different'} numbers"
        yield Check("summary.json", ours == theirs, fact)


def _monte_carlo(run: Run, again: Run) -> Iterator[Check]:
    """Compare the numbers of `training.mc_passes`. Runs without this key do not have them."""
    ours, theirs = (each.summary().get(SUMMARY_KEY) for each in (run, again))
    if ours is not None:
        fact = f"the Monte Carlo passes have {'the same' if ours == theirs else 'different'} numbers"
        yield Check("summary.json", ours == theirs, fact)


def _must_be_one_run(run: Run) -> None:
    """Raise UsageError if one training from the start cannot repeat the run."""
    place = str(run.path)
    require_completed(place, run.status)
    for mark in run.state().get("lengthened", []):
        if mark["schedule_changed"] or mark["patience_anew"]:
            epoch = mark["after_epoch"]
            fact = f"this run was continued after epoch {epoch} with --change-schedule or a new patience"
            raise UsageError(place, f"{fact}, so a single run cannot reproduce it", "Leave out --replay.")


def _compared(run: Run, again: Run, name: str) -> Check:
    """Compare the bytes of one file."""
    # Workers on other machines do not send the last checkpoint back.
    if name == LAST and not run.has_file(LAST):
        return Check(name, True, "is only on the machine that trained the run")
    if not (run.has_file(name) and again.has_file(name)):
        return Check(name, False, "exists in one of the two runs only")
    same = run.digest(name) == again.digest(name)
    return Check(name, same, "has the same bytes" if same else "has different bytes")


def _compared_across_formats(run: Run, again: Run, name: str) -> Check:
    """Compare the numbers in a file that the two runs wrote in different formats."""
    check = _compared(run, again, name)
    if check.right or not (run.has_file(name) and again.has_file(name)):
        return check
    summary = run.summary()
    rules = FORMAT_RULES[summary["format"]]
    if name == "metrics.csv":
        same = _agree(*(each.table(name).columns() for each in (run, again)))
    elif name in (LAST, BEST):
        same = _equal(Snapshot.read(run, name).arrays, Snapshot.read(again, name).arrays)
    else:
        ours, theirs = (npz.read_npz(each.read(PREDICTIONS), str(each.path / PREDICTIONS)) for each in (run, again))
        if name == PREDICTIONS:
            # An older format has fewer arrays; those that it has must be equal.
            same = _equal(ours, {key: theirs[key] for key in ours if key in theirs})
        else:
            task = TASKS[summary.get("task", "classification")].from_scores(summary["test"])
            same = rules.tables(task, theirs, theirs["labels"], theirs["rows"])[name] == run.read(name)
    return Check(name, same, "has the same numbers, in an older format" if same else "has different numbers")


def _equal(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> bool:
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[key], theirs[key], equal_nan=True) for key in ours)


def _agree(ours: Mapping[str, Sequence[float]], theirs: Mapping[str, Sequence[float]]) -> bool:
    """Return True if two histories have the same columns and, within ROUNDING, numbers."""
    return ours.keys() == theirs.keys() and all(
        len(ours[key]) == len(theirs[key]) and np.allclose(ours[key], theirs[key], ROUNDING, ROUNDING, equal_nan=True)
        for key in ours
    )


def _why(run: Run, again: Run, prepared: PreparedExperiment) -> Iterator[Check]:
    """Yield checks that help to explain a difference.

    They name the first number of the history that differs, changes of the arithmetic between versions, and differences
    between the machines.
    """
    ours, theirs = (each.table("metrics.csv").rows() for each in (run, again))
    for row, other in zip(ours, theirs, strict=False):
        for column, value in row.items():
            # Only the first difference is reported: all later numbers follow from it.
            if value != other.get(column):
                change = f"{column} was {value} and is now {other.get(column)}"
                fact = f"the first difference is in epoch {row['epoch']}: {change}"
                yield Check("metrics.csv", False, fact)
                break
        else:
            continue
        break
    changes = list(result_changes.changes_since_start(run, prepared))
    for change in changes:
        yield Check("arithmetic", False, f"has changed since the run was trained: {change}")
    lines = environment.environment_differences(
        json.loads(run.read("environment.json")), environment.describe_environment()
    )
    for line in lines:
        yield Check("environment", False, line)
    for line in run.state().get("environment", []):
        yield Check("environment", False, f"when the run was resumed: {line}")
    # A known difference of machine or version is explanation enough.
    if not (lines or changes):
        yield Check(
            "environment", True, "has not changed, as far as is recorded, so it does not explain the difference"
        )
