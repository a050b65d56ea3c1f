"""Full and closed standard streams, and low limits: one line, exit code 1, no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.small_run import train

COMMAND = f"{sys.executable} -m dropout_cli"
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run; its folder has an array to predict beside it."""
    made = train(tmp_path_factory.mktemp("run"), "architecture.hidden=[4]").path
    np.save(made.parent / "x.npy", np.zeros((5, 8, 8), np.uint8))
    return made


def shell(line: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a line in a shell."""
    return subprocess.run(["bash", "-c", line], cwd=cwd, capture_output=True, text=True, timeout=600)


RESULTS = (
    "--help",
    "--version",
    "show {run}",
    "show {run} --json",
    "predict {run} x.npy",
    "config schema",
    "runs {run}",
)


@pytest.mark.parametrize("words", [*RESULTS, "predict {run} x.npy --json", "config show digits", "verify {run}"])
@pytest.mark.parametrize("stdout", [pytest.param("> /dev/full", marks=needs_full), ">&-", "<&- >&-"])
def test_a_result_that_cannot_be_delivered_is_an_error(words: str, stdout: str, run: Path) -> None:
    """One line says so; the exit code is 1."""
    done = shell(f"{COMMAND} {words.format(run=run)} {stdout}", run.parent)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("output: cannot be written (") and len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("stderr", [pytest.param("2> /dev/full", marks=needs_full), "2>&-", "<&- 2>&-"])
def test_lost_messages_change_no_result(stderr: str, run: Path) -> None:
    """Neither the exit code nor stdout."""
    done = shell(f"{COMMAND} show {run} {stderr}", run.parent)
    assert done.returncode == 0 and done.stdout == shell(f"{COMMAND} show {run}", run.parent).stdout
    assert shell(f"{COMMAND} show nothing {stderr}", run.parent).returncode == 2


def test_no_answer_deletes_nothing(run: Path) -> None:
    """Without stdin nobody can agree."""
    done = shell(f"{COMMAND} runs {run} --delete <&-", run.parent)
    assert (done.returncode, done.stderr) == (2, "--delete: would delete 1 run. Add --yes to confirm.\n")
    assert run.is_dir()


SWEEP = "digits training.epochs=1 training.steps_per_epoch=1 dropout.rate=0,0.1 --seeds 1 --no-plots --quiet"


@pytest.mark.parametrize("limit", ["-n 6", "-n 14", "-n 17", "-v 400000"])
@pytest.mark.parametrize("command", ["train digits training.epochs=1 --quiet", f"sweep {SWEEP} --out S"])
def test_low_limits_are_named_in_one_line(command: str, limit: str, tmp_path: Path) -> None:
    """Files that can be open, and memory; a command that gets by with them is complete."""
    # With several threads, OpenBLAS itself prints lines and raises SIGINT if it cannot start them.
    done = shell(f"export OPENBLAS_NUM_THREADS=1; ulimit {limit}; exec {COMMAND} {command}", tmp_path)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1)
    if done.returncode:
        assert len(done.stderr.splitlines()) == 1, done.stderr
