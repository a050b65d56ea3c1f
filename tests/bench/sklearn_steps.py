"""Training steps of scikit-learn's MLPClassifier: `partial_fit` of one batch.

It has no dropout.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from dropout_cli.bench.case import BenchmarkCase
from dropout_cli.bench.ours import random_batches
from dropout_cli.bench.serve import Step, serve_competitor


def prepare(fields: Mapping[str, Any], threads: int) -> Step:
    """Prepare the step of a case, as `bench.serve` calls it."""
    case = BenchmarkCase.from_dict(fields)
    if case.variant != "none" or case.is_convolutional or case.work != "step":
        raise NotImplementedError("scikit-learn's network has no dropout, and is dense")
    threadpool_limits(threads)
    solver = {"momentum": "sgd", "adam": "adam"}[case.optimizer]
    network = MLPClassifier(
        case.widths[1:-1], solver=solver, alpha=0.0, batch_size=case.batch, nesterovs_momentum=False
    )
    data, classes, taken = random_batches(case), np.arange(case.widths[-1]), 0
    network.partial_fit(*data[0], classes=classes)

    def step() -> None:
        nonlocal taken
        network.partial_fit(*data[taken % len(data)])
        taken += 1

    return step


if __name__ == "__main__":
    serve_competitor(prepare)
