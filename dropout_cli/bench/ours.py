"""The competitor of this package: the training step of `dropout train` on random data."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from dropout_cli import config
from dropout_cli.architectures import BuildContext
from dropout_cli.bench.case import BenchmarkCase
from dropout_cli.bench.serve import Step, serve_competitor
from dropout_cli.config.schema import Experiment
from dropout_cli.core.rng import Noise, stream
from dropout_cli.nn.losses import softmax
from dropout_cli.training import setup
from dropout_cli.training.loop import take_step
from dropout_cli.training.state import Learner
from dropout_cli.variants import VARIANTS

BATCHES = 20
"""Number of different batches, used in turn."""

_held = ExitStack()
"""Keeps the settings for computation of the last prepared case."""


def bench_activation(case: BenchmarkCase) -> str:
    """Return the activation of hidden layers that the variant was made for."""
    return VARIANTS[case.variant].suited_activation


def bench_experiment(case: BenchmarkCase, threads: int) -> Experiment:
    """Return the config with which `dropout train` does the work of a case.

    Args:
        case: The case.
        threads: The value of `training.threads`.
    """
    if case.is_convolutional:
        return config.load_config(config.find_config("mnist_cnn"), [f"training.threads={threads}"]).experiment
    rule = {"momentum": {"name": "sgd", "momentum": 0.9}, "adam": {"name": "adam"}}[case.optimizer]
    dropout: dict[str, Any] = {"variant": case.variant, **case.keys}
    # 0 means the default of the variant, which is chosen by a missing key.
    if case.rate:
        dropout["rate"] = case.rate
    if case.input_rate:
        dropout["input_rate"] = case.input_rate
    blocks = {
        "architecture": {"name": "mlp", "hidden": case.widths[1:-1], "activation": bench_activation(case)},
        "dropout": dropout,
        "training": {"optimizer": rule, "batch_size": case.batch, "threads": threads},
    }
    overrides = [f"{name}={json.dumps(block)}" for name, block in blocks.items()]
    # These blocks replace those of the digits config, so that none of its values remains.
    return config.load_config(config.find_config("digits"), overrides, replace_blocks=list(blocks)).experiment


def random_batches(case: BenchmarkCase) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return batches of random examples and labels, the same for every competitor.

    Returns:
        BATCHES pairs of x and labels: x in [0, 1), float32, of shape (batch, inputs) or (batch, 28, 28, 1), and labels
        of shape (batch,).
    """
    rng = stream(0, "data")
    shape = (28, 28, 1) if case.is_convolutional else case.widths[:1]
    classes = 10 if case.is_convolutional else case.widths[-1]
    return [
        (rng.random((case.batch, *shape), dtype=np.float32), rng.integers(0, classes, case.batch))
        for _ in range(BATCHES)
    ]


def bench_learner(case: BenchmarkCase, experiment: Experiment) -> Learner:
    """Build the network and the optimizer of a case.

    Args:
        case: The case, for the shape of the input.
        experiment: Its config.
    """
    shape = (28, 28, 1) if case.is_convolutional else case.widths[:1]
    # Sizes as for 60,000 examples: some variants scale their penalty by them.
    context = BuildContext(shape=shape, outputs=10, examples=60_000, steps=100_000, steps_per_epoch=500, seed=0)
    return setup.make_learner(experiment, experiment.architecture.build(experiment.dropout, context))


def prepare_step(fields: Mapping[str, Any], threads: int) -> Step:
    """Prepare the work of a case, as `bench.serve` calls it.

    Args:
        fields: The fields of a BenchmarkCase.
        threads: Threads of the computation.
    """
    case = BenchmarkCase.from_dict(fields)
    experiment = bench_experiment(case, threads)
    learner, data, noise = bench_learner(case, experiment), random_batches(case), Noise(0, 1)
    # A process gets one case after another: the settings of the previous one end here.
    _held.close()
    _held.enter_context(setup.thread_limit(experiment))
    if case.work != "step":
        x, _ = data[0]
        return lambda: softmax(learner.network.forward(x, noise=noise if case.work == "monte_carlo" else None))

    def step() -> float:
        x, labels = data[learner.step % BATCHES]
        return take_step(learner, experiment, x, labels, noise, lr=1e-3)

    return step


if __name__ == "__main__":
    serve_competitor(prepare_step)
