"""Two thousand epochs of a tiny network: memory and open files do not grow.

metrics.csv has every row.
"""

import os
import resource
import tempfile
from pathlib import Path

import numpy as np

from dropout_cli import config
from dropout_cli.runs import Run
from dropout_cli.training.loop import EpochRecord, TrainingProgress
from dropout_cli.training.run import prepare_run, run_experiment
from tests.acceptance.bars import Bars

CONFIG = """\
dataset: digits
architecture: {name: mlp, hidden: [8]}
dropout: {variant: inverted, rate: 0.3}
training: {epochs: 2000, steps_per_epoch: 2, threads: 1, save_every: 0.5}
"""
SETTLED = 50
"""Epochs after which memory and open files may not grow."""


class Meter:
    """Records the resident memory and the open files after each epoch."""

    def __init__(self) -> None:
        """Start without any record."""
        self.bytes: list[int] = []
        self.files: list[int] = []

    def __call__(self, event: TrainingProgress | EpochRecord) -> None:
        """Record at the end of an epoch."""
        if isinstance(event, EpochRecord):
            self.bytes.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize())
            self.files.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208 - a pathlib iterator may hold a file open


if __name__ == "__main__":
    bars = Bars("long_run")
    epochs = 150 if bars.smoke else 2_000
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "tiny.yaml").write_text(CONFIG)
        loaded = config.load_config(folder / "tiny.yaml", [f"training.epochs={epochs}"])
        run, meter = Run.create(folder / "runs", "long"), Meter()
        run_experiment(prepare_run(loaded.experiment), run, loaded.text, watch=meter, figures=False)
        rows = run.table("metrics.csv").columns()["epoch"]
        settled = meter.bytes[SETTLED - 1]
        command = f"dropout train tiny.yaml training.epochs={epochs}"
        growth = (np.array(meter.bytes[SETTLED:]) - settled) / 1e6
        bars.at_most("megabytes more than after 50 epochs", float(growth.max()), 2, command, always=True)
        bars.at_most("megabytes fewer than after 50 epochs", float(-growth.min()), 2, command)
        files = meter.files[SETTLED:]
        bars.at_most("more or fewer open files", max(files) - min(files), 0, command, always=True)
        whole = rows == [float(epoch) for epoch in range(1, epochs + 1)]
        bars.at_least("metrics.csv is whole", float(whole), 1, command, always=True)
    bars.end()
