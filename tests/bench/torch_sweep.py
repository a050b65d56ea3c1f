"""A sweep of the digits in PyTorch, and one table of results.

There is a process per core, and a run per rate and seed.
"""

import argparse
import csv
import itertools
import math
import os
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.torch_run import Part, Settings, torch, train

RATES = tuple(tenth / 10 for tenth in range(10))
TEST_SEED, VAL_SEED = 3751811751, 3873216094
"""Seeds that `dropout` draws from split_seed 0, so that the parts are the same."""
NUMBERS = ("accuracy", "nll", "brier", "ece")

_parts: dict[str, Part] = {}


def parts_of_digits() -> dict[str, Part]:
    """Return a fifth of the digits as test part and .15 of all as validation part, stratified."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    rest, test = train_test_split(np.arange(1797), test_size=359, stratify=digits.target, random_state=TEST_SEED)
    rest.sort()
    rows, val = train_test_split(rest, test_size=270, stratify=digits.target[rest], random_state=VAL_SEED)
    x, labels = torch.tensor(digits.data, dtype=torch.float32), torch.tensor(digits.target)
    return {name: Part(x[of], labels[of], 16) for name, of in (("train", rows), ("val", val), ("test", test))}


def start() -> None:
    """Initialize a process of the pool."""
    torch.set_num_threads(1)
    _parts.update(parts_of_digits())


def cell(folder: Path, rate: float, seed: int, epochs: int, steps: int | None) -> dict[str, Any]:
    """Train one run; return its scores."""
    settings = Settings((128, 128), rate, 0.1, 3e-3, 64, epochs, seed, steps)
    return train(settings, _parts, folder / "cells" / f"rate{rate}-seed{seed}")[0]


def write_table(folder: Path, found: dict[tuple[float, int], dict[str, Any]], seeds: int) -> None:
    """Write mean, standard deviation and 95 % t interval of each number for each rate."""
    from scipy import stats

    with (folder / "summary.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["rate", "metric", "n", "mean", "sd", "low", "high"])
        for rate, split, number in itertools.product(RATES, ("train", "val", "test"), NUMBERS):
            values = [found[rate, seed][split][number] for seed in range(seeds)]
            mean, sd = statistics.mean(values), statistics.stdev(values) if seeds > 1 else math.nan
            half = stats.t.ppf(0.975, seeds - 1) * sd / seeds**0.5
            writer.writerow([rate, f"{split}.{number}", seeds, mean, sd, mean - half, mean + half])


def main() -> None:
    """Sweep into a new folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.torch_sweep")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--steps", type=int, help="of an epoch")
    asked = parser.parse_args()
    cells = list(itertools.product(RATES, range(asked.seeds)))
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), initializer=start) as pool:
        running = {one: pool.submit(cell, asked.folder, *one, asked.epochs, asked.steps) for one in cells}
        found = {one: future.result() for one, future in running.items()}
    write_table(asked.folder, found, asked.seeds)
    accuracy = statistics.mean(one["test"]["accuracy"] for one in found.values())
    sys.stdout.write(f"{accuracy}\n")


if __name__ == "__main__":
    main()
