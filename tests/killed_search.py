"""A search that is killed at chosen lines of its own code, and then continued."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ASKED = (
    "tune",
    "digits",
    "dataset={name: moons, examples: 100, noise: 0.4}",
    "architecture.hidden=[4]",
    "training.batch_size=16",
    "training.epochs=6",
    "training.optimizer.learning_rate={log_uniform: [1e-4, 1e-1]}",
    "--repeats=1",
    "--jobs=1",
    "--quiet",
    "--no-plots",
)
"""A search of one job: it must not depend on when it is killed."""
STORING = ("_begin", "_next_trial", "_complete", "_fail", "_end", "report", "resume_trial", "discard", "open_study")
"""The functions that store what a search knows. It spends most of its time elsewhere, waiting."""
KILLING = """
import os, signal, sys
left, names = int(sys.argv.pop(1)), sys.argv.pop(1).split(",")

def trace(frame, event, argument):
    global left
    if frame.f_code.co_name not in names or "dropout_cli" not in frame.f_code.co_filename:
        return None
    if event == "line":
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return trace

from dropout_cli.cli import main
sys.settrace(trace)
main()
"""


def search(folder: Path, *options: str, kill_at: int | None = None) -> bool:
    """Start or continue the search in a folder; return True if it ended.

    Args:
        folder: The current folder of the command.
        options: Options besides `ASKED`.
        kill_at: The search kills itself when the functions that store something have executed this number of lines.

    Raises:
        RuntimeError: It ended with an error.
    """
    killing = [sys.executable, "-c", KILLING, str(kill_at), ",".join(STORING)]
    start = [sys.executable, "-m", "dropout_cli"] if kill_at is None else killing
    done = subprocess.run(
        [*start, *ASKED, *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"exit code {done.returncode}: {done.stderr}")
    return done.returncode == 0


def results(folder: Path) -> dict[str, object]:
    """Return what a search found: the trials without their cost, and the bytes of the tables."""
    with (folder / "trials.csv").open(newline="") as file:
        # A stopped trial trains until the search notices it, so that its cost depends on the moment.
        trials = [{key: row[key] for key in row if key not in ("seconds", "epochs")} for row in csv.DictReader(file)]
    tables = ("results.csv", "summary.csv", "comparisons.csv", "finals/results.csv", "finals/plan.json", "plan.json")
    return {"trials": trials} | {name: (folder / name).read_bytes() for name in tables}
