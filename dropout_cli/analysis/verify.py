"""Whether a run folder still says what training wrote, and whether what it says agrees with itself.

Nothing is trained here, see `replay`; numbers are computed anew from the stored predictions, by the rules of the format
that the folder states. To change a formula, add a format: the former function stays under the format that it made.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli import config
from dropout_cli.analysis import verify_yardstick
from dropout_cli.core import locks, npz
from dropout_cli.core.errors import DropoutError, NewerFormat, UsageError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.metrics import VALIDATION
from dropout_cli.runs import MANIFEST, RESOLVED, Run, manifest
from dropout_cli.runs.summary import evaluated_epoch
from dropout_cli.tasks import TASKS, Prediction, Task
from dropout_cli.training import against_dummy
from dropout_cli.training.checkpoint import BEST, LAST, PREVIOUS, Snapshot, comparable, identity

CLOSE = 1e-9
"""Relative: numbers computed anew with another NumPy may differ in their last bits."""


@dataclass(frozen=True)
class Rules:
    """How the results of a complete run follow from the arrays in `predictions.npz`."""

    scores: Callable[[Task, Prediction, Array], dict[str, Any]]
    """Task, stored arrays and labels -> the numbers of `summary.json`."""
    tables: Callable[[Task, Prediction, Array, Array], dict[str, bytes]]
    """Task, stored arrays, labels and rows -> the CSV files."""
    always: frozenset[str]
    """Numbers that every summary of the format has. Others came later, and are checked where they are present."""
    losses: bool
    """Whether `val_loss` in metrics.csv is `val.nll` of a classifier's summary, to the last digits."""


FIRST = frozenset({"accuracy", "nll", "brier", "ece", "rmse", "mae", "r2", "coverage"})
"""Numbers that summaries have had from the first version on, each of them in its task."""
RULES = {
    # Of classes, probabilities in float32 were all there was: nll was at most 708.4.
    1: Rules(
        scores=lambda task, stored, labels: task.scores(_without(stored, "log_probabilities"), labels),
        tables=lambda task, stored, labels, rows: task.tables(_without(stored, "log_probabilities"), labels, rows),
        always=FIRST,
        losses=False,
    ),
    # `log_probabilities` in float64 decide losses, ranks and predicted classes.
    2: Rules(
        scores=lambda task, stored, labels: task.scores(_whole(task, stored), labels),
        tables=lambda task, stored, labels, rows: task.tables(_whole(task, stored), labels, rows),
        always=FIRST,
        losses=True,
    ),
}
"""The rules of every format that was ever written.

`format` in `summary.json` says which of them hold for the results, that in `state.json`, of the version that began the
run, which hold for its history.
"""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    what: str
    right: bool
    fact: str
    """What is the case, in a few words."""


def verify(run: Run) -> list[Check]:
    """Look at everything that can be judged without training.

    Raises UsageError for a run that is being worked on, NewerFormat where something is newer than this version.
    """
    complete = run.has(MANIFEST)
    if not complete and locks.is_held(run.inside(".lock")):
        raise UsageError(str(run.path), "a process is working on this run", "Wait for it to end.")
    checks = list(_guarded("complete", _complete(run)))
    if complete:
        checks += _guarded(MANIFEST, _listed(run, ""))
    checks += _guarded(RESOLVED, _config(run))
    checks += _guarded("checkpoints", _checkpoints(run))
    if complete:
        checks += _guarded("summary.json", _summary(run))
    for folder in sorted(path for path in run.inside("after").glob("*") if path.is_dir()):
        if not folder.name.startswith("."):
            checks += _guarded(f"after/{folder.name}", _listed(run, f"after/{folder.name}/"))
    return checks


def _without(stored: Prediction, name: str) -> Prediction:
    return {key: value for key, value in stored.items() if key != name}


def _whole(task: Task, stored: Prediction) -> Prediction:
    """Return the arrays. Raises ValueError where one is missing or does not fit."""
    if task.name == "classification" and "log_probabilities" not in stored:
        raise ValueError("log_probabilities are missing in predictions.npz")
    if task.name == "classification" and not np.allclose(
        np.exp(stored["log_probabilities"]), stored["probabilities"], atol=1e-5
    ):
        raise ValueError("log_probabilities in predictions.npz are not the logarithms of probabilities")
    return stored


def _guarded(what: str, checks: Iterable[Check]) -> Iterator[Check]:
    """The checks, with one that cannot be carried out as one that fails."""
    try:
        yield from checks
    except NewerFormat:
        raise
    except DropoutError as error:
        yield Check(what, False, "; ".join(problem.fact for problem in error.problems))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, OSError) as error:
        yield Check(what, False, f"is damaged ({error})")


def _complete(run: Run) -> Iterator[Check]:
    ended = run.ended
    yield Check("complete", ended == "completed", ended)


def _listed(run: Run, folder: str) -> Iterator[Check]:
    """Every file of the folder is in its manifest, and as it says; a check per file that is not."""
    listed = manifest.parse(run.read(folder + MANIFEST))
    found = set(manifest.covered(run.path / folder))
    wrong = [Check(f"{folder}{name}", False, f"is not in {MANIFEST}") for name in sorted(found - listed.keys())]
    wrong += [Check(f"{folder}{name}", False, "is missing") for name in sorted(listed.keys() - found)]
    for name in sorted(listed.keys() & found):
        wrong += _guarded(f"{folder}{name}", _as_listed(run, folder, name, listed[name]))
    yield from wrong
    if not wrong:
        verb = "is as it was" if len(listed) == 1 else "are as they were"
        yield Check(folder.rstrip("/") or MANIFEST, True, f"{counted(len(listed), 'file')} {verb} written")


def _as_listed(run: Run, folder: str, name: str, digest: str) -> Iterator[Check]:
    """Nothing, where the file is as its manifest says."""
    if hashlib.sha256(run.read(folder + name)).hexdigest() != digest:
        yield Check(f"{folder}{name}", False, f"differs from what {folder}{MANIFEST} says of it")


def _config(run: Run) -> Iterator[Check]:
    digest = hashlib.sha256(run.read(RESOLVED)).hexdigest()
    known = digest in run.state().get("resolved", [])
    yield Check(RESOLVED, known, "is the one that was trained" if known else "differs from what state.json says of it")
    experiment = config.load(run.path / RESOLVED, stored=True).experiment
    if run.has(MANIFEST):
        same = comparable(run.summary()["config"]) == comparable(config.to_dict(experiment))
        yield Check("summary.json", same, f"its config is{'' if same else ' not'} that of {RESOLVED}")


def _checkpoints(run: Run) -> Iterator[Check]:
    """Their own checksums, the config they were saved under, and the history that the last one speaks of."""
    expected = identity(config.load(run.path / RESOLVED, stored=True).experiment)
    for file in (LAST, PREVIOUS, BEST):
        if run.has(file):
            yield from _guarded(file, _checkpoint(run, file, expected))
    if run.has(MANIFEST) and run.has(LAST):
        right = hashlib.sha256(run.read("metrics.csv")).hexdigest() == Snapshot.read(run, LAST).meta["metrics"]
        yield Check("metrics.csv", right, f"is{'' if right else ' not'} the history that {LAST} speaks of")


def _checkpoint(run: Run, file: str, expected: str) -> Iterator[Check]:
    snapshot = Snapshot.read(run, file)
    right = snapshot.meta["config"] == expected
    fact = f"whole, of epoch {snapshot.meta['epoch']}" if right else f"was saved under another config than {RESOLVED}"
    yield Check(file, right, fact)


def _summary(run: Run) -> Iterator[Check]:
    """The numbers of the test part, computed anew from the predictions; those of val, from the history."""
    summary = run.summary()
    rules = RULES[summary["format"]]
    stored = npz.read(run.read("predictions.npz"), str(run.path / "predictions.npz"))
    kind = TASKS[summary.get("task", "classification")]
    task = kind.recalled(summary["test"])
    labels, rows = stored["labels"], stored["rows"]
    anew = rules.scores(task, stored, labels)
    former = {name: anew[name] for name in anew if name in summary["test"] or name in rules.always}
    differing = list(differences(summary["test"], former))
    yield Check("summary.json", not differing, "; ".join(differing) or "its test numbers follow from predictions.npz")
    if beside := against_dummy.of(summary, "dummy", "test"):
        anew = verify_yardstick.dummy(run, summary, task, labels)
        differing = list(differences({key: beside[key] for key in anew}, anew, "yardstick.dummy.test"))
        yield Check("summary.json", not differing, "; ".join(differing) or "its dummy follows from the labels")
    for name, made in rules.tables(task, stored, labels, rows).items():
        right = run.read(name) == made
        yield Check(name, right, f"{'follows' if right else 'does not follow'} from predictions.npz")
    yield from _validation(run, summary["val"])
    history = run.table("metrics.csv").columns()
    epoch = evaluated_epoch(summary)
    pairs = {f"val_{task.number}": task.number}
    if task.name == "classification" and rules.losses and RULES[run.state()["format"]].losses:
        pairs["val_loss"] = "nll"
    right = len(history["epoch"]) == summary["epochs"]
    if right and summary["val"] is not None:
        right = all(_same(history[column][epoch - 1], summary["val"][name]) for column, name in pairs.items())
    told = " and ".join(["its epochs", *(f"val {name}" for name in pairs.values())])
    yield Check("summary.json", right, f"{told} are{'' if right else ' not'} those of metrics.csv")


def _validation(run: Run, scores: Mapping[str, Any] | None) -> Iterator[Check]:
    """Check the contributions of validation examples against the summary; older runs do not store them."""
    if scores is not None and run.has(VALIDATION):
        stored = npz.read(run.read(VALIDATION), str(run.path / VALIDATION))
        means = {name: float(np.mean(each)) for name, each in stored.items() if name in scores}
        right = all(math.isclose(mean, scores[name], rel_tol=1e-5, abs_tol=1e-5) for name, mean in means.items())
        yield Check(VALIDATION, right, f"its means are{'' if right else ' not'} the val numbers of summary.json")


def differences(stored: Any, anew: Any, path: str = "") -> Iterator[str]:
    """A phrase for each number or text that is not the same in both; numbers may differ in their last bits."""
    if isinstance(anew, Mapping) and isinstance(stored, Mapping) and anew.keys() == stored.keys():
        for name in anew:
            yield from differences(stored[name], anew[name], f"{path}.{name}" if path else name)
    elif isinstance(anew, list) and isinstance(stored, list) and len(anew) == len(stored):
        for index, (one, other) in enumerate(zip(stored, anew, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif not _same(stored, anew):
        yield f"{path} is {stored}, and computed anew {anew}"


def _same(stored: Any, anew: Any) -> bool:
    if isinstance(stored, float) and isinstance(anew, float):
        return math.isclose(stored, anew, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(stored == anew)
