"""The competitor of this package: the training step of `dropout train` on random data."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from dropout_cli import config
from dropout_cli.architectures import BuildContext
from dropout_cli.bench.case import Case
from dropout_cli.bench.serve import Step, serve
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


def activation_of(case: Case) -> str:
    """Return the activation of hidden layers that the variant was made for."""
    return VARIANTS[case.variant].suited_activation


def experiment_of(case: Case, threads: int) -> Experiment:
    """Return the config with which `dropout train` does the work of a case.

    Args:
        case: The case.
        threads: The value of `training.threads`.
    """
    if case.images:
        return config.load(config.find("mnist_cnn"), [f"training.threads={threads}"]).experiment
    rule = {"momentum": {"name": "sgd", "momentum": 0.9}, "adam": {"name": "adam"}}[case.optimizer]
    dropout: dict[str, Any] = {"variant": case.variant, **case.keys}
    # 0 means the default of the variant, which is chosen by a missing key.
    if case.rate:
        dropout["rate"] = case.rate
    if case.input_rate:
        dropout["input_rate"] = case.input_rate
    blocks = {
        "architecture": {"name": "mlp", "hidden": case.widths[1:-1], "activation": activation_of(case)},
        "dropout": dropout,
        "training": {"optimizer": rule, "batch_size": case.batch, "threads": threads},
    }
    overrides = [f"{name}={json.dumps(block)}" for name, block in blocks.items()]
    # `anew`: these blocks replace those of the digits config, so that none of its values remains.
    return config.load(config.find("digits"), overrides, anew=list(blocks)).experiment


def batches(case: Case) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return batches of random examples and labels, the same for every competitor.

    Returns:
        BATCHES pairs of x and labels: x in [0, 1), float32, of shape (batch, inputs) or (batch, 28, 28, 1), and labels
        of shape (batch,).
    """
    rng = stream(0, "data")
    shape = (28, 28, 1) if case.images else case.widths[:1]
    classes = 10 if case.images else case.widths[-1]
    return [
        (rng.random((case.batch, *shape), dtype=np.float32), rng.integers(0, classes, case.batch))
        for _ in range(BATCHES)
    ]


def learner_of(case: Case, experiment: Experiment) -> Learner:
    """Build the network and the optimizer of a case.

    Args:
        case: The case, for the shape of the input.
        experiment: Its config.
    """
    shape = (28, 28, 1) if case.images else case.widths[:1]
    # Sizes as for 60,000 examples: some variants scale their penalty by them.
    context = BuildContext(shape=shape, outputs=10, examples=60_000, steps=100_000, steps_per_epoch=500, seed=0)
    return setup.learner_of(experiment, experiment.architecture.build(experiment.dropout, context))


def prepare(fields: Mapping[str, Any], threads: int) -> Step:
    """Prepare the work of a case, as `bench.serve` calls it.

    Args:
        fields: The fields of a BenchmarkCase.
        threads: Threads of the computation.
    """
    case = Case.of(fields)
    experiment = experiment_of(case, threads)
    learner, data, noise = learner_of(case, experiment), batches(case), Noise(0, 1)
    # A process gets one case after another: the settings of the previous one end here.
    _held.close()
    _held.enter_context(setup.computing(experiment))
    if case.work != "step":
        x, _ = data[0]
        return lambda: softmax(learner.network.forward(x, noise=noise if case.work == "monte_carlo" else None))

    def step() -> float:
        x, labels = data[learner.step % BATCHES]
        return take_step(learner, experiment, x, labels, noise, lr=1e-3)

    return step


if __name__ == "__main__":
    serve(prepare)
