"""Steps of `configs/mnist_cnn.yaml` on random pictures.

Prints milliseconds of a step and megabytes as JSON.
"""

import json
import resource
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from dropout_cli import config
from dropout_cli.architectures import BuildContext
from dropout_cli.core.rng import Noise
from dropout_cli.training import setup
from dropout_cli.training.state import Learner


def resident() -> float:
    """Return the megabytes of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main(steps: int) -> None:
    """Measure a number of steps, after five steps to warm up."""
    experiment = config.load_config(Path("configs/mnist_cnn.yaml"), ["training.threads=2"]).experiment
    around = BuildContext(shape=(28, 28, 1), outputs=10, examples=60_000, steps=1000, seed=0)
    learner = Learner(experiment.architecture.build(experiment.dropout, around), experiment.training.optimizer)
    rng = np.random.default_rng(0)
    x = rng.random((int(experiment.training.batch_size), 28, 28, 1), dtype=np.float32)
    labels, noise = rng.integers(0, 10, len(x)), Noise(0, 1)
    seconds, early = [], 0.0
    with setup.thread_limit(experiment):
        for step in range(5 + steps):
            began = time.perf_counter()
            learner.begin_step(1e-3)
            experiment.objective.compute_gradients(learner.network, x, labels, noise, None)
            learner.advance(1e-3)
            seconds.append(time.perf_counter() - began)
            if step == 4:
                early = resident()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    numbers = {"ms": statistics.median(seconds[5:]) * 1e3, "peak": peak, "grown": resident() - early}
    sys.stdout.write(json.dumps(numbers) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
