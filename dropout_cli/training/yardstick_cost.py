"""The linear model that costs little compared with a run.

The cost is estimated from sizes alone, so that the choice is the same on every machine. The constants are those of one
core at about 4 GHz with AVX-512 (measured on tables of 115 x 13 to 800 x 20,000 values and on 5,000 pictures of 28x28x1
and 32x32x3: estimates are 0.6 to 1.5 times the measured times). A run is assumed to be as fast as a small network on
such a machine, and a linear model to need all its iterations, so that its true share is below SHARE in most cases.
"""

from typing import Literal, TypeAlias

import numpy as np

from dropout_cli import tasks
from dropout_cli.training.linear_models import MAX_ITERATIONS
from dropout_cli.training.setup import PreparedExperiment

LinearModelKind: TypeAlias = Literal["logistic", "ridge"]

MAX_TIME_SHARE = 0.05
"""Of a run's time."""
MIN_SECONDS = 0.05
"""Budget that the linear model always has."""
STEP_SECONDS, FLOPS = 1e-4, 3e11
"""Of a training step without its products; and of these, per second."""


def affordable_model(prepared: PreparedExperiment, rows: int, steps: int) -> LinearModelKind | None:
    """Return the kind of linear model that is cheap enough; None if neither is."""
    dataset = prepared.dataset
    features, outputs = int(np.prod(dataset.shape)), len(dataset.classes)
    allowed = max(MIN_SECONDS, MAX_TIME_SHARE * _run_seconds(prepared, steps))
    if outputs and logistic_seconds(rows, features, outputs) <= allowed:
        return "logistic"
    return "ridge" if ridge_seconds(rows, features) <= allowed else None


def logistic_seconds(rows: int, features: int, classes: int) -> float:
    """Of all iterations: the passes over the inputs, the products, and the softmax."""
    logits = 1 if classes == 2 else classes
    return MAX_ITERATIONS * (1.5e-4 + rows * (features * (logits + 5) * 1e-10 + logits * 1e-8))


def ridge_seconds(rows: int, features: int) -> float:
    """Of the products of the smaller side, and of solving for it."""
    side = min(rows, features)
    return 1e-3 + (2 * rows * features * side + side**3 / 3) / 5e10


def _run_seconds(prepared: PreparedExperiment, steps: int) -> float:
    """Return the estimated seconds of the training steps.

    The matrix products are at least those of the largest layer, or of all weights.
    """
    experiment, shape = prepared.experiment, prepared.dataset.shape
    outputs = tasks.task_of(experiment.objective, prepared.dataset).outputs
    products = max(
        experiment.architecture.count_weights(shape, outputs), experiment.architecture.largest_weights(shape, outputs)
    )
    return steps * (STEP_SECONDS + 6 * int(experiment.training.batch_size) * products / FLOPS)
