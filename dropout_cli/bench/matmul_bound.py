"""A competitor that is a bound: only the matrix products of a training step.

They have the shapes of the step, and use the same routine.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import numpy as np

from dropout_cli.bench.case import BenchmarkCase
from dropout_cli.bench.serve import Step, serve_competitor
from dropout_cli.core.rng import stream
from dropout_cli.nn.backend.matmul import matmul_into
from dropout_cli.nn.backend.threads import limit_threads

_held = ExitStack()
"""Keeps the limit of threads of the last prepared case."""


def product_flops(case: BenchmarkCase) -> int:
    """Return the floating point operations in the matrix products of a training step.

    Each layer has a product forward, one for dW and, except for the first layer, one for dx.
    """
    sizes = [case.batch * a * b for a, b in pairwise(case.widths)]
    return 2 * (3 * sum(sizes) - sizes[0])


def prepare_products(fields: Mapping[str, Any], threads: int) -> Step:
    """Prepare the products of a case, as `bench.serve` calls it.

    Args:
        fields: The fields of a BenchmarkCase.
        threads: Threads of the linear algebra.

    Raises:
        NotImplementedError: The case is not a training step of dense layers.
    """
    case = BenchmarkCase.from_dict(fields)
    # Other variants have other products: batchwise, for one, skips dropped units.
    if case.is_convolutional or case.work != "step" or case.variant not in ("none", "inverted"):
        raise NotImplementedError("the matrix products are known only for training steps of dense layers")
    rng = stream(0, "data")
    x = [rng.random((case.batch, width), dtype=np.float32) for width in case.widths]
    y = [np.empty_like(array) for array in x]
    W = [rng.random(pair, dtype=np.float32) for pair in pairwise(case.widths)]
    dW = [np.empty_like(weights) for weights in W]
    # Default arguments of the lambdas keep the arrays of their layer.
    products: list[Callable[[], object]] = []
    for i, weights in enumerate(W):
        products.append(lambda i=i, W=weights: matmul_into(x[i], W, y[i + 1]))  # type: ignore[misc]
    for i, weights in reversed(list(enumerate(W))):
        products.append(lambda i=i: matmul_into(x[i].T, x[i + 1], dW[i]))  # type: ignore[misc]
        if i:
            products.append(lambda i=i, W=weights: matmul_into(x[i + 1], W.T, y[i]))  # type: ignore[misc]
    # A process gets one case after another: the limit of the previous one ends here.
    _held.close()
    _held.enter_context(limit_threads(threads))

    def step() -> None:
        for multiply in products:
            multiply()

    return step


if __name__ == "__main__":
    serve_competitor(prepare_products)
