"""A competitor of the suite `io`: save and read files in PyTorch."""

import csv
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dropout_cli.bench.files import checkpoint_arrays
from dropout_cli.bench.serve import Step, serve_competitor
from tests.bench.torch_mnist import read_mnist
from tests.bench.torch_run import Settings, torch, train
from tests.bench.torch_sweep import parts_of_digits


def _save(folder: Path) -> Step:
    held = {name: torch.from_numpy(value) for name, value in checkpoint_arrays()}

    def step() -> None:
        with (folder / "checkpoint.pt").open("wb") as file:
            torch.save(held, file)
            file.flush()
            os.fsync(file.fileno())

    return step


def _mnist(folder: Path) -> Step:
    return read_mnist


def _read(folder: Path) -> Step:
    run = folder / "run"
    train(Settings((1024, 1024, 1024), 0.3, 0.1, 3e-3, 64, 1, steps=2), parts_of_digits(), run)

    def step() -> None:
        json.loads((run / "summary.json").read_text())
        with (run / "metrics.csv").open(newline="") as file:
            list(csv.DictReader(file))
        torch.load(run / "checkpoint.pt")
        with np.load(run / "predictions.npz") as kept:
            for name in kept:
                kept[name]

    return step


WORKS: Mapping[str, Callable[[Path], Step]] = {"save": _save, "mnist": _mnist, "read": _read}


def prepare(fields: Mapping[str, Any], threads: int) -> Step:
    """Prepare one work, as `bench.serve` calls it; `folder` is an empty folder."""
    return WORKS[fields["work"]](Path(fields["folder"]))


if __name__ == "__main__":
    serve_competitor(prepare)
