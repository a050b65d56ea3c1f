"""Direct BLAS access: y = beta y + alpha a b in place, which `np.matmul` cannot express.

NumPy's wheels include an OpenBLAS. SciPy's wheels include another one, whose idle threads would slow down the first.
So larger products use NumPy's OpenBLAS, called with the addresses of the arrays. Smaller products use SciPy's, whose
calls are faster, with one thread. If NumPy has no OpenBLAS (Accelerate, MKL), SciPy's routines do everything.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np

from dropout_cli.core.types import Array, DType

LARGE = 4_000_000
"""Multiply-adds from which a product uses NumPy's OpenBLAS."""

ROW_MAJOR, NOT_TRANSPOSED, TRANSPOSED = 101, 111, 112
"""CBLAS constants: row-major, not transposed, transposed."""


class Routines(NamedTuple):
    """BLAS routines of one dtype; all work in place."""

    gemm: Callable[[Array, Array, Array, float, float], object]
    """a (n, k), b (k, m), C-contiguous out (n, m), alpha, beta: out = beta out + alpha a b."""
    axpy: Callable[[Array, Array, float], object]
    """C-contiguous x, y, alpha: y += alpha x."""
    dot: Callable[[Array, Array], float]
    """C-contiguous x, y: the sum of x y."""


@cache
def routines(dtype: DType, large: bool) -> Routines:
    """Return the routines for arrays of a dtype.

    Args:
        dtype: float32 or float64.
        large: True for products of at least LARGE multiply-adds.
    """
    library = find_numpy_openblas()
    return _by_address(library, dtype) if large and library is not None else _scipys(dtype)


class Library(NamedTuple):
    """An OpenBLAS that can be called."""

    path: str
    """The path of its shared library."""
    handle: ctypes.CDLL
    """The loaded library."""
    spelling: str
    """The pattern of its symbol names, with {} for `sgemm`."""
    integer: Any
    """The ctypes type of its integers."""


SPELLINGS: dict[str, Any] = {
    "scipy_cblas_{}64_": ctypes.c_int64,
    "cblas_{}64_": ctypes.c_int64,
    "scipy_cblas_{}": ctypes.c_int32,
    "cblas_{}": ctypes.c_int32,
}
"""Pattern of the symbol names of an OpenBLAS build -> the type of its integers."""


@cache
def find_numpy_openblas() -> Library | None:
    """Return the OpenBLAS that NumPy uses, or None if it uses another library."""
    from threadpoolctl import threadpool_info

    paths = [str(pool["filepath"]) for pool in threadpool_info() if pool.get("internal_api") == "openblas"]
    numpys = [path for path in paths if any("numpy" in part for part in PurePath(path).parts[-2:])]
    # A single OpenBLAS is NumPy's, wherever a distribution puts it; of several, none can be chosen by guessing.
    for path in numpys or (paths if len(paths) == 1 else []):
        handle = ctypes.CDLL(path)
        for spelling, integer in SPELLINGS.items():
            if hasattr(handle, spelling.format("sgemm")):
                return Library(path, handle, spelling, integer)
    return None


def _by_address(library: Library, dtype: DType) -> Routines:
    """Return routines that call an OpenBLAS with the addresses of the arrays."""
    letter, real = ("s", ctypes.c_float) if dtype == np.float32 else ("d", ctypes.c_double)
    word, address, whole = ctypes.c_int, ctypes.c_void_p, library.integer

    def routine(name: str, result: Any, *arguments: Any) -> Any:
        function = library.handle[library.spelling.format(letter + name)]
        function.restype, function.argtypes = result, arguments
        return function

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
        turns = TRANSPOSED if turn_a else NOT_TRANSPOSED, TRANSPOSED if turn_b else NOT_TRANSPOSED
        # Each matrix is given by its address and the length of its rows in memory.
        first, second = (a.ctypes.data, n if turn_a else k), (b.ctypes.data, k if turn_b else m)
        multiply(ROW_MAJOR, *turns, n, m, k, alpha, *first, *second, beta, out.ctypes.data, m)

    def axpy(x: Array, y: Array, alpha: float) -> None:
        add(x.size, alpha, x.ctypes.data, 1, y.ctypes.data, 1)

    def dot(x: Array, y: Array) -> float:
        return float(inner(x.size, x.ctypes.data, 1, y.ctypes.data, 1))

    return Routines(gemm, axpy, dot)


def _plain(matrix: Array, dtype: DType) -> tuple[Array, bool]:
    """Return a matrix in C order, and True if it is the transpose of the argument."""
    if matrix.dtype == dtype and matrix.T.flags.c_contiguous and not matrix.flags.c_contiguous:
        return matrix.T, True
    return np.ascontiguousarray(matrix, dtype), False


def _scipys(dtype: DType) -> Routines:
    """Return routines of SciPy's BLAS."""
    from scipy.linalg import blas

    single = dtype == np.float32
    multiply, add = (blas.sgemm, blas.saxpy) if single else (blas.dgemm, blas.daxpy)
    inner = blas.sdot if single else blas.ddot

    def gemm(a: Array, b: Array, out: Array, alpha: float, beta: float) -> None:
        # SciPy's routines expect Fortran order: out' = b' a' in Fortran order is out = a b in C order, without copies.
        left, right = b.T, a.T
        turn_left, turn_right = not left.flags.f_contiguous, not right.flags.f_contiguous
        left, right = (left.T if turn_left else left), (right.T if turn_right else right)
        multiply(alpha, left, right, beta, out.T, turn_left, turn_right, 1)

    def axpy(x: Array, y: Array, alpha: float) -> None:
        add(x.reshape(-1), y.reshape(-1), a=alpha)

    def dot(x: Array, y: Array) -> float:
        return float(inner(x.reshape(-1), y.reshape(-1)))

    return Routines(gemm, axpy, dot)
