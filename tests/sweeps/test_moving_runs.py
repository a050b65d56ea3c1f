"""Runs that another process renames or deletes while they are read."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from dropout_cli.core.errors import UsageError
from dropout_cli.runs import MANIFEST, Run, json_bytes
from dropout_cli.sweeps.folder import SweepFolder

CELL = "0123456789ab"
SUMMARY = {"format": 1, "seconds": 1.5}


@pytest.fixture
def folder(tmp_path: Path) -> SweepFolder:
    """Return a sweep whose only run is complete, but has not got its final name yet."""
    folder = SweepFolder(tmp_path)
    folder.partial(CELL).mkdir(parents=True)
    (folder.partial(CELL) / "summary.json").write_bytes(json_bytes(SUMMARY))
    (folder.partial(CELL) / MANIFEST).touch()
    return folder


def test_a_run_can_be_read_while_it_gets_its_final_name(folder: SweepFolder) -> None:
    """A folder that is renamed between the search for it and the reading is read under its new name."""

    def read(run: Run) -> dict[str, Any]:
        if folder.partial(CELL).exists():
            folder.partial(CELL).replace(folder.cell(CELL))
        return run.summary()

    assert folder.read_run(CELL, MANIFEST, read) == SUMMARY
    assert folder.has_manifest(CELL)


def test_a_run_that_is_deleted_while_it_is_read_counts_as_missing(folder: SweepFolder) -> None:
    """An unfinished run may be deleted because it starts anew; this is no error for a reader."""

    def read(run: Run) -> dict[str, Any]:
        shutil.rmtree(run.path)
        return run.summary()

    assert folder.read_run(CELL, MANIFEST, read) is None
    assert not folder.has_manifest(CELL)


def test_a_damaged_run_stays_an_error(folder: SweepFolder) -> None:
    """A file that is there but cannot be read is not taken for a missing one."""
    (folder.partial(CELL) / "summary.json").write_text("{")
    with pytest.raises(UsageError, match="it is not JSON"):
        folder.read_run(CELL, MANIFEST, Run.summary)


class ForgetsFirst(SweepFolder):
    """A sweep folder in which another process deletes the reason of a failure just before it is read."""

    def read(self, name: str) -> bytes:
        """Delete the reason, then read as usual."""
        self.forget_failure(CELL)
        return super().read(name)


def test_a_failure_that_is_forgotten_while_it_is_read_counts_as_none(folder: SweepFolder) -> None:
    """A sweep that goes on deletes the reason of a failure, and trains the run again."""
    (folder.path / "failed").mkdir()
    folder.record_failure(CELL, "not enough memory", "dropout train x.yaml")
    assert folder.failure(CELL) == "not enough memory"
    assert ForgetsFirst(folder.path).failure(CELL) is None
