"""Direct BLAS access: y = beta y + alpha a b in place, which `np.matmul` cannot express.

NumPy's wheels bring an OpenBLAS, and SciPy's another one, whose idle threads would stand in the way of the first. So
larger products go to NumPy's own, called by the addresses of their arrays; smaller ones to SciPy's, which is called
faster, and has one thread. Where NumPy has no OpenBLAS (Accelerate, MKL), SciPy's routines do it all.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np

from dropout_cli.core.types import Array, DType

LARGE = 4_000_000
"""Multiply-adds of a product from which on the call by address is worth while."""

ROWS, AS_IT_IS, TURNED = 101, 111, 112
"""CBLAS' words for row-major, not transposed, transposed."""


class Routines(NamedTuple):
    """Of one dtype, all in place."""

    gemm: Callable[[Array, Array, Array, float, float], object]
    """a (n, k), b (k, m), C-contiguous out (n, m), alpha, beta: out = beta out + alpha a b."""
    axpy: Callable[[Array, Array, float], object]
    """C-contiguous x, y, alpha: y += alpha x."""
    dot: Callable[[Array, Array], float]
    """C-contiguous x, y: the sum of x y."""


@cache
def routines(dtype: DType, large: bool) -> Routines:
    """The routines for work of that size, in float32 or float64."""
    library = find_numpy_openblas()
    return _by_address(library, dtype) if large and library is not None else _scipys(dtype)


class Library(NamedTuple):
    """An OpenBLAS that can be called."""

    path: str
    handle: ctypes.CDLL
    spelling: str
    """The symbol's name there, with {} for `sgemm`."""
    integer: Any


SPELLINGS: dict[str, Any] = {
    "scipy_cblas_{}64_": ctypes.c_int64,
    "cblas_{}64_": ctypes.c_int64,
    "scipy_cblas_{}": ctypes.c_int32,
    "cblas_{}": ctypes.c_int32,
}


@cache
def find_numpy_openblas() -> Library | None:
    """The library that NumPy computes with, where it is an OpenBLAS."""
    from threadpoolctl import threadpool_info

    found = [str(pool["filepath"]) for pool in threadpool_info() if pool.get("internal_api") == "openblas"]
    numpys = [path for path in found if any("numpy" in part for part in PurePath(path).parts[-2:])]
    for path in numpys or (found if len(found) == 1 else []):
        handle = ctypes.CDLL(path)
        for spelling, integer in SPELLINGS.items():
            if hasattr(handle, spelling.format("sgemm")):
                return Library(path, handle, spelling, integer)
    return None


def _by_address(library: Library, dtype: DType) -> Routines:
    letter, real = ("s", ctypes.c_float) if dtype == np.float32 else ("d", ctypes.c_double)
    word, address, whole = ctypes.c_int, ctypes.c_void_p, library.integer

    def routine(name: str, result: Any, *arguments: Any) -> Any:
        found = library.handle[library.spelling.format(letter + name)]
        found.restype, found.argtypes = result, arguments
        return found

    multiply = routine(
        *("gemm", None, word, word, word, whole, whole, whole),
        *(real, address, whole, address, whole, real, address, whole),
    )
    add = routine("axpy", None, whole, real, address, whole, address, whole)
    inner = routine("dot", real, whole, address, whole, address, whole)

    def gemm(a: Array, b: Array, out: Array, alpha: float, beta: float) -> None:
        (n, k), m = a.shape, b.shape[1]
        a, turn_a = _plain(a, out.dtype)
        b, turn_b = _plain(b, out.dtype)
        turns = TURNED if turn_a else AS_IT_IS, TURNED if turn_b else AS_IT_IS
        first, second = (a.ctypes.data, n if turn_a else k), (b.ctypes.data, k if turn_b else m)
        multiply(ROWS, *turns, n, m, k, alpha, *first, *second, beta, out.ctypes.data, m)

    def axpy(x: Array, y: Array, alpha: float) -> None:
        add(x.size, alpha, x.ctypes.data, 1, y.ctypes.data, 1)

    def dot(x: Array, y: Array) -> float:
        return float(inner(x.size, x.ctypes.data, 1, y.ctypes.data, 1))

    return Routines(gemm, axpy, dot)


def _plain(matrix: Array, dtype: DType) -> tuple[Array, bool]:
    """The matrix, or what it is the transpose of, row after row in memory; and whether it is the latter."""
    if matrix.dtype == dtype and matrix.T.flags.c_contiguous and not matrix.flags.c_contiguous:
        return matrix.T, True
    return np.ascontiguousarray(matrix, dtype), False


def _scipys(dtype: DType) -> Routines:
    from scipy.linalg import blas

    single = dtype == np.float32
    multiply, add = (blas.sgemm, blas.saxpy) if single else (blas.dgemm, blas.daxpy)
    inner = blas.sdot if single else blas.ddot

    def gemm(a: Array, b: Array, out: Array, alpha: float, beta: float) -> None:
        # Row by row, out = a b is column by column out' = b' a'; of an array in Fortran's order no copy is made.
        left, right = b.T, a.T
        turn_left, turn_right = not left.flags.f_contiguous, not right.flags.f_contiguous
        left, right = (left.T if turn_left else left), (right.T if turn_right else right)
        multiply(alpha, left, right, beta, out.T, turn_left, turn_right, 1)

    def axpy(x: Array, y: Array, alpha: float) -> None:
        add(x.reshape(-1), y.reshape(-1), a=alpha)

    def dot(x: Array, y: Array) -> float:
        return float(inner(x.reshape(-1), y.reshape(-1)))

    return Routines(gemm, axpy, dot)
