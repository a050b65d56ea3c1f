"""The bound: the matrix products of a step, of the same shapes and by the same routine, and nothing else."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import numpy as np

from dropout_cli.bench.case import Case
from dropout_cli.bench.serve import Step, serve
from dropout_cli.core.rng import stream
from dropout_cli.nn.backend.matmul import product
from dropout_cli.nn.backend.threads import limited

_held = ExitStack()


def flops(case: Case) -> int:
    """Multiplications and additions of a step's products: forward, of the weights, and of all inputs but the first."""
    sizes = [case.batch * a * b for a, b in pairwise(case.widths)]
    return 2 * (3 * sum(sizes) - sizes[0])


def prepare(fields: Mapping[str, Any], threads: int) -> Step:
    """A contender's part (bench.serve). Raises NotImplementedError for what is no step of dense layers."""
    case = Case.of(fields)
    if case.images or case.work != "step" or case.variant not in ("none", "inverted"):
        raise NotImplementedError("its products are not those of dense layers")
    rng = stream(0, "data")
    x = [rng.random((case.batch, width), dtype=np.float32) for width in case.widths]
    y = [np.empty_like(one) for one in x]
    W = [rng.random(pair, dtype=np.float32) for pair in pairwise(case.widths)]
    dW = [np.empty_like(one) for one in W]
    products: list[Callable[[], object]] = []
    for i, one in enumerate(W):
        products.append(lambda i=i, W=one: product(x[i], W, y[i + 1]))  # type: ignore[misc]
    for i, one in reversed(list(enumerate(W))):
        products.append(lambda i=i: product(x[i].T, x[i + 1], dW[i]))  # type: ignore[misc]
        if i:
            products.append(lambda i=i, W=one: product(x[i + 1], W.T, y[i]))  # type: ignore[misc]
    _held.close()
    _held.enter_context(limited(threads))

    def step() -> None:
        for multiply in products:
            multiply()

    return step


if __name__ == "__main__":
    serve(prepare)
