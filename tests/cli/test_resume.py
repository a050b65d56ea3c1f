"""`dropout resume`, `--max-time` and `dropout verify` as a user meets them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import TINY, dropout

LONG = ("training.epochs=1000000", "training.save_every=every_epoch")


def only_run(folder: Path) -> Path:
    """The run folder, where there is one only."""
    (path,) = (folder / "runs").iterdir()
    return path


def test_a_time_limit_ends_a_run_as_a_signal_does_and_resume_goes_on(tmp_path: Path) -> None:
    """Exit 143 and the command to continue; with fewer epochs, the run completes."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout("train", "tiny.yaml", *LONG, "yardstick=none", "--max-time", "0.3s", "--quiet", cwd=tmp_path)
    assert done.returncode == 143 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    run = only_run(tmp_path)
    assert "interrupted; saved after epoch" in line
    assert line.endswith(f"Continue with `dropout resume runs/{run.name}`.")
    epochs = len((run / "metrics.csv").read_text().splitlines()) + 1
    done = dropout("resume", "latest", "--epochs", str(epochs), "--no-plots", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"runs/{run.name}\n"), done.stderr
    (*_, last) = (line for line in done.stderr.splitlines() if line.startswith("epoch "))
    assert last.startswith(f"epoch {epochs}/{epochs}") and (run / "log.txt").read_text().splitlines()[-1] == last
    assert dropout("verify", "latest", "--replay", "--quiet", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("text", ["soon", "-1s", "1e3", "5 weeks", ""])
def test_what_is_no_time_is_refused_before_anything_is_made(text: str, tmp_path: Path) -> None:
    """Exit 2, one line."""
    done = dropout("train", "digits", "--max-time", text, cwd=tmp_path)
    assert done.returncode == 2 and "Write it as 90s, 10m" in done.stderr and len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """After SIGKILL it is listed as crashed; resume gives the bytes of one run."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    command = [sys.executable, "-m", "dropout_cli", "train", "tiny.yaml", "training.epochs=40", LONG[1], "--no-plots"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for _ in range(3):
            process.stderr.readline()
        process.kill()
    run = only_run(tmp_path)
    (listed,) = json.loads(dropout("runs", "--json", cwd=tmp_path).stdout)["runs"]
    assert listed["status"] == "crashed"
    done = dropout("resume", run.name[:18], "--no-plots", "--quiet", "--json", cwd=tmp_path)
    summary = json.loads(done.stdout)
    assert summary["epochs"] == 40 and done.stderr == ""
    whole = tmp_path / dropout(*command[3:], "--quiet", "--runs-dir", "whole", cwd=tmp_path).stdout.strip()
    for name in ("metrics.csv", "predictions.npz", "checkpoints/last.safetensors", "checkpoints/best.safetensors"):
        assert (run / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    """Even while the state of the first one is saved, in a folder that never syncs."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    code = (
        "import os, sys, time\n"
        "real = os.fsync\n"
        "def slow(descriptor):\n"
        "    if 'stopping' in os.environ:\n"
        "        print('saving', file=sys.stderr, flush=True); time.sleep(3000)\n"
        "    return real(descriptor)\n"
        "os.fsync = slow\n"
        "import dropout_cli.training.run as experiment\n"
        "taken = experiment.Saver.save\n"
        "def save(self):\n"
        "    os.environ['stopping'] = '1'\n"
        "    taken(self)\n"
        "experiment.Saver.save = save\n"
        f"sys.argv = ['dropout', 'train', 'tiny.yaml', '{LONG[0]}', 'training.save_every=1000']\n"
        "from dropout_cli.cli import main\n"
        "main()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        while process.stderr.readline() != "saving\n":
            pass
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=600)
    (*epochs, stopped) = errors.splitlines()  # the last epoch, if it was not shown before
    assert process.returncode == 130 and stopped == "dropout: stopped."
    assert len(epochs) <= 1 and all(line.startswith("epoch ") for line in epochs)
    (listed,) = json.loads(dropout("runs", "--json", cwd=tmp_path).stdout)["runs"]
    assert listed["status"] == "crashed"


def test_a_changed_run_is_exit_code_4(tmp_path: Path) -> None:
    """A table on stdout with the failed check in it, one line on stderr."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    dropout("train", "tiny.yaml", "--no-plots", cwd=tmp_path)
    run = only_run(tmp_path)
    right = dropout("verify", "latest", cwd=tmp_path)
    assert right.returncode == 0 and "FAILED" not in right.stdout and right.stderr == ""
    with (run / "metrics.csv").open("a") as file:
        file.write("9,9\n")
    wrong = dropout("verify", "latest", "--json", cwd=tmp_path)
    assert wrong.returncode == 4 and len(wrong.stderr.splitlines()) == 1
    found = json.loads(wrong.stdout)
    assert not found["right"] and "metrics.csv" in {one["what"] for one in found["checks"] if not one["right"]}


def test_a_failed_run_is_not_resumed(tmp_path: Path) -> None:
    """With advice; exit 2."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    dropout("train", "tiny.yaml", "training.optimizer={name: sgd, learning_rate: 1e30}", "--no-plots", cwd=tmp_path)
    done = dropout("resume", "latest", cwd=tmp_path)
    assert done.returncode == 2 and "training.optimizer.learning_rate" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
def test_a_folder_with_spaces_in_its_name_is_quoted_in_the_command(tmp_path: Path) -> None:
    """So that it can be pasted."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout("train", "tiny.yaml", *LONG, "--max-time", "0.2s", "--quiet", "--runs-dir", "my runs", cwd=tmp_path)
    command = done.stderr.split("`")[1]
    epochs = len(next((tmp_path / "my runs").iterdir()).joinpath("metrics.csv").read_text().splitlines()) + 1
    line = f"{command.replace('dropout', f'{sys.executable} -m dropout_cli', 1)} --epochs {epochs} --quiet --no-plots"
    again = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert again.returncode == 0, again.stderr
