"""`training.tensorboard`: TensorBoard's own reader gives back the epochs of a run, each once."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_cli.runs import Run
from dropout_cli.training.tensorboard_log import EVENT_FILE, LiveTensorboard
from tests.commands import TINY, dropout

pytest.importorskip("tensorboard")
TRAIN = ("train", "tiny.yaml", "training.tensorboard=true", "--quiet", "--no-plots")


def scalars(run: Run) -> dict[str, list[tuple[int, float]]]:
    """Return the step and the value of each event by tag, as TensorBoard reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader: Any = EventAccumulator(str(run.path), size_guidance={"scalars": 0})
    reader.Reload()
    return {tag: [(event.step, event.value) for event in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def expected(run: Run) -> dict[str, list[tuple[int, float]]]:
    """Return the same from `metrics.csv`, in float32."""
    columns = run.table("metrics.csv").columns()
    epochs = [int(epoch) for epoch in columns.pop("epoch")]
    return {
        tag: list(zip(epochs, np.asarray(values, np.float32).tolist(), strict=True)) for tag, values in columns.items()
    }


def trained(folder: Path) -> Run:
    """Return a run with the file."""
    (folder / "tiny.yaml").write_text(TINY)
    done = dropout(*TRAIN, cwd=folder)
    assert done.returncode == 0, done.stderr
    return Run(folder / done.stdout.strip())


def test_the_file_has_every_epoch(tmp_path: Path) -> None:
    """The run is verified with it, and other results have the bytes that they have without it."""
    run = trained(tmp_path)
    assert scalars(run) == expected(run)
    assert dropout("verify", str(run.path), cwd=tmp_path).returncode == 0
    plain = Run(tmp_path / dropout(*TRAIN[:2], *TRAIN[3:], cwd=tmp_path).stdout.strip())
    assert not plain.has_file(EVENT_FILE)
    for name in ("metrics.csv", "predictions.npz"):
        assert plain.read(name) == run.read(name)


def test_a_resumed_run_has_no_epoch_twice(tmp_path: Path) -> None:
    """The file is written anew from the history, also if it was damaged."""
    run = trained(tmp_path)
    with (run.path / EVENT_FILE).open("ab") as file:
        file.write(b"torn")
    done = dropout("resume", str(run.path), "--epochs", "4", "--quiet", "--no-plots", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert scalars(run) == expected(run) and len(scalars(run)["train_loss"]) == 4


def test_events_can_be_read_while_the_run_trains(tmp_path: Path) -> None:
    """Each is in the file when it is added; a file that grows keeps its first bytes."""
    run = trained(tmp_path)
    live = LiveTensorboard(run)
    before = run.read(EVENT_FILE)
    live.add({"train_loss": 0.25}, 3)
    assert run.read(EVENT_FILE).startswith(before)
    assert scalars(run)["train_loss"][-1] == (3, 0.25)


def test_without_the_package_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and no run folder."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    done = dropout(*TRAIN, cwd=tmp_path)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "training.tensorboard: needs the package tensorboard, which is not installed" in done.stderr
    assert not (tmp_path / "runs").exists()
