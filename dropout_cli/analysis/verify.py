"""Check that the files of a run folder are unchanged and consistent.

Nothing is trained here, see `replay`. Numbers are computed again from the stored predictions, by the rules of the
format of the folder. To change a formula, add a format: the old function stays under the format that it made.
"""

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dropout_cli import config
from dropout_cli.analysis import verify_monte_carlo, verify_yardstick
from dropout_cli.analysis.value_differences import is_same_value, value_differences
from dropout_cli.analysis.verify_metrics import split_known_metrics
from dropout_cli.config.stored import load_run_config
from dropout_cli.core import locks, npz
from dropout_cli.core.errors import DropoutError, NewerFormat, UsageError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.metrics import VALIDATION_FILE
from dropout_cli.runs import MANIFEST, RESOLVED, Run, manifest
from dropout_cli.runs.manifest import LOCK_FILE
from dropout_cli.runs.state import STATE
from dropout_cli.runs.summary import evaluated_epoch
from dropout_cli.tasks import TASKS, Prediction, Task
from dropout_cli.training import yardstick_messages
from dropout_cli.training.checkpoint import BEST, LAST, PREVIOUS, Snapshot, comparable_config, config_digest
from dropout_cli.training.monte_carlo import MONTE_CARLO_FILE, SUMMARY_KEY


@dataclass(frozen=True)
class FormatRules:
    """Rules of a format: how results follow from the arrays in `predictions.npz`."""

    scores: Callable[[Task, Prediction, Array], dict[str, Any]]
    """(task, stored arrays, labels) -> the numbers of `summary.json`."""
    tables: Callable[[Task, Prediction, Array, Array], dict[str, bytes]]
    """(task, stored arrays, labels, rows) -> the bytes of each CSV file."""
    required: frozenset[str]
    """Numbers that every summary of the format has. Others were added later, and are checked only if present."""
    checks_val_loss: bool
    """True if `val_loss` in metrics.csv equals `val.nll` in the summary of a classification run."""


ORIGINAL_METRICS = frozenset({"accuracy", "nll", "brier", "ece", "rmse", "mae", "r2", "coverage"})
"""Numbers that summaries of their task have had since the first version."""
UNFINISHED = re.compile(r"\..+\.[0-9a-f]{8}\.(partial|old)")
"""Names of folders in `after/` that a command is writing, or left when it was killed."""
FORMAT_RULES = {
    # Classification stored only probabilities in float32, so nll was at most 708.4.
    1: FormatRules(
        scores=lambda task, stored, labels: task.scores(_without(stored, "log_probabilities"), labels),
        tables=lambda task, stored, labels, rows: task.tables(_without(stored, "log_probabilities"), labels, rows),
        required=ORIGINAL_METRICS,
        checks_val_loss=False,
    ),
    # `log_probabilities` in float64 decide losses, ranks and predicted classes.
    2: FormatRules(
        scores=lambda task, stored, labels: task.scores(_whole(task, stored), labels),
        tables=lambda task, stored, labels, rows: task.tables(_whole(task, stored), labels, rows),
        required=ORIGINAL_METRICS,
        checks_val_loss=True,
    ),
}
"""Format -> its rules, for every format that any version has written.

`format` in `summary.json` chooses the rules for the results. `format` in `state.json` is that of the version which
started the run, and chooses the rules for its history.
"""


@dataclass(frozen=True)
class Check:
    """Result of one check."""

    what: str
    """The file or subject that was checked."""
    right: bool
    fact: str
    """The finding, in a few words."""


def verify_run(run: Run) -> list[Check]:
    """Check everything in a run folder that can be checked without training.

    Returns:
        The checks, failed ones included.

    Raises:
        UsageError: A process is working on the run.
        NewerFormat: A newer version of this program wrote the run.
    """
    complete = run.has_file(MANIFEST)
    # A complete run may be locked for a moment, while it gets a tag; its files are final.
    if not complete and locks.is_locked(run.path_of(".lock")):
        raise UsageError(str(run.path), "a process is working on this run", "Wait until it ends.")
    checks = list(_guarded("status", _complete(run)))
    if complete:
        checks += _guarded(MANIFEST, _listed(run))
    checks += _guarded(RESOLVED, _config(run))
    checks += _guarded("checkpoints", _checkpoints(run))
    if complete:
        checks += _guarded("summary.json", _summary(run))
    checks += _guarded(manifest.AFTER, _after(run))
    return checks


def _after(run: Run) -> Iterator[Check]:
    """Check the results of later commands, each in a folder with its own manifest."""
    for path in sorted(run.path_of(manifest.AFTER).glob("*")):
        name = f"{manifest.AFTER}/{path.name}"
        if path.is_symlink() or not path.is_dir():
            yield Check(name, False, f"is in no folder with a {MANIFEST}")
        elif not UNFINISHED.fullmatch(path.name):
            yield from _guarded(name, _listed(run, f"{name}/", manifest.result_files))


def _without(stored: Prediction, name: str) -> Prediction:
    """Return the arrays except one."""
    return {key: value for key, value in stored.items() if key != name}


def _whole(task: Task, stored: Prediction) -> Prediction:
    """Return the arrays unchanged. Raise ValueError if one is missing or does not fit."""
    if task.name == "classification" and "log_probabilities" not in stored:
        raise ValueError("log_probabilities are missing in predictions.npz")
    if task.name == "classification" and not np.allclose(
        np.exp(stored["log_probabilities"]), stored["probabilities"], atol=1e-5
    ):
        raise ValueError("log_probabilities in predictions.npz do not match probabilities")
    return stored


def _guarded(what: str, checks: Iterable[Check]) -> Iterator[Check]:
    """Yield the checks; an error while they are computed becomes a failed check."""
    try:
        yield from checks
    # Not a damaged file: the user needs a newer version, so the whole check ends.
    except NewerFormat:
        raise
    except DropoutError as error:
        yield Check(what, False, "; ".join(problem.fact for problem in error.problems))
    # Damaged files can raise any of these from deep inside; the other checks must still run.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, OSError) as error:
        yield Check(what, False, f"is damaged ({error})")


def _complete(run: Run) -> Iterator[Check]:
    ended = run.final_status
    yield Check("status", ended == "completed", ended)


def _listed(
    run: Run, folder: str = "", covered: Callable[[Path], Iterator[str]] = manifest.covered_files
) -> Iterator[Check]:
    """Yield a check for each file that differs between manifest and folder, else one check.

    Args:
        run: The run.
        folder: The folder of the manifest in the run, with a final slash; empty for the run itself.
        covered: Returns the names of the files that the manifest must list.
    """
    data = run.read(folder + MANIFEST)
    listed, present = manifest.parse_manifest(data), set(covered(run.path / folder))
    sealed = manifest.is_sealed(data)
    if not sealed:
        present.discard(STATE)  # manifests of older versions do not list it
    wrong = [
        Check(f"{folder}{name}", False, f"is not listed in {MANIFEST}") for name in sorted(present - listed.keys())
    ]
    wrong += [Check(f"{folder}{name}", False, "is missing") for name in sorted(listed.keys() - present)]
    for name in sorted(listed.keys() & present):
        wrong += _guarded(f"{folder}{name}", _as_listed(run, folder, name, listed[name]))
    yield from wrong
    if not wrong:
        verb = "is" if len(listed) == 1 else "are"
        yield Check(folder.rstrip("/") or MANIFEST, True, f"{counted(len(listed), 'file')} {verb} unchanged")
        if not sealed:
            unprotected = MANIFEST if folder else f"{STATE} and {MANIFEST}"
            fact = f"an older version wrote this folder, and stored no checksum of {unprotected}"
            yield Check(folder.rstrip("/") or MANIFEST, True, fact)
    if not folder and run.has_file(LOCK_FILE) and run.read(LOCK_FILE):
        yield Check(LOCK_FILE, False, "is not empty")


def _as_listed(run: Run, folder: str, name: str, digest: str) -> Iterator[Check]:
    """Yield a failed check if the file is not the one in the manifest."""
    if run.digest(folder + name) != digest:
        yield Check(f"{folder}{name}", False, f"does not match its checksum in {folder}{MANIFEST}")


def _config(run: Run) -> Iterator[Check]:
    """Check that the stored config is the one that was trained, and the one in the summary."""
    digest = hashlib.sha256(run.read(RESOLVED)).hexdigest()
    # A run that was extended has several configs, and state.json has the checksums of all of them.
    known = digest in run.state().get("resolved", [])
    yield Check(RESOLVED, known, "matches state.json" if known else "does not match state.json")
    experiment = load_run_config(run)
    if run.has_file(MANIFEST):
        same = comparable_config(run.summary()["config"]) == comparable_config(config.to_dict(experiment))
        yield Check("summary.json", same, f"its config {'matches' if same else 'does not match'} {RESOLVED}")


def _checkpoints(run: Run) -> Iterator[Check]:
    """Check the checkpoints: checksums, config, and the history of the last one."""
    # identity() leaves out epochs and save_every, which may change when a run is continued.
    expected = config_digest(load_run_config(run))
    for file in (LAST, PREVIOUS, BEST):
        if run.has_file(file):
            yield from _guarded(file, _checkpoint(run, file, expected))
    if run.has_file(MANIFEST) and run.has_file(LAST):
        right = run.digest("metrics.csv") == Snapshot.read(run, LAST).meta["metrics"]
        yield Check("metrics.csv", right, f"{'matches' if right else 'does not match'} the history in {LAST}")


def _checkpoint(run: Run, file: str, expected: str) -> Iterator[Check]:
    snapshot = Snapshot.read(run, file)
    right = snapshot.meta["config"] == expected
    fact = f"undamaged, of epoch {snapshot.meta['epoch']}" if right else f"does not match {RESOLVED}"
    yield Check(file, right, fact)


def _summary(run: Run) -> Iterator[Check]:
    """Check the test numbers against the predictions, and the val numbers against the history."""
    summary = run.summary()
    rules = FORMAT_RULES[summary["format"]]
    stored = npz.read_npz(run.read("predictions.npz"), str(run.path / "predictions.npz"))
    kind = TASKS[summary.get("task", "classification")]
    task = kind.from_scores(summary["test"])  # a summary has the names of classes or targets
    labels, rows = stored["labels"], stored["rows"]
    recomputed = rules.scores(task, stored, labels)
    scores, expected, unknown = split_known_metrics(summary["test"], recomputed, rules.required)
    differing = list(value_differences(scores, expected))
    matches = f"its test metrics match predictions.npz{unknown and '; not installed, and not checked: '}{unknown}"
    yield Check("summary.json", not differing, "; ".join(differing) or matches)
    if dummy_scores := yardstick_messages.yardstick_scores(summary, "dummy", "test"):
        recomputed = verify_yardstick.recompute_dummy(run, summary, task, labels)
        known = {key: dummy_scores[key] for key in recomputed}
        differing = list(value_differences(known, recomputed, "yardstick.dummy.test"))
        yield Check("summary.json", not differing, "; ".join(differing) or "its baseline numbers match the labels")
    if SUMMARY_KEY in summary or run.has_file(MONTE_CARLO_FILE):
        differing = list(verify_monte_carlo.monte_carlo_differences(run, summary, task, labels))
        matches = f"its Monte Carlo numbers match {MONTE_CARLO_FILE}"
        yield Check("summary.json", not differing, "; ".join(differing) or matches)
    for name, expected_bytes in rules.tables(task, stored, labels, rows).items():
        right = run.read(name) == expected_bytes
        yield Check(name, right, f"{'matches' if right else 'does not match'} predictions.npz")
    yield from _validation(run, summary["val"])
    history = run.table("metrics.csv").columns()
    epoch = evaluated_epoch(summary)
    pairs = {f"val_{task.headline_metric}": task.headline_metric}
    # Both files must be of a format that computes the loss from the same logarithms.
    if task.name == "classification" and rules.checks_val_loss and FORMAT_RULES[run.state()["format"]].checks_val_loss:
        pairs["val_loss"] = "nll"
    right = len(history["epoch"]) == summary["epochs"]
    if right and summary["val"] is not None:
        right = all(is_same_value(history[column][epoch - 1], summary["val"][name]) for column, name in pairs.items())
    names = " and ".join(["its epochs", *(f"val {name}" for name in pairs.values())])
    yield Check("summary.json", right, f"{names}{'' if right else ' do not'} match metrics.csv")


def _validation(run: Run, scores: Mapping[str, Any] | None) -> Iterator[Check]:
    """Check the mean over the validation examples, which older runs do not store."""
    if scores is not None and run.has_file(VALIDATION_FILE):
        stored = npz.read_npz(run.read(VALIDATION_FILE), str(run.path / VALIDATION_FILE))
        means = {name: float(np.mean(each)) for name, each in stored.items() if name in scores}
        # The contributions are stored in float32.
        right = all(math.isclose(mean, scores[name], rel_tol=1e-5, abs_tol=1e-5) for name, mean in means.items())
        yield Check(
            VALIDATION_FILE,
            right,
            f"its means{'' if right else ' do not'} match the validation metrics in summary.json",
        )
