"""Signals, pipes that close, and terminals."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import TINY, dropout


@pytest.mark.skipif(os.name != "posix", reason="signals and pipes as POSIX has them")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_last_epoch(sent: signal.Signals, code: int, tmp_path: Path) -> None:
    """The run is `interrupted`, with a checkpoint, and the exit code is 128 plus the signal."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    command = [sys.executable, "-m", "dropout_cli", "train", "tiny.yaml", "training.epochs=1000000"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(sent)
        _, errors = process.communicate(timeout=600)
    assert process.returncode == code
    assert "interrupted; saved after epoch" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    (run,) = json.loads(dropout("runs", "--json", cwd=tmp_path).stdout)["runs"]
    assert run["status"] == "interrupted"
    assert (tmp_path / "runs" / run["name"] / "checkpoints/last.safetensors").is_file()


@pytest.mark.skipif(os.name != "posix", reason="signals and pipes as POSIX has them")
@pytest.mark.parametrize("command", ["datasets --json", "config show digits --explain", "variants"])
def test_a_closed_pipe_is_no_error(command: str, tmp_path: Path) -> None:
    """`dropout ... | true` prints nothing, and no file remains."""
    line = f"{sys.executable} -m dropout_cli {command} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.stderr == "" and done.stdout.strip() in ("0", "141")


@pytest.mark.skipif(os.name != "posix", reason="signals and pipes as POSIX has them")
def test_training_whose_reader_went_away_stops_quietly_and_is_saved(tmp_path: Path) -> None:
    """`dropout train ... 2>&1 | head -1`: exit 141, run interrupted."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    line = (
        f"{sys.executable} -m dropout_cli train tiny.yaml training.epochs=5000 2>&1 | head -1; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    first, code = done.stdout.splitlines()
    assert first.startswith("epoch") and code == "141" and done.stderr == ""
    (run,) = json.loads(dropout("runs", "--json", cwd=tmp_path).stdout)["runs"]
    assert run["status"] == "interrupted"


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal")
def test_on_a_terminal_progress_is_one_live_display(tmp_path: Path) -> None:
    """A bar without color under NO_COLOR; log.txt has a plain line per epoch."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    master, slave = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "dropout_cli",
        "train",
        "tiny.yaml",
        "training.epochs=3",
        "yardstick=none",
        "--no-plots",
    ]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=slave,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "TERM": "xterm"},
    ) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        out, _ = process.communicate(timeout=600)
    os.close(master)
    assert process.returncode == 0
    text = shown.decode()
    assert "epoch 3/3" in text and "100%" in text
    assert "\x1b[3" not in text  # no color codes
    log = (tmp_path / out.strip() / "log.txt").read_text()
    assert len(log.splitlines()) == 3 and "\x1b" not in log
