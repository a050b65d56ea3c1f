"""The folder of a sweep.

sweep.yaml  plan.json                  the sweep file, and every run that it plans
cells/ID/                              a run folder; ID.partial until the run is complete
failed/ID.json  failed/ID.txt          why a run failed, the command that trains it alone, and its output
yardsticks/                            scores of simple models, which runs with the same split share
results.csv  summary.csv  comparisons.csv  notes.txt  *.png

A cell is a planned run; its ID is a hash of its config.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from dropout_cli.core import locks
from dropout_cli.core.errors import UsageError
from dropout_cli.runs import FORMAT, MANIFEST, Run, json_bytes, write_atomic
from dropout_cli.runs.atomic_io import os_errors, remove_file
from dropout_cli.runs.safe_read import file_exists, parse_json_file, read_regular_file
from dropout_cli.runs.state import STATE

PLAN = "plan.json"
"""The file that makes a folder the folder of a sweep."""
SWEEP_FORMAT = 3
"""The format of new plans and tables; run folders have their own number."""


def is_sweep_folder(reference: str) -> bool:
    """Return True if the reference is the path of a sweep folder."""
    # An empty path would mean the current folder.
    return bool(reference.strip()) and file_exists(Path(reference) / PLAN)


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
        """Lock the sweep within the block; raise UsageError if another process uses it."""
        with os_errors(self.path):
            (self.path / "cells").mkdir(parents=True, exist_ok=True)
            (self.path / "failed").mkdir(exist_ok=True)
        with ExitStack() as stack:
            try:
                with os_errors(self.path / ".lock"):
                    stack.enter_context(locks.locked(self.path / ".lock"))
            except locks.Locked:
                fact = "another process is using this sweep"
                way_out = "Wait until it ends, or choose another folder with --out."
                raise UsageError(str(self.path), fact, way_out) from None
            yield

    def cell(self, id: str) -> Path:
        """Return the folder of a complete run."""
        return self.path / "cells" / id

    def partial(self, id: str) -> Path:
        """Return the folder of a run that is not complete."""
        return self.path / "cells" / f"{id}.partial"

    @property
    def yardsticks(self) -> Path:
        """The folder with the scores of simple models, which runs with the same split share."""
        return self.path / "yardsticks"

    def output(self, id: str) -> Path:
        """Return the file with the output of a run's process."""
        return self.path / "failed" / f"{id}.txt"

    def is_complete(self, id: str) -> bool:
        """Return True if the run is complete; give its folder its final name if needed."""
        # The manifest is the last file of a run. A process that was killed after it had no time to rename the folder.
        if (self.partial(id) / MANIFEST).is_file() and not locks.is_locked(self.partial(id) / ".lock"):
            with os_errors(self.partial(id)):
                self.partial(id).replace(self.cell(id))
        return (self.cell(id) / MANIFEST).is_file()

    def has_manifest(self, id: str) -> bool:
        """Return True if the run is complete, under either name; nothing is renamed."""
        return any((path / MANIFEST).is_file() for path in (self.cell(id), self.partial(id)))

    def is_busy(self, id: str) -> bool:
        """Return True if a process trains the run."""
        # This may be a worker of a killed sweep, which stops only at the end of its epoch.
        return locks.is_locked(self.partial(id) / ".lock")

    def has_diverged(self, id: str) -> bool:
        """Return True if the unfinished run has diverged."""
        partial = self.partial(id)
        return (partial / STATE).is_file() and Run(partial).final_status == "failed"

    def discard(self, id: str) -> None:
        """Delete the folder of a run that is not complete."""
        leftover = self.path / "cells" / f"{id}.discarded"
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
        if not (self.path / "failed" / f"{id}.json").is_file():
            return None
        return str(self._json(f"failed/{id}.json").get("reason"))

    def forget_failure(self, id: str) -> None:
        """Remove the record of a failure, so that the run is trained again."""
        remove_file(self.path / "failed" / f"{id}.json")
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
        return file_exists(self.path / name)

    def read(self, name: str) -> bytes:
        """Return the bytes of a file of the folder; raise UsageError if it cannot be read."""
        return read_regular_file(self.path / name)

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically; an equal file keeps its modification time."""
        path = self.path / name
        try:
            same = path.is_file() and path.read_bytes() == data
        except OSError:
            same = False
        # A repeated sweep changes no file, not even its time.
        if not same:
            write_atomic(path, data)

    def _json(self, name: str) -> dict[str, Any]:
        return parse_json_file(self.read(name), str(self.path / name), FORMAT)
