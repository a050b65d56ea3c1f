"""A sweep's folder: the sweep, its plan, a folder per cell, and what the runs say together.

sweep.yaml  plan.json                  what was asked for, and every cell of it
cells/ID/                              a run folder; ID.partial until it is complete
failed/ID.json  failed/ID.txt          why a cell failed, the command to run it alone, and what it said
yardsticks/                            numbers of simple models, which cells with one split share
results.csv  summary.csv  comparisons.csv  notes.txt  *.png
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
SWEEP_FORMAT = 3
"""The format of `plan.json` and the tables that is written now; those of runs have a number of their own."""


def is_sweep_folder(reference: str) -> bool:
    """Whether the reference is the path of a sweep's folder."""
    return bool(reference.strip()) and file_exists(Path(reference) / PLAN)


class SweepFolder:
    """Where a sweep is kept."""

    def __init__(self, path: Path) -> None:
        """`path`: it need not be there yet."""
        self.path = path

    @contextmanager
    def hold_lock(self) -> Iterator[None]:
        """Hold the sweep for as long as the block lasts. Raises UsageError when another process holds it."""
        with os_errors(self.path):
            (self.path / "cells").mkdir(parents=True, exist_ok=True)
            (self.path / "failed").mkdir(exist_ok=True)
        with ExitStack() as stack:
            try:
                with os_errors(self.path / ".lock"):
                    stack.enter_context(locks.locked(self.path / ".lock"))
            except locks.Locked:
                fact = "another process is working on this sweep"
                raise UsageError(
                    str(self.path), fact, "Wait for it to end, or name another folder with --out"
                ) from None
            yield

    def cell(self, id: str) -> Path:
        """The run folder of a complete cell."""
        return self.path / "cells" / id

    def partial(self, id: str) -> Path:
        """The run folder of a cell that is not complete."""
        return self.path / "cells" / f"{id}.partial"

    @property
    def yardsticks(self) -> Path:
        """The folder of numbers that cells with one split share, see `training.yardstick`."""
        return self.path / "yardsticks"

    def output(self, id: str) -> Path:
        """The file with the output of a run's process."""
        return self.path / "failed" / f"{id}.txt"

    def is_complete(self, id: str) -> bool:
        """Whether the cell needs no training; one that was complete, but not yet renamed, is renamed."""
        if (self.partial(id) / MANIFEST).is_file() and not locks.is_locked(self.partial(id) / ".lock"):
            with os_errors(self.partial(id)):
                self.partial(id).replace(self.cell(id))
        return (self.cell(id) / MANIFEST).is_file()

    def has_manifest(self, id: str) -> bool:
        """Whether the cell has been trained to its end; nothing is renamed."""
        return any((path / MANIFEST).is_file() for path in (self.cell(id), self.partial(id)))

    def is_busy(self, id: str) -> bool:
        """Whether some process trains the cell: a worker whose sweep has died ends with its epoch."""
        return locks.is_locked(self.partial(id) / ".lock")

    def has_diverged(self, id: str) -> bool:
        """Whether the unfinished run of the cell diverged."""
        partial = self.partial(id)
        return (partial / STATE).is_file() and Run(partial).final_status == "failed"

    def discard(self, id: str) -> None:
        """Delete what there is of a cell that is not complete."""
        with os_errors(self.partial(id)):
            if self.partial(id).exists():
                shutil.rmtree(self.partial(id))

    def record_failure(self, id: str, reason: str, command: str) -> None:
        """Record that the cell failed."""
        self.write(f"failed/{id}.json", json_bytes({"format": FORMAT, "reason": reason, "command": command}))

    def failure(self, id: str) -> str | None:
        """Why the cell failed, if it did."""
        if not (self.path / "failed" / f"{id}.json").is_file():
            return None
        return str(self._json(f"failed/{id}.json").get("reason"))

    def forget_failure(self, id: str) -> None:
        """The cell may be tried again."""
        remove_file(self.path / "failed" / f"{id}.json")
        remove_file(self.output(id))

    def summary(self, id: str) -> dict[str, Any]:
        """The summary of a complete cell."""
        return Run(self.cell(id)).summary()

    def history(self, id: str) -> dict[str, list[float]]:
        """The columns of a complete cell's metrics.csv."""
        return Run(self.cell(id)).table("metrics.csv").columns()

    def plan(self) -> dict[str, Any] | None:
        """The contents of `plan.json`; None where there is none. Raises UsageError where it is damaged."""
        if not (self.path / PLAN).is_file():
            return None
        return parse_json_file(self.read(PLAN), str(self.path / PLAN), SWEEP_FORMAT)

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return (self.path / name).is_file()

    def read(self, name: str) -> bytes:
        """The bytes of a file of the folder. Raises UsageError."""
        return read_regular_file(self.path / name)

    def write(self, name: str, data: bytes) -> None:
        """Put a file into the folder, whole or not at all; one that is there as it should be is left alone."""
        path = self.path / name
        try:
            same = path.is_file() and path.read_bytes() == data
        except OSError:
            same = False
        if not same:
            write_atomic(path, data)

    def _json(self, name: str) -> dict[str, Any]:
        return parse_json_file(self.read(name), str(self.path / name), FORMAT)
