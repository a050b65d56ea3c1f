"""Sweeps of the digits: wall time, cost of a run, gain of a second job, kills.

The last one has a thousand runs.
"""

import json
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dropout_cli.config import find_config
from dropout_cli.runs import Run
from dropout_cli.sweeps import plan
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.options import SweepOptions
from dropout_cli.sweeps.sweep_file import load_sweep
from dropout_cli.sweeps.workers import local
from tests.acceptance.bars import Bars

RATES = "dropout.rate={from: 0.1, to: 0.6, step: 0.1}"
VARIANTS = "dropout.variant=inverted,gaussian"
PHASES = ("train", "evaluate", "save")


def command(folder: Path, *arguments: str) -> list[str]:
    """Return the command of a sweep of the digits into a folder."""
    return [sys.executable, "-m", "dropout_cli", "sweep", "digits", *arguments, "--out", str(folder), "--quiet"]


def timed(folder: Path, *arguments: str) -> float:
    """Return the wall seconds of the whole command."""
    began = time.perf_counter()
    subprocess.run(command(folder, *arguments), stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def cells(path: Path, jobs: int, seeds: str, *arguments: str) -> float:
    """Return the wall seconds of the runs alone, with the fork server already started."""
    made = plan.make_plan(load_sweep(find_config("digits"), arguments, options=SweepOptions(seeds=seeds)))
    folder = SweepFolder(path)
    with folder.hold_lock():
        assert all(outcome.failure is None for outcome in local.train_locally(folder, made.cells[:1], 1))
        began = time.perf_counter()
        assert all(outcome.failure is None for outcome in local.train_locally(folder, made.cells[1:], jobs))
        return time.perf_counter() - began


def added(folder: Path, few: int, many: int) -> float:
    """Return the seconds of a run beyond its epochs.

    It is the time of twenty further seeds, less their epochs.
    """
    walls, epochs = {}, {}
    for seeds in (few, many):
        arguments = ["dropout.rate=0.1,0.3", "training.epochs=2", "--jobs", "1", "--no-plots", "--seeds", str(seeds)]
        walls[seeds] = timed(folder / str(seeds), *arguments)
        tables = [Run(cell).table("timings.csv").columns() for cell in (folder / str(seeds) / "cells").iterdir()]
        epochs[seeds] = sum(sum(table[f"{phase}_seconds"]) for table in tables for phase in PHASES)
    return (walls[many] - walls[few] - epochs[many] + epochs[few]) / (2 * (many - few))


def ceiling(seconds: float) -> float:
    """Return how much faster two plain NumPy processes are at once than in sequence.

    It holds for this machine at this moment.
    """
    code = (
        "import numpy as np, time\na = np.random.default_rng(0).random((128, 128), np.float32)\n"
        f"end = time.perf_counter() + {seconds}\nn = 0\n"
        "while time.perf_counter() < end:\n    np.tanh(a @ a)\n    n += 1\nprint(n)"
    )
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    start = [[sys.executable, "-c", code] for _ in range(3)]
    alone = int(subprocess.run(start[0], env=env, capture_output=True, text=True, check=True).stdout)
    both = [subprocess.Popen(one, env=env, stdout=subprocess.PIPE, text=True) for one in start[1:]]
    return sum(int(one.communicate()[0]) for one in both) / alone


def kill(process: "subprocess.Popen[bytes]", group: bool) -> None:
    """Send SIGKILL to the whole process group, or to the sweep alone."""
    if group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def main(bars: Bars, folder: Path) -> None:
    """Measure everything."""
    short = ["training.epochs=1", "training.steps_per_epoch=2"] if bars.smoke else []
    seeds = ["--seeds", "1" if bars.smoke else "10"]
    wall = timed(folder / "whole", VARIANTS, RATES, *short, *seeds)
    bars.at_most("wall seconds of 120 runs", wall, 90, f"dropout sweep digits {VARIANTS} '{RATES}'")

    few = "1" if bars.smoke else "4"
    phases: dict[int, list[float]] = {1: [], 2: []}
    wholes: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(1 if bars.smoke else 3):
        for jobs in (1, 2):
            phases[jobs].append(
                cells(folder / f"cells{turn}{jobs}", jobs, few, VARIANTS, "dropout.rate=0.1,0.3,0.5", *short)
            )
            asked = [VARIANTS, RATES, *short, "--jobs", str(jobs), "--seeds", "1" if bars.smoke else "2"]
            wholes[jobs].append(timed(folder / f"whole{turn}{jobs}", *asked))
    best = ceiling(0.5 if bars.smoke else 5)
    told = f"dropout sweep digits --jobs 1 and --jobs 2 in turn; two plain NumPy processes reach {best:.2f}"
    ratio = {
        name: statistics.median(one[1]) / statistics.median(one[2]) for name, one in (("p", phases), ("w", wholes))
    }
    bars.at_least("cell phase, times faster with two jobs", ratio["p"], 1.85, told)
    bars.at_least("whole command, times faster with two jobs", ratio["w"], 1.6, told)
    turns = [added(folder / f"added{turn}", 2, 4 if bars.smoke else 22) for turn in range(1 if bars.smoke else 3)]
    milliseconds = 1e3 * statistics.median(turns)
    bars.at_most("milliseconds that a cell adds to its epochs", milliseconds, 60, "dropout sweep digits, more seeds")

    arguments = [VARIANTS, "dropout.rate=0.1,0.5", *short, "--seeds", "2" if bars.smoke else "6", "--no-plots"]
    alone = timed(folder / "alone", *arguments)
    rng, kills = random.Random(0), 2 if bars.smoke else 5
    for number in range(kills):
        with subprocess.Popen(
            command(folder / "killed", *arguments), stdout=subprocess.DEVNULL, start_new_session=True
        ) as process:
            time.sleep(rng.uniform(0.2, 1) * alone / 2)
            kill(process, group=number % 2 == 0)
    timed(folder / "killed", *arguments)
    names = ("results.csv", "summary.csv", "comparisons.csv")
    same = [(folder / "alone" / name).read_bytes() == (folder / "killed" / name).read_bytes() for name in names]
    bars.at_least(f"tables with the same bytes after {kills} kills", sum(same), 3, "dropout sweep, killed", always=True)

    many = ["training.epochs=1", "training.steps_per_epoch=1", "--seeds", "1" if bars.smoke else "100"]
    many = [VARIANTS, "dropout.rate=0.1,0.2,0.3,0.4,0.5", *many]
    timed(folder / "many", *many)
    bars.at_most(
        "wall seconds of the evidence of 1,000 cells", timed(folder / "many", *many), 20, "dropout sweep, again"
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    bars.at_most("peak resident megabytes of all of it", peak, 800, "dropout sweep, again")
    began = time.perf_counter()
    listing = [sys.executable, "-m", "dropout_cli", "runs", "--runs-dir", str(folder / "many" / "cells"), "--json"]
    found = json.loads(subprocess.run(listing, capture_output=True, text=True, check=True).stdout)["runs"]
    seconds = time.perf_counter() - began
    bars.at_most(f"wall seconds to list {len(found)} runs", seconds, 1, "dropout runs")


if __name__ == "__main__":
    judged = Bars("sweep")
    with tempfile.TemporaryDirectory() as made:
        main(judged, Path(made))
    judged.end()
