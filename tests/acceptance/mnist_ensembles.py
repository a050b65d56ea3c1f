"""Ensembles of thinned networks on MNIST: two layers of 512 units, rate .5, 8 epochs.

The table of `dropout ensemble` is in the labels. Ten networks are also drawn with the layers before the noise computed
anew for each of them, for the ratio.
"""

import time
from pathlib import Path

from dropout_cli.analysis.ensemble import sampled
from dropout_cli.runs import Run
from dropout_cli.training import forward_passes, restore
from dropout_cli.training.setup import thread_limit
from tests.acceptance.bars import Bars

COUNT = 10


def seconds_of_passes(run: Run, count: int) -> tuple[float, float]:
    """Return wall and processor seconds in which networks predict the test part, the best of three."""
    trained = restore.load_model(run)
    part, batch = trained.dataset.test, trained.experiment.training.evaluation_batch
    found = []
    with thread_limit(trained.experiment), trained.learner.averaged() as network:
        for _ in range(3):
            begin, used = time.perf_counter(), time.process_time()
            for _ in forward_passes.sampled_networks(network, trained.dataset, part, seed=0, count=count, batch=batch):
                pass
            found.append((time.perf_counter() - begin, time.process_time() - used))
    return min(found)


if __name__ == "__main__":
    bars = Bars("mnist_ensembles")
    few = bars.few_pictures()

    def look(path: Path) -> None:
        """Judge the ensembles of the run."""
        run = Run(path)
        command = f"dropout ensemble {path.name} --networks {COUNT}"
        drawn, processor = seconds_of_passes(run, COUNT)
        anew = COUNT * seconds_of_passes(run, 1)[1]
        label = f"seconds of {COUNT} networks ({processor:.2f} processor seconds, {processor / anew:.2f} of one by one)"
        bars.at_most(label, drawn, 2.0, command)
        begin = time.perf_counter()
        numbers = sampled.study_sampled_networks(run, COUNT).numbers
        bars.at_most("seconds with data, averages and subsets", time.perf_counter() - begin, 6.0, command)
        for way in ("arithmetic_mean", "geometric_mean", "weight_scaling"):
            values = ", ".join(f"{name} {value:.4f}" for name, value in numbers[way].items())
            bars.at_most(f"error of {way} ({values})", 1 - numbers[way]["accuracy"], 0.025, command)
        spread = ", ".join(f"{name} {one['mean']:.4f} sd {one['sd']:.4f}" for name, one in numbers["single"].items())
        bars.at_least(f"disagreement ({spread})", numbers["disagreement"], 0.02, command)
        for name, one in numbers["decompositions"].items():
            gap = abs(one["single"] - one["average"] - one["ambiguity"])
            bars.at_most(f"{name}: single - average - ambiguity", gap, 1e-12, command, always=True)

    changes = ("dropout.rate=0.5", "training.epochs=8", "training.schedule=constant")
    bars.train("configs/mnist.yaml", *few, *changes, look=look)
    bars.end()
