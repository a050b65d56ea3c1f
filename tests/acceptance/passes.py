"""Time and memory of many noisy passes over MNIST: 784-512-512-10, 10,000 pictures."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from dropout_cli.analysis.certainty.mc_curve import compare_pass_counts
from dropout_cli.runs import Run
from dropout_cli.training import forward_passes, restore
from dropout_cli.training.setup import thread_limit
from tests.acceptance.bars import Bars

PASSES, NETWORKS = 100, 10


def command_cost(*arguments: str) -> tuple[float, float]:
    """Return the wall seconds and the peak resident megabytes of `dropout` in a process of its own."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "dropout_cli", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"dropout {' '.join(arguments)}: exit code {process.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def seconds(work: Callable[[], object]) -> float:
    """Return the wall seconds of a call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    bars = Bars("passes")
    few = bars.few_pictures()
    short = () if bars.smoke else ("training.epochs=1", "training.steps_per_epoch=100", "--no-plots")

    def look(folder: Path) -> None:
        """Measure the command in a process of its own, and the functions below it in this one."""
        command = f"dropout eval RUN --mc-curve {PASSES}"
        wall, megabytes = command_cost("eval", str(folder), "--mc-curve", str(PASSES))
        model = restore.load_model(Run(folder))
        network, dataset, part = model.learner.network, model.dataset, model.dataset.test
        batch = model.experiment.training.evaluation_batch
        with thread_limit(model.experiment):
            once = min(seconds(lambda: forward_passes.outputs(network, dataset, part, batch=batch)) for _ in range(5))
            networks = forward_passes.sampled_networks(network, dataset, part, seed=0, count=NETWORKS, batch=batch)
            sampled = seconds(lambda: sum(1 for _ in islice(networks, NETWORKS)))
        ratio = f"{{:.1f}} times a pass without noise ({1000 * once:.0f} ms)"
        curve = seconds(lambda: compare_pass_counts(Run(folder), PASSES))
        what = f"seconds of {PASSES} passes over {len(part):,} pictures"
        bars.at_most(f"{what}, the whole command", wall, 8, command)
        bars.at_most(f"{what}, with loading and scores, {ratio.format(curve / once)}", curve, 8, command)
        bars.at_most("megabytes of the command at its peak", megabytes, 600, command, always=True)
        what = f"seconds of {NETWORKS} sampled networks, {ratio.format(sampled / once)}"
        bars.at_most(what, sampled, 2, f"dropout eval RUN --mc 1 --thinned {NETWORKS}")

    bars.train("configs/mnist.yaml", *few, "dropout.rate=0.5", *short, look=look)
    bars.end()
