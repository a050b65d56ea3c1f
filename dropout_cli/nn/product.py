"""The one matrix product of the engine: out = carry out + scale a b, in place.

It is SciPy's GEMM and not `np.matmul`, for the sake of `carry`: a momentum can take in its gradient inside the product
(nn.descent), where the update otherwise waits for memory. NumPy's BLAS then has one thread: the wheels of the two bring
one each, and alternating between pools of threads that spin while they wait made a step 2.5 to 4 times slower.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from dropout_cli import threads
from dropout_cli.arrays import Array, DType


def product(a: Array, b: Array, out: Array, *, scale: float = 1.0, carry: float = 0.0) -> Array:
    """Return `out` (n, m), overwritten with carry out + scale a b, for a (n, k) and b (k, m) of its dtype.

    `out` must be C-contiguous, a and b matrices or transposed views of such: others are copied first. With `carry` 0
    it does not matter what was in `out`.
    """
    if not (a.size and b.size):
        out[...] = carry * out if carry else 0
        return out
    if threads.divided():
        return _in_parts(a, b, out, scale, carry)
    # Row by row, out = a b is column by column out' = b' a'.
    left, right = b.T, a.T
    turn_left, turn_right = not left.flags.f_contiguous, not right.flags.f_contiguous
    left, right = (left.T if turn_left else left), (right.T if turn_right else right)
    _routines(out.dtype).gemm(scale, left, right, carry, out.T, turn_left, turn_right, 1)
    return out


def add(x: Array, y: Array) -> None:
    """y += x, for C-contiguous arrays of one shape and dtype."""
    if threads.divided():
        y += x
    else:
        _routines(y.dtype).axpy(x.reshape(-1), y.reshape(-1))


class Routines(NamedTuple):
    """SciPy's, for one dtype."""

    gemm: Callable[..., Any]
    """alpha, a, b, beta, c, trans_a, trans_b, overwrite_c: c is changed in place where it is in Fortran's order."""
    axpy: Callable[..., Any]
    """x, y: y is changed in place."""


@cache
def _routines(dtype: DType) -> Routines:
    from scipy.linalg import blas

    if dtype == np.float32:
        return Routines(blas.sgemm, blas.saxpy)
    return Routines(blas.dgemm, blas.daxpy)


SMALLEST = 64
"""Fewer rows or columns are not divided."""


def _in_parts(a: Array, b: Array, out: Array, scale: float, carry: float) -> Array:
    """The same by NumPy, the longer side of `out` divided among threads, each of which has one thread for BLAS."""
    target = out if not carry else np.empty_like(out)
    rows, columns = out.shape
    if max(rows, columns) < SMALLEST:
        np.matmul(a, b, out=target)
    elif rows >= columns:
        threads.over(rows, lambda _, part: np.matmul(a[part], b, out=target[part]))
    else:
        threads.over(columns, lambda _, part: np.matmul(a, b[:, part], out=target[:, part]))
    if scale != 1:
        target *= scale
    if carry:
        out *= carry
        out += target
    return out
