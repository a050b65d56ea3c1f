"""The run's threads, either NumPy's BLAS's or our own, and every other thread pool out of their way.

NumPy's and SciPy's wheels each bring an OpenBLAS whose idle threads spin: alternating between the
two made a training step 2.5 to 4 times slower. For the same reason BLAS has one thread where a layer
divides its batch among threads of ours, which pays where gathering and pooling take as long as products.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar, copy_context
from itertools import pairwise
from pathlib import PurePath
from typing import NamedTuple

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.environment import cores


class Crew(NamedTuple):
    """Threads of ours that wait for work: all but the caller's own."""

    pool: ThreadPoolExecutor
    size: int
    """The caller's thread is one of them."""


_crew: ContextVar[Crew | None] = ContextVar("crew", default=None)


@contextmanager
def limited(threads: int, *, divided: bool = False) -> Iterator[None]:
    """Compute with so many threads for as long as the block lasts.

    `divided`: they are ours, for layers that divide their batch with `over`, and BLAS has one.
    """
    if not divided or threads == 1:
        with _blas(threads):
            yield
        return
    with _blas(1), ThreadPoolExecutor(threads - 1) as pool:
        token = _crew.set(Crew(pool, threads))
        try:
            yield
        finally:
            _crew.reset(token)


def over(count: int, work: Callable[[int, slice], object]) -> int:
    """Call `work(part, rows)` for contiguous slices that make up range(count), a part per thread; return how many.

    What the parts write must not overlap. Raises what the first failing part raised, when all have ended.
    """
    crew = _crew.get()
    if crew is None or count < crew.size:
        work(0, slice(0, count))
        return 1
    bounds = [count * part // crew.size for part in range(crew.size + 1)]
    parts = [slice(start, stop) for start, stop in pairwise(bounds)]
    others = [
        crew.pool.submit(copy_context().run, work, part, rows) for part, rows in enumerate(parts[1:], start=1)
    ]  # the context brings NumPy's error state along
    try:
        work(0, parts[0])
    finally:
        errors = [other.exception() for other in others]
    for error in errors:
        if error is not None:
            raise error
    return crew.size


def product(a: Array, b: Array, out: Array) -> Array:
    """`np.matmul(a, b, out=out)` of matrices, the longer side of `out` divided."""
    rows, columns = out.shape
    if rows >= columns:
        over(rows, lambda _, part: np.matmul(a[part], b, out=out[part]))
    else:
        over(columns, lambda _, part: np.matmul(a, b[:, part], out=out[:, part]))
    return out


@contextmanager
def _blas(threads: int) -> Iterator[None]:
    """NumPy's BLAS with so many threads, every other library with one."""
    from threadpoolctl import ThreadpoolController

    controller = ThreadpoolController()
    paths = [pool["filepath"] for pool in controller.info()]
    ours = [path for path in paths if any("numpy" in part for part in PurePath(path).parts[-2:])] or paths
    with ExitStack() as stack:
        others = [path for path in paths if path not in ours]
        if others:
            stack.enter_context(controller.select(filepath=others).limit(limits=1))
        if ours:
            stack.enter_context(controller.select(filepath=ours).limit(limits=threads))
        yield


SMALL_PRODUCT = 4_000_000
"""Multiply-adds in the largest matrix product of a step below which a second thread does not pay."""


def suited_to(multiply_adds: int) -> int:
    """What `threads: auto` means for a network whose largest matrix product per step takes so many multiply-adds."""
    return cores() if multiply_adds > SMALL_PRODUCT else 1
