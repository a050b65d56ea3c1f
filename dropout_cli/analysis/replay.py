"""Training a finished run again, and comparing bytes."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dropout_cli import config
from dropout_cli.analysis.verify import Check
from dropout_cli.core import environment
from dropout_cli.core.errors import UsageError
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.training import arithmetic
from dropout_cli.training.checkpoint import BEST, LAST
from dropout_cli.training.run import Watch, conduct, ready
from dropout_cli.training.setup import Prepared, computing

TABLES = ("metrics.csv", "confusion_matrix.csv", "mistakes.csv", "residuals.csv")
COMPARED = (*TABLES, "predictions.npz", LAST, BEST)
"""What equal configs, seeds and machines write with equal bytes."""


def replay(run: Run, *, watch: Watch) -> list[Check]:
    """Train the run's resolved config again, in a temporary folder, and compare.

    Raises UsageError for a run that is not complete, or was lengthened in a way that no single run repeats.
    """
    _must_be_one_run(run)
    text = run.read_unchanged(RESOLVED)
    prepared = ready(config.load(run.path / RESOLVED).experiment)
    with tempfile.TemporaryDirectory(prefix="dropout-replay-") as folder:
        again = Run.create(Path(folder), "replay")
        conduct(prepared, again, text, watch=watch, figures=False)
        checks = [_compared(run, again, name) for name in COMPARED if run.has(name) or again.has(name)]
        if not all(check.right for check in checks):
            with computing(prepared.experiment):
                checks += _why(run, again, prepared)
    return checks


def _must_be_one_run(run: Run) -> None:
    place = str(run.path)
    if run.ended != "completed":
        raise UsageError(place, f"this run is {run.ended}", "`dropout resume` goes on with it.")
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
