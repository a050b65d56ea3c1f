"""An array larger than `dataset.memory`: peak memory, and throughput beside in-memory.

Throughput is that from the second epoch on.

It has 6 GB, with a window of 1 GB. In the short form it has 600 MB and a window of 150 MB for a small network, where
the peak is compared with a bar, too.
"""

import csv
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.acceptance.bars import Bars

FEATURES, CLASSES, BLOCK = 784, 10, 20_000
CONFIG = """\
dataset: {{name: arrays, path: {folder}/x.npy, labels: {folder}/y.npy}}
architecture: {{name: mlp, hidden: [{hidden}]}}
dropout: {{variant: inverted, rate: 0.5}}
training: {{epochs: {epochs}, batch_size: 128}}
"""


def write(folder: Path, examples: int) -> None:
    """Write Gaussian clusters block by block."""
    rng = np.random.default_rng(0)
    centers, labels = 0.3 * rng.standard_normal((CLASSES, FEATURES)), rng.integers(0, CLASSES, examples)
    np.save(folder / "y.npy", labels)
    with (folder / "x.npy").open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (examples, FEATURES)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, examples, BLOCK):
            some = labels[start : start + BLOCK]
            x = rng.standard_normal((len(some), FEATURES), np.float32) + centers[some]
            file.write(x.astype("<f4").tobytes())


def train(folder: Path, gigabytes: float) -> tuple[float, float, str]:
    """Return peak bytes, median seconds of an epoch from the second on, and the command."""
    arguments = ["train", str(folder / "c.yaml"), f"dataset.memory={gigabytes}"]
    command = [sys.executable, "-m", "dropout_cli", *arguments, "--runs-dir", str(folder), "--quiet", "--json"]
    done = subprocess.run([*command, "--no-plots"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    summary = json.loads(done.stdout)
    with (Path(summary["run"]) / "timings.csv").open() as file:
        rows = list(csv.DictReader(file))
    seconds = statistics.median([float(row["train_seconds"]) for row in rows[1:]])
    return summary["peak_bytes"], seconds, f"dropout {' '.join(arguments)}"


if __name__ == "__main__":
    bars = Bars("large_array")
    size, window, peak_bar = (0.6, 0.15, 0.6) if bars.smoke else (6.0, 1.0, 1.5)
    epochs, hidden = (2, "16") if bars.smoke else (3, "512, 512")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write(folder, round(size * 1e9 / 4 / FEATURES))
        (folder / "c.yaml").write_text(CONFIG.format(folder=folder, epochs=epochs, hidden=hidden))
        peak_bytes, streamed, said = train(folder, window)
        bars.at_most(f"{size} GB, window {window} GB: peak GB", peak_bytes / 1e9, peak_bar, said, always=True)
        in_memory = train(folder, 2 * size)[1]
        bars.at_least("throughput from the second epoch on / all in memory", in_memory / streamed, 0.7, said)
    bars.end()
