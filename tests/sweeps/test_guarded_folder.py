"""A sweep from a stranger: no link in it is followed, and no named pipe or device is opened."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import TINY, dropout

NAMES = (
    "cells",
    "failed",
    "yardsticks",
    "search",
    "search/study.db",
    "finals",
    "plan.json",
    "sweep.yaml",
    "results.csv",
    "notes.txt",
    "MANIFEST.sha256",
    ".lock",
    "extra",
    "failed/{missing}.txt",
    "failed/{missing}.json",
    "cells/{missing}.partial",
    "cells/{cell}/state.json",
    "cells/{cell}/x",
    "cells/{cell}/after",
)
KINDS: dict[str, Callable[[Path, Path], None]] = {
    "link to a file": lambda path, outside: path.symlink_to(outside / "precious.txt"),
    "link to a folder": lambda path, outside: path.symlink_to(outside),
    "link to a device": lambda path, _: path.symlink_to("/dev/zero"),
    "link to nothing": lambda path, outside: path.symlink_to(outside / "new"),
    "named pipe": lambda path, _: os.mkfifo(path),
}
SWEEP = ("sweep", "base.yaml", "dropout.rate=0,0.3", "--seeds", "1", "--no-plots", "--quiet", "--out", "S")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep in `S`."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "base.yaml").write_text(TINY)
    done = dropout(*SWEEP, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_a_sweep_with_a_link_or_a_pipe_is_refused_before_it_trains(
    name: str, kind: str, sweep: Path, tmp_path: Path
) -> None:
    """One line names the place; nothing outside is read, written or made."""
    here, outside = tmp_path / "here", tmp_path / "outside"
    shutil.copytree(sweep, here)
    outside.mkdir()
    (outside / "precious.txt").write_text("precious")
    missing, cell = sorted(path.name for path in (here / "S/cells").iterdir())
    shutil.rmtree(here / f"S/cells/{missing}")
    path = here / "S" / name.format(missing=missing, cell=cell)
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    KINDS[kind](path, outside)
    done = dropout(*SWEEP, cwd=here)
    assert done.returncode in (1, 2) and "Traceback" not in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1 and f"S/{name.split('/')[0]}" in done.stderr
    assert [path.name for path in outside.iterdir()] == ["precious.txt"]
    assert (outside / "precious.txt").read_text() == "precious"
    for command in ("show", "compare", "report", "verify"):
        done = dropout(command, "S", cwd=here)
        assert "Traceback" not in done.stderr, (command, done.stderr)
        assert [path.name for path in outside.iterdir()] == ["precious.txt"]
        assert command != "verify" or done.returncode in (2, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_with_a_link_or_a_pipe_is_not_resumed(kind: str, sweep: Path, tmp_path: Path) -> None:
    """The manifest at its end would read it: it is refused before the first epoch."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.txt").write_text("precious")
    cell = next((sweep / "S/cells").iterdir())
    for name in ("x", "checkpoints/x", "resolved.yaml", "metrics.csv", "log.txt", "after"):
        run = tmp_path / f"run-{name.replace('/', '-')}"
        shutil.copytree(cell, run)
        (run / name).unlink(missing_ok=True)
        KINDS[kind](run / name, outside)
        before = (run / "MANIFEST.sha256").read_bytes()
        done = dropout("resume", str(run), "--epochs", "9", "--quiet", "--no-plots", cwd=tmp_path)
        assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
        assert str(run / name) in done.stderr and (run / "MANIFEST.sha256").read_bytes() == before
        assert [path.name for path in outside.iterdir()] == ["precious.txt"]


def test_a_socket_is_named_as_one(sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no regular file either."""
    shutil.copytree(sweep, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here/S")  # the path of a socket is at most 107 bytes long
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("x")
        done = dropout(*SWEEP, cwd=tmp_path / "here")
    assert done.returncode == 2
    assert done.stderr == "S/x: is a socket, not a regular file. Delete it, and run the same command again.\n"
