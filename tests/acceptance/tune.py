"""A search against a grid on the digits.

Is its winner as good with fresh seeds, for half the training time?

There are five repetitions, each on another split. The grid trains every point with three seeds and takes the best on
the validation part; the search has the same keys, within the same bounds. Both winners are then trained with twenty
fresh seeds.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from dropout_cli.runs import Run
from dropout_cli.statistics import t_interval
from tests.acceptance.bars import Bars, mean

VARIANT, RATE, LEARNING = "dropout.variant", "dropout.rate", "training.optimizer.learning_rate"
GRID = (f"{VARIANT}=inverted,gaussian", f"{RATE}=0.1,0.2,0.3,0.4,0.5,0.6", f"{LEARNING}=1e-3,3e-3,1e-2")
SPACE = (GRID[0], f"{RATE}={{uniform: [0.1, 0.6]}}", f"{LEARNING}={{log_uniform: [1e-3, 1e-2]}}")
ACCURACY = "test.accuracy"


def dropout(*arguments: str) -> dict[str, Any]:
    """Run a command and return its JSON."""
    command = [sys.executable, "-m", "dropout_cli", *arguments, "--quiet", "--no-plots", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"dropout {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def epochs_of(cells: Path) -> int:
    """Return the epochs of training in run folders.

    All points have the same network, so epochs measure the cost.
    """
    return sum(len(Run(cell).table("timings.csv").columns()["epoch"]) for cell in cells.iterdir())


def of_grid(folder: Path, axes: tuple[str, ...], fixed: list[str], fresh: str) -> tuple[int, float]:
    """Return the epochs of the grid, and the accuracy of its winner with fresh seeds."""
    found = dropout("sweep", "digits", *axes, *fixed, "--seeds", "3", "--out", str(folder / "grid"))
    best = max(found["groups"], key=lambda group: group["metrics"]["val.accuracy"]["mean"])["values"]
    point = [f"{key}={value}" for key, value in best.items()]
    again = dropout("sweep", "digits", *point, *fixed, "--seeds", fresh, "--out", str(folder / "fresh"))
    return epochs_of(folder / "grid/cells"), again["groups"][0]["metrics"][ACCURACY]["mean"]


def of_search(folder: Path, fixed: list[str], trials: int, seeds: str) -> tuple[int, float]:
    """Return the epochs of search and finals, and the winner's accuracy with fresh seeds."""
    asked = ["--trials", str(trials), "--seeds", "1", "--out", str(folder / "tune")]
    winner = dropout("tune", "digits", *SPACE, *fixed, *asked)["winner"]
    with (folder / "tune/trials.csv").open(newline="") as file:
        epochs = sum(int(row["epochs"]) for row in csv.DictReader(file))
    point = [f"{key}={value}" for key, value in winner.items()]
    again = dropout("sweep", "digits", *point, *fixed, "--seeds", seeds, "--out", str(folder / "again"))
    return epochs + epochs_of(folder / "tune/finals/cells"), again["groups"][0]["metrics"][ACCURACY]["mean"]


def main(bars: Bars, folder: Path) -> None:
    """Run all repetitions."""
    repetitions, trials, seeds = (1, 3, 2) if bars.smoke else (5, 16, 20)
    short = ["training.epochs=1", "training.steps_per_epoch=2"] if bars.smoke else ["training.epochs=30"]
    fresh = ",".join(str(100 + seed) for seed in range(seeds))
    grid_axes = (GRID[0], f"{RATE}=0.1,0.6", f"{LEARNING}=1e-3") if bars.smoke else GRID
    shares, differences = [], []
    for number in range(repetitions):
        fixed, here = [f"dataset.split_seed={number}", *short], folder / str(number)
        long, grid = of_grid(here, grid_axes, fixed, fresh)
        quick, search = of_search(here, fixed, trials, fresh)
        shares.append(quick / long)
        differences.append(100 * (search - grid))
        sys.stderr.write(f"split {number}: grid {100 * grid:.2f} %, {long} epochs; search {100 * search:.2f} %, ")
        sys.stderr.write(f"{quick} epochs\n")
    told = f"dropout tune digits, {trials} trials, against dropout sweep digits, 36 points; 3 seeds each"
    bars.at_most("epochs of the search and its finals, as a share of the grid's", max(shares), 0.5, told)
    low, high = t_interval(differences)
    interval = f"percentage points that the search's best is better with fresh seeds (95 % {low:+.2f} to {high:+.2f})"
    bars.at_least(interval, mean(differences), 0, told)


if __name__ == "__main__":
    judged = Bars("tune")
    with tempfile.TemporaryDirectory() as made:
        main(judged, Path(made))
    judged.end()
