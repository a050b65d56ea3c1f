"""A disk that is full, forbidden or broken, at every single call: a clear error, nothing half-written, nothing lost."""

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.analysis import evaluate, verify
from dropout_cli.cli.commands import predict
from dropout_cli.core.errors import RunFailed
from dropout_cli.runs import Run, all_runs, manifest
from dropout_cli.training import resume
from dropout_cli.training import run as training_run
from dropout_cli.training.checkpoint import BEST, LAST, PREVIOUS, Snapshot
from dropout_cli.training.setup import PreparedExperiment
from tests.small_run import CONFIG, ignore, train

TINY = ("architecture.hidden=[2]", "training.steps_per_epoch=2", "training.save_every=every_epoch")
COMPARED = ("metrics.csv", "predictions.npz", "confusion_matrix.csv", "mistakes.csv", LAST, BEST)
REASONS = {errno.ENOSPC: "No space left on device", errno.EACCES: "Permission denied", errno.EIO: "Input/output error"}


class Disk:
    """A disk that fails at the n-th operation with the error `code`, and works again afterwards."""

    def __init__(self, number: int, code: int) -> None:
        """Create a disk that fails at operation `number`, counted from 0."""
        self.left, self.code, self.struck = number, code, False

    def asked(self) -> None:
        """Count an operation, and raise the error if it is the n-th."""
        if self.left == 0:
            self.struck = True
            self.left -= 1
            raise OSError(self.code, REASONS[self.code])
        self.left -= 1


@contextmanager
def faulty(disk: Disk) -> Iterator[None]:
    """Every opening for writing, write, sync, move and making of a folder goes through `disk`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", _through(disk, os.fsync))
        patch.setattr(Path, "replace", _through(disk, Path.replace))
        patch.setattr(Path, "mkdir", _through(disk, Path.mkdir))
        real_open, real_descriptor = Path.open, os.open

        def opened(path: Path, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            if mode == "xb":
                disk.asked()
                file = real_open(path, mode, *arguments, **named)
                return _Written(file, disk)
            return real_open(path, mode, *arguments, **named)

        def descriptor(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
            if flags & os.O_APPEND:
                disk.asked()
            return real_descriptor(path, flags, *arguments, **named)

        patch.setattr(Path, "open", opened)
        patch.setattr(os, "open", descriptor)
        yield


class _Written:
    """A file of which half is written when the disk refuses."""

    def __init__(self, file: Any, disk: Disk) -> None:
        self._file, self._disk = file, disk

    def write(self, data: bytes) -> None:
        self._file.write(bytes(data)[: len(data) // 2])
        self._disk.asked()
        self._file.write(bytes(data)[len(data) // 2 :])

    def __enter__(self) -> "_Written":
        return self

    def __exit__(self, *details: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _through(disk: Disk, real: Callable[..., Any]) -> Callable[..., Any]:
    def asked(*arguments: Any, **named: Any) -> Any:
        disk.asked()
        return real(*arguments, **named)

    return asked


def prepare_run(folder: Path) -> tuple[PreparedExperiment, bytes]:
    """A tiny experiment of two epochs."""
    (folder / "small.yaml").write_text(CONFIG)
    loaded = config.load_config(folder / "small.yaml", TINY)
    return training_run.prepare_run(loaded.experiment), loaded.text


def judge_what_is_there(run: Run, whole: Run) -> None:
    """Each file is as it should be at some time; nothing is half-written; a checkpoint, if there is one, loads."""
    for name in manifest.covered_files(run.path):
        assert not name.endswith(".partial"), name
        if name in (*COMPARED[1:4], "config.yaml", "resolved.yaml", "preprocessing.safetensors"):
            assert run.read(name) == whole.read(name), name
        elif name.endswith(".json"):
            json.loads(run.read(name))
        elif name.endswith(".safetensors"):
            Snapshot.read(run, name)


@pytest.mark.parametrize("code", REASONS, ids=REASONS.get)
def test_a_fault_at_any_call_loses_nothing(code: int, tmp_path: Path) -> None:
    """From the first to the last call of a run: one clear line, exit code 1, and resuming ends in the same bytes."""
    whole = train(tmp_path / "whole", *TINY)
    for number in range(1_000):
        (folder := tmp_path / str(number)).mkdir()
        prepared, text = prepare_run(folder)
        disk = Disk(number, code)
        try:
            with faulty(disk):
                training_run.run_experiment(
                    prepared, Run.create(folder / "runs", "x"), text, watch=ignore, figures=False
                )
        except RunFailed as error:
            assert error.exit_code == 1 and REASONS[code] in str(error) and len(str(error).splitlines()) == 1
        else:
            assert not disk.struck
            break
        for run in all_runs(folder / "runs"):
            judge_what_is_there(run, whole)
            if run.final_status != "completed":
                if run.has_file(LAST) or run.has_file(PREVIOUS):
                    assert Snapshot.newest(run)[0] is not None
                resume.resume_run(run, watch=ignore, figures=False)
            assert all(run.read(name) == whole.read(name) for name in COMPARED)
            assert all(check.right for check in verify.verify_run(run))
        shutil.rmtree(folder)
    assert number > 50  # so many calls were struck, one in each run


@pytest.mark.parametrize("code", REASONS, ids=REASONS.get)
def test_a_fault_while_something_is_added_leaves_the_old_or_the_new(code: int, tmp_path: Path) -> None:
    """The old results of `eval` stay until the new ones are complete."""
    run = train(tmp_path, *TINY)
    evaluate.evaluate_run(run, figures=False)
    for number in range(1_000):
        disk = Disk(number, code)
        try:
            with faulty(disk):
                evaluate.evaluate_run(run, figures=False)
        except RunFailed as error:
            assert REASONS[code] in str(error)
            assert [path.name for path in (run.path / "after").iterdir()] == ["eval-test-last"]
        else:
            assert not disk.struck
            break
        assert all(check.right for check in verify.verify_run(run))
    assert number > 10


@pytest.mark.parametrize("code", REASONS, ids=REASONS.get)
def test_a_fault_while_predictions_are_written_leaves_no_half_of_them(code: int, tmp_path: Path) -> None:
    """The old file stays until the new one is complete."""
    run = train(tmp_path, *TINY)
    np.save(tmp_path / "x.npy", np.zeros((5, 8, 8), np.uint8))
    output = tmp_path / "out.csv"
    asked: dict[str, Any] = {"mc": None, "runs_dir": tmp_path, "json": False}
    for number in range(100):
        output.write_text("former")
        disk = Disk(number, code)
        try:
            with faulty(disk):
                predict.predict_command(str(run.path), [tmp_path / "x.npy"], output, **asked)
        except RunFailed as error:
            assert REASONS[code] in str(error) and output.read_text() == "former"
            assert not list(tmp_path.glob("*.partial"))
        else:
            assert not disk.struck and len(output.read_text().splitlines()) == 6
            break
    assert number > 2


def test_a_clock_that_jumps_back_harms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and sessions carry other times; what is computed, and when it is saved, is not asked of that clock."""
    whole = train(tmp_path / "whole", *TINY)
    real, jumps = time.time, iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: real() - 86_400 * next(jumps))
    monkeypatch.setattr(time, "gmtime", lambda *given: time.localtime(10**9 - 3_600 * next(jumps)))
    run = train(tmp_path / "back", *TINY)
    assert all(run.read(name) == whole.read(name) for name in COMPARED)
    assert run.state()["sessions"][0]["ended"] < run.state()["sessions"][0]["began"]
    assert all(check.right for check in verify.verify_run(run))
