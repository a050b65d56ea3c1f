"""Training steps with Keras' `train_on_batch`.

KERAS_BACKEND names the backend, torch by default.
"""

import importlib
import os
from collections.abc import Mapping
from typing import Any

from dropout_cli.bench.case import BenchmarkCase
from dropout_cli.bench.ours import random_batches
from dropout_cli.bench.serve import Step, serve_competitor

os.environ.setdefault("KERAS_BACKEND", "torch")
keras: Any = importlib.import_module("keras")
layers: Any = keras.layers


def network_of(case: BenchmarkCase) -> Any:
    """Return the compiled network of a case."""
    if case.is_convolutional:
        made = [layers.Conv2D(32, 3, activation="relu"), layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D()]
        made += [layers.Dropout(0.25), layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dropout(0.5)]
    else:
        made = [layers.Dropout(case.input_rate)] if case.input_rate else []
        for width in case.widths[1:-1]:
            made += [layers.Dense(width, activation="relu")] + ([layers.Dropout(case.rate)] if case.rate else [])
    network = keras.Sequential([*made, layers.Dense(10)])
    adam = case.optimizer == "adam"
    rule = keras.optimizers.Adam(1e-3) if adam else keras.optimizers.SGD(1e-3, momentum=0.9)
    network.compile(rule, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return network


def prepare(fields: Mapping[str, Any], threads: int) -> Step:
    """Prepare the step of a case, as `bench.serve` calls it."""
    case = BenchmarkCase.from_dict(fields)
    if case.variant not in ("none", "inverted"):
        raise NotImplementedError(f"Keras has no {case.variant}")
    network, data, taken = network_of(case), random_batches(case), 0
    if case.work != "step":
        return lambda: network(data[0][0], training=case.work == "monte_carlo")

    def step() -> None:
        nonlocal taken
        network.train_on_batch(*data[taken % len(data)])
        taken += 1

    return step


if __name__ == "__main__":
    serve_competitor(prepare)
