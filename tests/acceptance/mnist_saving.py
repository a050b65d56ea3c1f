"""Cost of saving the state of Keras' MNIST network.

It is the time of saving as a share of the time of training.
"""

from pathlib import Path

from dropout_cli.runs import Run
from tests.acceptance.bars import Bars

if __name__ == "__main__":
    bars = Bars("mnist_saving")
    few = bars.few_pictures()
    shares: list[float] = []

    def look(folder: Path) -> None:
        """Add up the timings of the run."""
        timings = Run(folder).table("timings.csv").columns()
        shares.append(100 * sum(timings["save_seconds"]) / sum(timings["train_seconds"]))

    for save_every in ("auto", "every_epoch"):
        *_, command = bars.train("configs/mnist.yaml", *few, f"training.save_every={save_every}", look=look)
        if save_every == "auto":
            bars.at_most("percent of the training time spent saving", shares[-1], 2, command)
        else:  # for comparison: what `auto` spares
            bars.at_most("percent of the training time spent saving every epoch", shares[-1], 100, command)
    bars.end()
