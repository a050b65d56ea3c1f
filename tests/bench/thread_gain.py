"""How much faster a step is with all threads than with one: the numbers behind `threads.suitable_threads`.

The two alternate in one process, a few steps at a time, and the shortest steps count. So the numbers are right on a
machine that other processes use as well, if it is idle now and then. With `--busy`, another process keeps one core
busy, and the median counts.
"""

import argparse
import sys
import time
from contextlib import nullcontext

import numpy as np

from dropout_cli.bench import ours
from dropout_cli.bench.case import CNN, BenchmarkCase
from dropout_cli.core.environment import available_cores
from dropout_cli.core.rng import Noise
from dropout_cli.training import setup
from dropout_cli.training.loop import take_step
from tests.acceptance.busy import busy_process

DENSE = (
    (64, (784, 512, 512, 10)),
    (128, (784, 512, 512, 10)),
    (100, (784, 1000, 500, 250, 250, 250, 10)),
    (128, (784, 1024, 1024, 1024, 10)),
    (512, (784, 512, 512, 10)),
    (512, (784, 1024, 1024, 1024, 10)),
    (128, (784, 2048, 2048, 10)),
    (512, (784, 2048, 2048, 10)),
    (2000, (784, 1024, 1024, 10)),
    (2000, (784, 256, 256, 10)),
)
"""Batch size and widths."""


def step_ms(case: BenchmarkCase, seconds: float, quantile: float) -> dict[int, float]:
    """Return threads -> a quantile of the milliseconds of a step, measured in turns."""
    data, times = ours.random_batches(case), dict[int, list[float]]()
    parts = {}
    for threads in (1, available_cores()):
        experiment = ours.bench_experiment(case, threads)
        parts[threads] = (experiment, ours.bench_learner(case, experiment))
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for threads, (experiment, learner) in parts.items():
            with setup.thread_limit(experiment):
                for number in range(7):
                    x, labels = data[number % len(data)]
                    began = time.perf_counter()
                    take_step(learner, experiment, x, labels, Noise(0, 1), lr=1e-3)
                    if number > 1:  # the threads have just been started
                        times.setdefault(threads, []).append(time.perf_counter() - began)
    return {threads: 1e3 * float(np.quantile(found, quantile)) for threads, found in times.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.thread_gain")
    parser.add_argument("--seconds", type=float, default=20, help="seconds per case")
    parser.add_argument("--busy", action="store_true", help="beside a process that keeps one core busy")
    given = parser.parse_args()
    cases = [BenchmarkCase(name=str(size), widths=widths, batch=size, optimizer="adam") for size, widths in DENSE]
    with busy_process() if given.busy else nullcontext():
        for case in [*cases, CNN]:
            times = step_ms(case, given.seconds, 0.5 if given.busy else 0.02)
            one, many = times[1], times[max(times)]
            largest = case.batch * max((a * b for a, b in zip(case.widths, case.widths[1:], strict=False)), default=0)
            name = "-".join(map(str, case.widths)) or case.name
            sys.stdout.write(
                f"{name}, batch {case.batch}: {largest / 1e6:.0f} M multiply-adds in the largest product; one thread "
                f"{one:.2f} ms, {max(times)} threads {many:.2f} ms, gain {one / many:.2f}\n"
            )
            sys.stdout.flush()
