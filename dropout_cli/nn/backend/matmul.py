"""The matrix product of the engine, out = beta out + alpha a b, and similar sums.

With `beta`, the product adds a gradient to a momentum (nn.optim.update), so that the update needs no second pass over
memory. If threads share a batch, they also share the product, with `np.matmul`.
"""

from functools import lru_cache

import numpy as np

from dropout_cli.core.types import Array, DType
from dropout_cli.nn.backend import threads
from dropout_cli.nn.backend.blas import LARGE, routines

SMALLEST = 64
"""Rows or columns from which a product is divided among the threads."""


def matmul_into(a: Array, b: Array, out: Array, alpha: float = 1.0, beta: float = 0.0) -> Array:
    """Overwrite `out` with beta out + alpha a b.

    Args:
        a: (n, k); a C-contiguous matrix or the transpose of one. Other arrays are copied first.
        b: (k, m), likewise.
        out: (n, m), C-contiguous, of the dtype of the product.
        alpha: The factor of the product.
        beta: The factor of the previous contents of `out`. 0: they are ignored.

    Returns:
        `out`.
    """
    if not (a.size and b.size):
        out[...] = beta * out if beta else 0
    elif threads.data_parallel():
        _in_parts(a, b, out, alpha, beta)
    else:
        routines(out.dtype, a.size * b.shape[1] >= LARGE).gemm(a, b, out, alpha, beta)
    return out


def column_sums(x: Array, out: Array, alpha: float = 1.0, beta: float = 0.0) -> None:
    """Overwrite `out` with beta out + alpha 1'x, the gradient of a bias.

    Args:
        x: (n, m).
        out: (m,), C-contiguous.
        alpha: The factor of the sums.
        beta: The factor of the previous contents of `out`. 0: they are ignored.
    """
    if threads.data_parallel():
        out[...] = beta * out if beta else 0
        out += alpha * np.add.reduce(x, axis=0)
    else:
        # A product with a row of ones adds to `out` in one pass, which np.add.reduce cannot.
        matmul_into(_ones(len(x), out.dtype), x, out[None], alpha=alpha, beta=beta)


@lru_cache(maxsize=16)
def _ones(count: int, dtype: DType) -> Array:
    """Return a row of ones, (1, count)."""
    return np.ones((1, count), dtype)


def add(x: Array, y: Array, *, alpha: float = 1.0) -> None:
    """Add alpha x to y in place.

    Args:
        x: C-contiguous array.
        y: C-contiguous array of the same shape and dtype.
        alpha: The factor of x.
    """
    if threads.data_parallel():
        y += x if alpha == 1 else alpha * x
    else:
        # Each element costs one multiply-add but three memory accesses, so threads pay at a smaller size.
        routines(y.dtype, y.size >= LARGE // 16).axpy(x, y, alpha)


def dot(x: Array, y: Array) -> float:
    """Return the sum of x y.

    Args:
        x: C-contiguous array.
        y: C-contiguous array of the same shape and dtype.
    """
    return routines(y.dtype, y.size >= LARGE // 16 and not threads.data_parallel()).dot(x, y)


def _in_parts(a: Array, b: Array, out: Array, alpha: float, beta: float) -> None:
    """Divide the product among the threads along the longer side of `out`."""
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
