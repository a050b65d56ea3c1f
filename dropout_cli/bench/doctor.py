"""Is this machine fit to train on, and what would a report of a fault have to say of it?"""

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from dropout_cli import config
from dropout_cli.core import environment, locks
from dropout_cli.core.text import counted
from dropout_cli.data.base import DATASETS
from dropout_cli.data.cache import data_directories
from dropout_cli.data.sources.mnist import IdxPictures
from dropout_cli.nn.backend import threads
from dropout_cli.training import loop
from dropout_cli.training.setup import prepare
from dropout_cli.variants import VARIANTS

LEAST_DISK = 100_000_000
"""Bytes: room for some runs."""

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONHASHSEED")
"""The environment variables that numbers may depend on."""

EXTRAS = {"optuna": "tune", "distributed": "distributed"}
"""Package that some command needs -> the extra that brings it."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    value: str
    wrong: str = ""
    """What is wrong and the way out; empty where it is fine."""


def examine(runs_dir: Path, seconds: float = 2.0) -> list[Finding]:
    """Look at everything; `seconds` is how long the self-test may go on for. Nothing is left behind."""
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "versions": _versions,
        "machine": _machine,
        "runs": lambda: _runs(runs_dir),
        "temporary files": _temporary,
        "data": _data,
        "variants": _plugins,
        "determinism": lambda: self_test(seconds),
    }
    findings: list[Finding] = []
    for what, check in checks.items():
        try:
            findings += check()
        except Exception as error:  # whatever is broken here is what a report has to name
            findings.append(Finding(what, "", f"The check failed ({type(error).__name__}: {error})."))
    return [replace(one, value=_homeless(one.value), wrong=_homeless(one.wrong)) for one in findings]


def _homeless(text: str) -> str:
    """Without the name of the user that the path of the home folder tells."""
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises where there is none
    return text.replace(home, "~") if len(home) > 1 else text


def _versions() -> Iterator[Finding]:
    known = environment.describe()
    yield Finding("dropout", str(known["dropout"]))
    yield Finding("python", f"{known['python']} ({sys.implementation.name})")
    yield from (Finding(name, str(version)) for name, version in known["packages"].items())
    for name, extra in EXTRAS.items():
        found = environment.version(name)
        yield Finding(name, found or f"not installed; `{environment.install_command(extra)}` brings it")
    for pool in known["blas"]:
        parts = (pool[key] for key in ("internal_api", "version", "architecture", "threading_layer"))
        yield Finding(
            "linear algebra", f"{' '.join(str(part) for part in parts)}, {counted(pool['num_threads'], 'thread')}"
        )


def _machine() -> Iterator[Finding]:
    known = environment.describe()
    yield Finding("platform", known["platform"])
    yield Finding("processor", f"{known['processor']}, {counted(known['cores'], 'core')} for this process")
    free = environment.available_bytes()
    yield Finding("memory", "unknown" if free is None else f"{free / 1e9:.1f} GB can be had")
    for name in VARIABLES:
        if name in os.environ:
            yield Finding(name, os.environ[name])
    yield Finding("output", f"{sys.stdout.encoding}, {'a terminal' if sys.stdout.isatty() else 'no terminal'}")


def _runs(folder: Path) -> Iterator[Finding]:
    """Disk, permission and locks where runs are kept, or would be."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        yield Finding("runs", str(folder), f"{there} is not a folder. Name another with --runs-dir.")
        return
    free = shutil.disk_usage(there).free
    wrong = f"Less than {LEAST_DISK // 1_000_000} MB. Make room, or use --runs-dir." if free < LEAST_DISK else ""
    yield Finding("disk", f"{free / 1e9:.1f} GB free", wrong)
    try:
        with tempfile.TemporaryDirectory(dir=there, prefix=".doctor-") as made:
            (Path(made) / "file").write_bytes(b"1")
            yield Finding("runs", f"{folder} can be written to")
            yield _lock(Path(made) / ".lock")
    except OSError as error:
        wrong = f"Cannot be written to ({error.strerror}). Use --runs-dir, or mend its permissions."
        yield Finding("runs", str(folder), wrong)


def _lock(path: Path) -> Finding:
    """Whether a lock can be taken and is seen; some network file systems have none."""
    try:
        with locks.held(path):
            if locks.is_held(path):
                return Finding("locks", "a held lock is seen")
            value = "a held lock is not seen"
    except (OSError, locks.Busy) as error:
        value = f"no lock can be taken ({error})"
    return Finding("locks", value, "Two processes could work on one run. Use --runs-dir.")


def _temporary() -> Iterator[Finding]:
    try:
        with tempfile.TemporaryFile() as file:
            file.write(b"1")
        yield Finding("temporary files", f"{tempfile.gettempdir()} can be written to")
    except OSError as error:
        yield Finding("temporary files", "", f"Cannot be written ({error.strerror}). Set TMPDIR.")


def _data() -> Iterator[Finding]:
    folders = " and ".join(str(path) for path in data_directories())
    given = "set" if "DROPOUT_DATA" in os.environ else "not set"
    yield Finding("data", f"looked for in {folders}; DROPOUT_DATA is {given}")
    for name, cls in DATASETS:
        if issubclass(cls, IdxPictures):
            found = cls.find()
            yield Finding(name, f"in {found}" if found else "not on this machine; `dropout fetch` downloads it")


def _plugins() -> Iterator[Finding]:
    ours = [name for name, cls in VARIANTS if cls.__module__.startswith("dropout_cli.")]
    added = sorted(set(VARIANTS.names()) - set(ours))
    yield Finding("variants", f"{len(ours)}, and from other packages {', '.join(added) if added else 'none'}")
    for name, problem in VARIANTS.left_out().items():
        yield Finding(f"variant '{name}'", f"of {problem.place}", str(problem))


def self_test(seconds: float) -> Iterator[Finding]:
    """Train a small network again and again: the same thread count must give the same weights every time."""
    end = time.monotonic() + seconds
    digests: dict[int, list[str]] = {1: []}
    if environment.cores() > 1:
        digests[2] = []
    for number in count():
        thread_count = list(digests)[number % len(digests)]
        digests[thread_count].append(weights_of_a_small_run(thread_count))
        if time.monotonic() > end and min(len(found) for found in digests.values()) > 1:
            break
    yield from judged(digests)


def judged(digests: dict[int, list[str]]) -> Iterator[Finding]:
    """What the digests of the weights, by thread count, say."""
    trainings = sum(len(found) for found in digests.values())
    broken = [str(count) for count, found in digests.items() if len(set(found)) > 1]
    wrong = f"With {' and '.join(broken)} threads they differ. Report this with --json." if broken else ""
    yield Finding("determinism", f"{trainings} trainings compared", wrong)
    if len(digests) > 1 and not broken:
        same = len({found[0] for found in digests.values()}) == 1
        yield Finding("thread counts", f"1 and 2 threads give {'the same' if same else 'other'} bytes here")


def weights_of_a_small_run(thread_count: int) -> str:
    """SHA-256, in hex, of what a small network with dropout has learned after a few steps."""
    small = ("training.epochs=1", "training.steps_per_epoch=20", "architecture.hidden=[256, 256]")
    prepared = prepare(config.load(config.find("digits"), small).experiment)
    with threads.limited(thread_count):
        for _ in loop.epochs(prepared.learner, prepared.dataset, prepared.experiment, prepared.task):
            pass
    digest = hashlib.sha256()
    for name, value in sorted(prepared.learner.arrays().items()):
        digest.update(name.encode() + value.tobytes())
    return digest.hexdigest()
