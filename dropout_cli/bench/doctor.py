"""Check whether this machine is ready for training, and collect facts for a bug report."""

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from dropout_cli import config
from dropout_cli.core import environment, locks
from dropout_cli.core.errors import Problem
from dropout_cli.core.registry import Registry
from dropout_cli.core.text import counted
from dropout_cli.data.base import DATASETS
from dropout_cli.data.cache import data_directories
from dropout_cli.data.sources.mnist import IdxImages
from dropout_cli.metrics import metric_labels, metric_origins, unusable_metrics
from dropout_cli.nn.backend import threads
from dropout_cli.objectives import OBJECTIVES
from dropout_cli.training import loop
from dropout_cli.training.setup import prepare
from dropout_cli.variants import VARIANTS

MIN_FREE_BYTES = 100_000_000
"""Bytes of free disk space below which a warning is shown."""

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONHASHSEED")
"""Environment variables that may change numbers."""

EXTRAS = {"optuna": "tune", "distributed": "distributed"}
"""Optional package -> the extra of dropout-cli that installs it."""


@dataclass(frozen=True)
class Finding:
    """Result of one check."""

    what: str
    value: str
    wrong: str = ""
    """The problem and what to do about it; empty if there is none."""


def run_checks(runs_dir: Path, seconds: float = 2.0) -> list[Finding]:
    """Run all checks. No files remain.

    Args:
        runs_dir: The folder that holds the runs, or will hold them.
        seconds: How long the self-test repeats its trainings.
    """
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "versions": _versions,
        "machine": _machine,
        "runs": lambda: _runs(runs_dir),
        "temporary files": _temporary,
        "data": _data,
        "plugins": _plugins,
        "determinism": lambda: self_test(seconds),
    }
    findings: list[Finding] = []
    for what, check in checks.items():
        try:
            findings += check()
        except Exception as error:  # a broken check is itself a finding
            findings.append(Finding(what, "", f"The check failed ({type(error).__name__}: {error})."))
    return [
        replace(finding, value=_without_home(finding.value), wrong=_without_home(finding.wrong)) for finding in findings
    ]


def _without_home(text: str) -> str:
    """Replace the home folder by `~`: bug reports should not contain the name of the user."""
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises without a home folder
    return text.replace(home, "~") if len(home) > 1 else text


def _versions() -> Iterator[Finding]:
    known = environment.describe_environment()
    yield Finding("dropout", str(known["dropout"]))
    yield Finding("python", f"{known['python']} ({sys.implementation.name})")
    yield from (Finding(name, str(version)) for name, version in known["packages"].items())
    for name, extra in EXTRAS.items():
        installed = environment.installed_version(name)
        yield Finding(name, installed or f"not installed; install it with {environment.install_command(extra)}")
    for pool in known["blas"]:
        parts = (pool[key] for key in ("internal_api", "version", "architecture", "threading_layer"))
        yield Finding(
            "linear algebra", f"{' '.join(str(part) for part in parts)}, {counted(pool['num_threads'], 'thread')}"
        )


def _machine() -> Iterator[Finding]:
    known = environment.describe_environment()
    yield Finding("platform", known["platform"])
    yield Finding("processor", f"{known['processor']}, {counted(known['cores'], 'core')} for this process")
    free = environment.available_bytes()
    yield Finding("memory", "unknown" if free is None else f"{free / 1e9:.1f} GB available")
    for name in VARIABLES:
        if name in os.environ:
            yield Finding(name, os.environ[name])
    yield Finding("output", f"{sys.stdout.encoding}, {'a terminal' if sys.stdout.isatty() else 'no terminal'}")


def _runs(folder: Path) -> Iterator[Finding]:
    """Check disk space, permissions and locks of the folder for runs, or of its parent."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        yield Finding("runs", str(folder), f"{existing} is not a folder. Choose another folder with --runs-dir.")
        return
    free = shutil.disk_usage(existing).free
    wrong = (
        f"Less than {MIN_FREE_BYTES // 1_000_000} MB are free. Delete files, or use --runs-dir."
        if free < MIN_FREE_BYTES
        else ""
    )
    yield Finding("disk", f"{free / 1e9:.1f} GB free", wrong)
    try:
        with tempfile.TemporaryDirectory(dir=existing, prefix=".doctor-") as probe:
            (Path(probe) / "file").write_bytes(b"1")
            yield Finding("runs", f"{folder} is writable")
            yield _lock(Path(probe) / ".lock")
    except OSError as error:
        wrong = f"The folder is not writable ({error.strerror}). Use --runs-dir, or change its permissions."
        yield Finding("runs", str(folder), wrong)


def _lock(path: Path) -> Finding:
    """Check that locks work; on some network file systems they do not."""
    try:
        # A second look from the same process sees the lock, as another process would.
        with locks.locked(path):
            if locks.is_locked(path):
                return Finding("locks", "work")
            value = "have no effect"
    except (OSError, locks.Locked) as error:
        value = f"fail ({error})"
    return Finding(
        "locks", value, "Two processes could write to one run. Use --runs-dir for a folder on another file system."
    )


def _temporary() -> Iterator[Finding]:
    try:
        with tempfile.TemporaryFile() as file:
            file.write(b"1")
        yield Finding("temporary files", f"{tempfile.gettempdir()} is writable")
    except OSError as error:
        yield Finding(
            "temporary files", "", f"They cannot be written ({error.strerror}). Set TMPDIR to another folder."
        )


def _data() -> Iterator[Finding]:
    folders = " and ".join(str(path) for path in data_directories())
    state = "set" if "DROPOUT_DATA" in os.environ else "not set"
    yield Finding("data", f"searched in {folders}; DROPOUT_DATA is {state}")
    for name, cls in DATASETS:
        if issubclass(cls, IdxImages):  # only these are downloaded
            folder = cls.find_files()
            yield Finding(
                name, f"in {folder}" if folder else f"not on this machine; `dropout fetch {name}` downloads it"
            )


def _plugins() -> Iterator[Finding]:
    registries: tuple[Registry[Any], ...] = (VARIANTS, DATASETS, OBJECTIVES)
    for registry in registries:
        origins = {name: registry.origin(name) for name in registry.names()}
        yield from _plugins_of(registry.kind, origins, registry.unusable_plugins())
    metrics = dict.fromkeys(metric_labels(), "") | metric_origins()
    yield from _plugins_of("metric", metrics, unusable_metrics())


def _plugins_of(kind: str, origins: Mapping[str, str], unusable: Mapping[str, Problem]) -> Iterator[Finding]:
    """Yield how many names there are, which of them other packages add, and which cannot be used."""
    added = [f"{name} ({origin})" for name, origin in origins.items() if origin]
    number = len(origins) - len(added)
    yield Finding(f"{kind}s", f"{number}, and from other packages {', '.join(added) if added else 'none'}")
    for name, problem in unusable.items():
        yield Finding(f"{kind} '{name}'", f"of {problem.place}", str(problem))


def self_test(seconds: float) -> Iterator[Finding]:
    """Train a small network repeatedly: equal thread counts must give equal weights.

    Args:
        seconds: How long to repeat; each thread count is tried at least twice.
    """
    end = time.monotonic() + seconds
    # Different thread counts may give different bytes, so each is compared with itself only.
    digests: dict[int, list[str]] = {1: []}
    if environment.available_cores() > 1:
        digests[2] = []
    for number in count():
        thread_count = list(digests)[number % len(digests)]
        digests[thread_count].append(small_run_digest(thread_count))
        # One training alone has nothing to be compared with.
        if time.monotonic() > end and min(len(each) for each in digests.values()) > 1:
            break
    yield from determinism_findings(digests)


def determinism_findings(digests: dict[int, list[str]]) -> Iterator[Finding]:
    """Yield the findings of the self-test.

    Args:
        digests: Thread count -> the digests of the weights of its trainings.
    """
    trainings = sum(len(each) for each in digests.values())
    broken = [str(threads) for threads, each in digests.items() if len(set(each)) > 1]
    wrong = (
        f"With {' and '.join(broken)} threads, weights differ. Report this with the output of --json." if broken else ""
    )
    yield Finding("determinism", f"{trainings} trainings compared", wrong)
    if len(digests) > 1 and not broken:
        same = len({each[0] for each in digests.values()}) == 1
        yield Finding(
            "thread counts", f"1 and 2 threads give {'the same' if same else 'different'} bytes on this machine"
        )


def small_run_digest(thread_count: int) -> str:
    """Train a small network for a few steps; return the SHA-256 of its weights, in hex."""
    # Wide enough that products are split among two threads.
    small = ("training.epochs=1", "training.steps_per_epoch=20", "architecture.hidden=[256, 256]")
    prepared = prepare(config.load_config(config.find_config("digits"), small).experiment)
    with threads.limit_threads(thread_count):
        for _ in loop.train_epochs(prepared.learner, prepared.dataset, prepared.experiment, prepared.task):
            pass
    digest = hashlib.sha256()
    for name, value in sorted(prepared.learner.arrays().items()):
        digest.update(name.encode() + value.tobytes())
    return digest.hexdigest()
