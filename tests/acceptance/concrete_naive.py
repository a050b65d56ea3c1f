"""Rates that concrete dropout and its naive form learn on digits, over five seeds.

Both start from the same weights.

Without the penalty that keeps the rates up, the naive form drifts towards a rate of 0. The figure is written to
runs/concrete_naive.png.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from dropout_cli import config
from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import BLUE, VERMILION, empty_figure, render, style
from dropout_cli.runs import Run
from dropout_cli.training.run import run_experiment
from dropout_cli.training.setup import prepare
from tests.acceptance.bars import Bars

PLACES = {"input": "hidden1/dropout/rate", "hidden 1": "hidden2/dropout/rate", "hidden 2": "output/dropout/rate"}
"""Location -> its column in metrics.csv: the rate has the path of the layer after it."""
SEEDS = range(5)
EXPERIMENT = """
dataset: {name: digits, scaling: unit}
architecture: {name: mlp, hidden: [128, 128], activation: relu}
training: {epochs: 60, batch_size: 64, optimizer: {name: adam, learning_rate: 1e-3}}
"""


def keep_probabilities(variant: str, seed: int, *overrides: str) -> dict[str, Array]:
    """Return location -> keep probability after each epoch of one run."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "contrast.yaml"
        file.write_text(EXPERIMENT)
        loaded = config.load_config(file, [f"dropout={variant}", f"seed={seed}", *overrides])
        run = Run.create(Path(folder), "contrast")
        run_experiment(prepare(loaded.experiment), run, loaded.text, watch=lambda event: None, figures=False)
        history = run.table("metrics.csv").columns()
    return {place: 1 - np.array(history[column]) for place, column in PLACES.items()}


def draw(found: dict[str, list[dict[str, Array]]]) -> bytes:
    """Draw a panel per location, with a line per seed."""
    with style():
        figure = empty_figure(9, 3.4)
        panels = figure.subplots(1, len(PLACES), sharey=True)
        for axes, place in zip(panels, PLACES, strict=True):
            for (variant, runs), color in zip(found.items(), (BLUE, VERMILION), strict=True):
                for number, run in enumerate(runs):
                    epochs = np.arange(1, len(run[place]) + 1)
                    label = variant if number == 0 else None
                    axes.plot(epochs, run[place], color=color, linewidth=1.1, alpha=0.8, label=label)
            axes.set_title(place, loc="left")
            axes.set_xlabel("epoch")
        panels[0].set_ylabel("keep probability")
        panels[0].legend(loc="lower left")
        figure.tight_layout()
        return render(figure)


def main() -> None:
    """Train, draw, and print the bars of the hidden locations."""
    bars = Bars("concrete_naive")
    short = ["training.epochs=2", "training.steps_per_epoch=3"] if bars.smoke else []
    seeds = range(1) if bars.smoke else SEEDS
    found = {
        variant: [keep_probabilities(variant, seed, *short) for seed in seeds]
        for variant in ("concrete", "concrete_naive")
    }
    target = Path(tempfile.gettempdir() if bars.smoke else "runs") / "concrete_naive.png"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(draw(found))
    sys.stderr.write(f"{target}\n")
    command = "dropout train (the config in this file) dropout="
    for place in ("hidden 1", "hidden 2"):
        ends = {variant: [float(run[place][-1]) for run in runs] for variant, runs in found.items()}
        least, greatest = min(ends["concrete_naive"]), max(ends["concrete"])
        bars.at_least(f"naive, {place}: least keep probability", least, 0.97, command + "concrete_naive")
        bars.at_most(f"concrete, {place}: greatest keep probability", greatest, 0.92, command + "concrete")
    bars.end()


if __name__ == "__main__":
    main()
