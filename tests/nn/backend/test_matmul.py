"""One matrix product for the whole engine: in place, whatever lies in memory how, and whoever divides it."""

import numpy as np
import pytest

from dropout_cli.core.types import Array
from dropout_cli.nn.backend import threads
from dropout_cli.nn.backend.blas import find_numpy_openblas, routines
from dropout_cli.nn.backend.matmul import add, matmul_into


def matrix(rows: int, columns: int, dtype: type, *, turned: bool) -> Array:
    """Some numbers; `turned`: a transposed view."""
    rng = np.random.default_rng(rows * 1000 + columns)
    made: Array = rng.standard_normal((columns, rows) if turned else (rows, columns)).astype(dtype)
    return made.T if turned else made


@pytest.mark.parametrize("divided", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (1, 9, 1), (130, 20, 3), (3, 20, 130)])
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.0), (-0.5, 0.0), (1.0, 1.0), (-0.01, 0.9)])
def test_out_becomes_carry_out_plus_scale_a_b(
    shape: tuple[int, int, int], turned: tuple[bool, bool], dtype: type, alpha: float, beta: float, divided: bool
) -> None:
    """In the memory of `out`, to the rounding of k terms."""
    n, k, m = shape
    a, b = matrix(n, k, dtype, turned=turned[0]), matrix(k, m, dtype, turned=turned[1])
    out = matrix(n, m, dtype, turned=False)
    wanted = beta * out.astype(np.float64) + alpha * (a.astype(np.float64) @ b.astype(np.float64))
    with threads.limit_threads(2, divided=divided):
        assert matmul_into(a, b, out, alpha=alpha, beta=beta) is out
    most = k * np.abs(a).max() * np.abs(b).max() + np.abs(out).max()
    np.testing.assert_allclose(out, wanted, atol=4 * float(np.finfo(dtype).eps) * most)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
def test_routines_by_address_and_scipys_compute_the_same(turned: tuple[bool, bool], dtype: type, large: bool) -> None:
    """For sides that all differ, single rows and columns, and strided factors."""
    for n, k, m in ((3, 5, 7), (1, 4, 2), (6, 1, 3), (8, 2, 1)):
        a, b = matrix(n, k, dtype, turned=turned[0]), matrix(k, m, dtype, turned=turned[1])
        for left, right in ((a, b), (np.repeat(a, 2, axis=1)[:, ::2], np.repeat(b, 2, axis=0)[::2])):
            out = matrix(n, m, dtype, turned=False)
            wanted = 0.9 * out.astype(np.float64) - 0.5 * (a.astype(np.float64) @ b.astype(np.float64))
            routines(np.dtype(dtype), large).gemm(left, right, out, -0.5, 0.9)
            np.testing.assert_allclose(out, wanted, atol=50 * float(np.finfo(dtype).eps))
    x, y = matrix(4, 6, dtype, turned=False), matrix(4, 6, dtype, turned=False) + 1
    assert routines(np.dtype(dtype), large).dot(x, y) == pytest.approx(float((x * y).sum()), rel=1e-5)
    wanted = y + 0.25 * x
    routines(np.dtype(dtype), large).axpy(x, y, 0.25)
    np.testing.assert_allclose(y, wanted, rtol=1e-6)


def test_numpys_own_library_is_found_here() -> None:
    """Wheels of NumPy bring an OpenBLAS; where there is none, SciPy's routines do it all."""
    from threadpoolctl import threadpool_info

    openblas = [pool for pool in threadpool_info() if pool.get("internal_api") == "openblas"]
    assert (find_numpy_openblas() is not None) == bool(openblas)


@pytest.mark.parametrize("divided", [False, True])
def test_without_carry_what_was_in_out_is_of_no_account(divided: bool) -> None:
    """Not even where it was no number."""
    out = np.full((70, 3), np.nan, np.float32)
    with threads.limit_threads(2, divided=divided):
        matmul_into(np.ones((70, 2), np.float32), np.ones((2, 3), np.float32), out)
    assert (out == 2).all()


def test_strided_factors_are_taken_as_they_are() -> None:
    """They are copied, not misread."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((6, 8))[::2, ::2], rng.standard_normal((9, 10))[:4, 1::3]
    np.testing.assert_allclose(matmul_into(a, b, np.empty((3, 3))), a @ b, rtol=1e-12)


@pytest.mark.parametrize("divided", [False, True])
def test_a_product_over_nothing_is_zero(divided: bool) -> None:
    """With and without something carried on."""
    with threads.limit_threads(2, divided=divided):
        out = np.full((2, 3), 5.0)
        matmul_into(np.empty((2, 0)), np.empty((0, 3)), out, beta=1)
        assert (out == 5).all()
        matmul_into(np.empty((2, 0)), np.empty((0, 3)), out)
        assert (out == 0).all()


def test_a_sum_is_added_in_place() -> None:
    """y += x for arrays of any shape."""
    for dtype in (np.float32, np.float64):
        x, y = np.arange(12, dtype=dtype).reshape(3, 4), np.ones((3, 4), dtype)
        add(x, y)
        assert (y == x + 1).all()
