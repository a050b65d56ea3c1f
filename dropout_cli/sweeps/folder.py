"""The folder of a sweep.

sweep.yaml  plan.json                  the sweep file, and every run that it plans
cells/ID/                              a run folder; ID.partial until the run is complete
failed/ID.json  failed/ID.txt          why a run failed, the command that trains it alone, and its output
yardsticks/                            scores of simple models, which runs with the same split share
results.csv  summary.csv  comparisons.csv  notes.txt  *.png
ensemble/  effects/                    studies of later commands: results.json, and each figure as CSV and PNG
MANIFEST.sha256                        digests of all these files, from the end of a sweep to its continuation

The folder may come from someone else: no link in it is followed, and only regular files are opened.

A cell is a planned run; its ID is a hash of its config.
"""

import hashlib
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from dropout_cli.core import locks
from dropout_cli.core.errors import UsageError
from dropout_cli.runs import FORMAT, MANIFEST, Run, json_bytes, manifest, write_atomic
from dropout_cli.runs.atomic_io import os_errors, remove_file
from dropout_cli.runs.manifest import LOCK_FILE
from dropout_cli.runs.safe_read import (
    file_exists,
    parse_json_file,
    path_inside,
    read_regular_file,
    require_regular_files,
)
from dropout_cli.runs.state import STATE

PLAN = "plan.json"
"""The file that makes a folder the folder of a sweep."""
SWEEP_FORMAT = 3
"""The format of new plans and tables; run folders have their own number."""


T = TypeVar("T")


def is_sweep_folder(reference: str) -> bool:
    """Return True if the reference is the path of a sweep folder."""
    # An empty path would mean the current folder.
    return bool(reference.strip()) and file_exists(Path(reference) / PLAN)


def find_sweep(reference: str, root: Path, file: str = PLAN) -> "SweepFolder | None":
    """Return the folder of a sweep that a reference names; None if it names none.

    Args:
        reference: A path, or the name of a folder in `root`.
        root: The folder that holds the runs.
        file: A file that makes it such a folder.
    """
    places = (Path(reference), root / reference) if reference.strip() and "\0" not in reference else ()
    return next((SweepFolder(path) for path in places if file_exists(path / file)), None)


def sweep_files(folder: Path) -> Iterator[str]:
    """Yield the files that the manifest of a sweep covers: all but locks and that manifest.

    The folder of a complete run has a manifest of its own, and only this manifest is listed.
    """
    names = list(manifest.files_below(folder))
    present = set(names)
    complete = {name.removesuffix(MANIFEST) for name in names if name.endswith(f"/{MANIFEST}")}
    complete = {run for run in complete if f"{run}{STATE}" in present}
    for name in names:
        parts = name.split("/")
        within = next((run for n in range(1, len(parts)) if (run := "/".join(parts[:n]) + "/") in complete), None)
        if (within is None and parts[-1] != LOCK_FILE and name != MANIFEST) or name == f"{within}{MANIFEST}":
            yield name


class SweepFolder:
    """The folder of a sweep: its files, its lock, and the state of its runs."""

    def __init__(self, path: Path) -> None:
        """Name a sweep folder.

        Args:
            path: The folder; it may not exist yet.
        """
        self.path = path

    @contextmanager
    def hold_lock(self) -> Iterator[None]:
        """Lock the sweep within the block.

        Raises:
            UsageError: Another process uses the sweep, or the folder contains a link, a named pipe or a device.
            RunFailed: The folder cannot be written.
        """
        for name in ("cells", "failed"):
            folder = self.path_of(name)  # before it is made: behind a link it would be made elsewhere
            with os_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
        lock = self.path_of(".lock")
        require_regular_files(self.path)
        with ExitStack() as stack:
            try:
                with os_errors(lock):
                    stack.enter_context(locks.locked(lock))
            except locks.Locked:
                fact = "another process is using this sweep"
                way_out = "Wait until it ends, or choose another folder with --out."
                raise UsageError(str(self.path), fact, way_out) from None
            yield

    def path_of(self, name: str) -> Path:
        """Return the path of a file in the folder; raise UsageError if it would lead out of the folder."""
        return path_inside(self.path, name)

    def inner(self, name: str) -> "SweepFolder":
        """Return a sweep in a folder of this one, such as the finals of a search."""
        return SweepFolder(self.path_of(name))

    def cell(self, id: str) -> Path:
        """Return the folder of a complete run."""
        return self.path_of(f"cells/{id}")

    def partial(self, id: str) -> Path:
        """Return the folder of a run that is not complete."""
        return self.path_of(f"cells/{id}.partial")

    @property
    def yardsticks(self) -> Path:
        """The folder with the scores of simple models, which runs with the same split share."""
        return self.path_of("yardsticks")

    def output(self, id: str) -> Path:
        """Return the file with the output of a run's process."""
        return self.path_of(f"failed/{id}.txt")

    def is_complete(self, id: str) -> bool:
        """Return True if the run is complete; give its folder its final name if needed."""
        # The manifest is the last file of a run. A process that was killed after it had no time to rename the folder.
        if Run(self.partial(id)).has_file(MANIFEST) and not self.is_busy(id):
            with os_errors(self.partial(id)):
                self.partial(id).replace(self.cell(id))
        return Run(self.cell(id)).has_file(MANIFEST)

    def has_manifest(self, id: str) -> bool:
        """Return True if the run is complete, under either name; nothing is renamed."""
        return self.read_run(id, MANIFEST, lambda _: True) is not None

    def read_run(self, id: str, name: str, read: Callable[[Run], T]) -> T | None:
        """Return the result of a function that reads a run, complete or not; nothing is renamed.

        Args:
            id: The id of the run.
            name: The file that the function reads.
            read: The function.

        Returns:
            Its result; None if the run has no such file yet.
        """
        # Another process may rename the folder at any moment, so the name that a run has first is tried first.
        for run in (Run(self.partial(id)), Run(self.cell(id))):
            if run.has_file(name):
                try:
                    return read(run)
                except (UsageError, OSError):
                    if run.has_file(name):
                        raise
        return None

    def is_busy(self, id: str) -> bool:
        """Return True if a process trains the run."""
        # This may be a worker of a killed sweep, which stops only at the end of its epoch.
        return locks.is_locked(Run(self.partial(id)).path_of(".lock"))

    def has_diverged(self, id: str) -> bool:
        """Return True if the unfinished run has diverged."""
        partial = Run(self.partial(id))
        return partial.has_file(STATE) and partial.final_status == "failed"

    def discard(self, id: str) -> None:
        """Delete the folder of a run that is not complete."""
        leftover = self.path_of(f"cells/{id}.discarded")
        with os_errors(self.partial(id)):
            if leftover.exists():
                shutil.rmtree(leftover)
            # Renamed first: a process that is killed between two files must not leave a folder that looks resumable.
            if self.partial(id).exists():
                self.partial(id).replace(leftover)
                shutil.rmtree(leftover)

    def record_failure(self, id: str, reason: str, command: str) -> None:
        """Record the reason of a failure, and the command that trains the run alone."""
        self.write(f"failed/{id}.json", json_bytes({"format": FORMAT, "reason": reason, "command": command}))

    def failure(self, id: str) -> str | None:
        """Return why the run failed; None if it did not."""
        name = f"failed/{id}.json"
        try:
            return str(self._json(name).get("reason")) if self.has(name) else None
        except UsageError:
            if self.has(name):
                raise
            return None  # the sweep goes on meanwhile, and trains the run again

    def forget_failure(self, id: str) -> None:
        """Remove the record of a failure, so that the run is trained again."""
        self.unseal()
        remove_file(self.path_of(f"failed/{id}.json"))
        remove_file(self.output(id))

    def summary(self, id: str) -> dict[str, Any]:
        """Return the summary of a complete run."""
        return Run(self.cell(id)).summary()

    def history(self, id: str) -> dict[str, list[float]]:
        """Return the columns of a complete run's metrics.csv."""
        return Run(self.cell(id)).table("metrics.csv").columns()

    def plan(self) -> dict[str, Any] | None:
        """Return the contents of `plan.json`, None without it; raise UsageError if it is damaged."""
        if not self.has(PLAN):
            return None
        return parse_json_file(self.read(PLAN), str(self.path / PLAN), SWEEP_FORMAT)

    def has(self, name: str) -> bool:
        """Return True if the folder has a file of that name."""
        return file_exists(self.path_of(name))

    def read(self, name: str) -> bytes:
        """Return the bytes of a file of the folder; raise UsageError if it cannot be read."""
        return read_regular_file(self.path_of(name))

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically; an equal file keeps its modification time."""
        # A repeated sweep changes no file, not even its time.
        if not self._has_bytes(name, data):
            self.unseal()
            write_atomic(self.path_of(name), data)

    def _has_bytes(self, name: str, data: bytes) -> bool:
        try:
            return self.has(name) and self.read(name) == data
        except UsageError:
            return False

    def unseal(self) -> None:
        """Delete the manifest, because files are going to change."""
        if self.has(MANIFEST):
            remove_file(self.path_of(MANIFEST))

    def seal(self) -> None:
        """Write the manifest of all files in the folder."""
        listing = manifest.make_manifest(self.path, sweep_files)
        if not self._has_bytes(MANIFEST, listing):
            write_atomic(self.path_of(MANIFEST), listing)

    def add_results(self, files: Mapping[str, bytes], former: Collection[str] = ()) -> None:
        """Write files of a later command; the manifest keeps the digests of all other files.

        Args:
            files: Name -> bytes.
            former: Names of files that are removed, unless they are written.
        """
        removed = set(former) - files.keys()
        for name in removed:
            remove_file(self.path_of(name))
        for name, data in files.items():
            path = self.path_of(name)
            with os_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, data)
        try:
            listed = manifest.parse_manifest(self.read(MANIFEST))
        except (UsageError, ValueError):  # without a manifest, or with a damaged one, there is nothing to keep
            return
        listed = {name: digest for name, digest in listed.items() if name not in removed}
        listed |= {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        write_atomic(self.path_of(MANIFEST), manifest.format_manifest(dict(sorted(listed.items()))))

    def _json(self, name: str) -> dict[str, Any]:
        return parse_json_file(self.read(name), str(self.path / name), FORMAT)
