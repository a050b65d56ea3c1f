"""A competitor of the suite `io`: save and read files as the commands do."""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from dropout_cli.bench.folders import create_finished_run
from dropout_cli.bench.serve import Step, serve_competitor
from dropout_cli.core import npz
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.data.sources.mnist import Mnist
from dropout_cli.runs import FORMAT, Run
from dropout_cli.training.checkpoint import LAST, Snapshot, pack_checkpoint

WIDTHS = (784, 1024, 1024, 1024, 10)
"""Sizes of input, hidden layers and output of the network that is saved."""
META = {"format": FORMAT, "epoch": 1, "step": 430, "selection": None, "config": "0" * 64, "metrics": "0" * 64}


def checkpoint_arrays() -> Iterator[tuple[str, Array]]:
    """Yield names and arrays of a checkpoint: weights, biases and moments in float32.

    They are the same for every competitor.
    """
    rng = stream(0, "data")
    for number, pair in enumerate(pairwise(WIDTHS), start=1):
        for name, shape in ((f"layer{number}/W", pair), (f"layer{number}/b", pair[1:])):
            for kind in ("parameters", "moments/m", "moments/v"):
                yield f"{kind}/{name}", rng.random(shape, dtype=np.float32)


def _save(folder: Path) -> Step:
    # One run folder for all steps: each save replaces the file, as in training.
    run, held = Run.create(folder, "bench"), dict(checkpoint_arrays())
    return lambda: run.write(LAST, pack_checkpoint(held, META))


def _mnist(folder: Path) -> Step:
    return lambda: Mnist().read()


def _read(folder: Path) -> Step:
    run = Run(create_finished_run(folder, "architecture.hidden=[1024,1024,1024]"))

    def step() -> None:
        run.summary()
        run.table("metrics.csv").columns()
        Snapshot.read(run, LAST)
        npz.read_npz(run.read("predictions.npz"), "predictions.npz")

    return step


WORKS: Mapping[str, Callable[[Path], Step]] = {"save": _save, "mnist": _mnist, "read": _read}


def prepare_work(fields: Mapping[str, Any], threads: int) -> Step:
    """Prepare one work of IO_WORKS, as `bench.serve` calls it.

    Args:
        fields: `work`, and `folder`, an empty folder.
        threads: Ignored: files need one thread.
    """
    return WORKS[fields["work"]](Path(fields["folder"]))


if __name__ == "__main__":
    serve_competitor(prepare_work)
