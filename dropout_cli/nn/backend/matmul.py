"""The one matrix product of the engine, out = beta out + alpha a b, and its sisters for sums.

With `beta` a momentum takes its gradient in as the product makes it (nn.optim.update), where an update otherwise waits
for memory. Where threads of ours share a batch, they share the product, by `np.matmul`.
"""

from functools import lru_cache

import numpy as np

from dropout_cli.core.types import Array, DType
from dropout_cli.nn.backend import threads
from dropout_cli.nn.backend.blas import LARGE, routines

SMALLEST = 64
"""Fewer rows or columns are not divided among threads of ours."""


def matmul_into(a: Array, b: Array, out: Array, alpha: float = 1.0, beta: float = 0.0) -> Array:
    """Return `out` (n, m), overwritten with beta out + alpha a b, for a (n, k) and b (k, m) of its dtype.

    `out` must be C-contiguous, a and b matrices or transposed views of such: others are copied first. With `beta` 0
    it does not matter what was in `out`.
    """
    if not (a.size and b.size):
        out[...] = beta * out if beta else 0
    elif threads.data_parallel():
        _in_parts(a, b, out, alpha, beta)
    else:
        routines(out.dtype, a.size * b.shape[1] >= LARGE).gemm(a, b, out, alpha, beta)
    return out


def column_sums(x: Array, out: Array, alpha: float = 1.0, beta: float = 0.0) -> None:
    """out = beta out + alpha 1'x, for x (n, m) and out (m,): the gradient of what is added to every row."""
    if threads.data_parallel():
        out[...] = beta * out if beta else 0
        out += alpha * np.add.reduce(x, axis=0)
    else:
        matmul_into(_ones(len(x), out.dtype), x, out[None], alpha=alpha, beta=beta)


@lru_cache(maxsize=16)
def _ones(count: int, dtype: DType) -> Array:
    return np.ones((1, count), dtype)


def add(x: Array, y: Array, *, alpha: float = 1.0) -> None:
    """y += alpha x, for C-contiguous arrays of one shape and dtype."""
    if threads.data_parallel():
        y += x if alpha == 1 else alpha * x
    else:
        routines(y.dtype, y.size >= LARGE // 16).axpy(x, y, alpha)


def dot(x: Array, y: Array) -> float:
    """Return the sum of x y, for C-contiguous arrays of one shape and dtype."""
    return routines(y.dtype, y.size >= LARGE // 16 and not threads.data_parallel()).dot(x, y)


def _in_parts(a: Array, b: Array, out: Array, alpha: float, beta: float) -> None:
    """The longer side of `out` divided among threads of ours, each of which has one thread for BLAS."""
    target = out if not beta else np.empty_like(out)
    rows, columns = out.shape
    if max(rows, columns) < SMALLEST:
        np.matmul(a, b, out=target)
    elif rows >= columns:
        threads.parallel_for(rows, lambda _, part: np.matmul(a[part], b, out=target[part]))
    else:
        threads.parallel_for(columns, lambda _, part: np.matmul(a, b[:, part], out=target[:, part]))
    if alpha != 1:
        target *= alpha
    if beta:
        out *= beta
        out += target
