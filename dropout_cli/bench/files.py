"""Saving and reading, as the commands do it. A contender among others."""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from dropout_cli.bench.folders import finished_run
from dropout_cli.bench.serve import Step, serve
from dropout_cli.core import npz
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.data.sources.mnist import Mnist
from dropout_cli.runs import FORMAT, Run
from dropout_cli.training.checkpoint import LAST, Snapshot, pack

WIDTHS = (784, 1024, 1024, 1024, 10)
META = {"format": FORMAT, "epoch": 1, "step": 430, "selection": None, "config": "0" * 64, "metrics": "0" * 64}


def arrays() -> Iterator[tuple[str, Array]]:
    """Weights, biases and two moments of each, float32: the same for every contender."""
    rng = stream(0, "data")
    for number, pair in enumerate(pairwise(WIDTHS), start=1):
        for name, shape in ((f"layer{number}/W", pair), (f"layer{number}/b", pair[1:])):
            for kind in ("parameters", "moments/m", "moments/v"):
                yield f"{kind}/{name}", rng.random(shape, dtype=np.float32)


def _save(folder: Path) -> Step:
    run, held = Run.create(folder, "bench"), dict(arrays())
    return lambda: run.write(LAST, pack(held, META))


def _mnist(folder: Path) -> Step:
    return lambda: Mnist().read()


def _read(folder: Path) -> Step:
    run = Run(finished_run(folder, "architecture.hidden=[1024,1024,1024]"))

    def step() -> None:
        run.summary()
        run.table("metrics.csv").columns()
        Snapshot.read(run, LAST)
        npz.read(run.read("predictions.npz"), "predictions.npz")

    return step


WORKS: Mapping[str, Callable[[Path], Step]] = {"save": _save, "mnist": _mnist, "read": _read}


def prepare(fields: Mapping[str, Any], threads: int) -> Step:
    """A contender's part (bench.serve); `folder` is its own."""
    return WORKS[fields["work"]](Path(fields["folder"]))


if __name__ == "__main__":
    serve(prepare)
