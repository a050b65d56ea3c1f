"""The run's threads, either those of NumPy's BLAS or our own; every other pool gets one thread.

NumPy's and SciPy's wheels each bring an OpenBLAS whose idle threads spin: alternating between the
two made a training step 2.5 to 4 times slower. For the same reason BLAS has one thread where a layer
divides its batch among threads of ours, which pays where gathering and pooling take as long as products.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar, copy_context
from threading import Lock
from typing import NamedTuple

from dropout_cli.core.environment import available_cores


class ThreadTeam(NamedTuple):
    """Threads that wait for work, beside the caller's own."""

    pool: ThreadPoolExecutor
    size: int
    """The caller's thread is one of them."""
    data_parallel: bool
    """Whether they share the batch, too."""


_team: ContextVar[ThreadTeam | None] = ContextVar("team", default=None)


@contextmanager
def limit_threads(threads: int, *, divided: bool = False) -> Iterator[None]:
    """Compute with so many threads for as long as the block lasts.

    `divided`: ours, not BLAS's, have the work of the passes, for layers that divide their batch with `parallel_for`.
    """
    if threads == 1:
        with _blas(1):
            yield
        return
    with _blas(1 if divided else threads), ThreadPoolExecutor(threads - 1) as pool:
        token = _team.set(ThreadTeam(pool, threads, divided))
        try:
            yield
        finally:
            _team.reset(token)


def parallel_for(count: int, work: Callable[[int, slice], object]) -> int:
    """Call `work(part, rows)` for contiguous slices that make up range(count), a part per thread; return how many.

    What the parts write must not overlap. Raises what the first failing part raised, when all have ended.
    """
    team = _team.get()
    if team is None or not team.data_parallel or count < team.size:
        work(0, slice(0, count))
        return 1
    bounds = [count * part // team.size for part in range(team.size + 1)]
    return parallel(lambda part, parts: work(part, slice(bounds[part], bounds[part + 1])))


def parallel(work: Callable[[int, int], object]) -> int:
    """Call `work(part, parts)` in every thread, for work that is not divided by rows; return `parts`.

    What they write must not overlap. Raises what the first failing part raised, when all have ended.
    """
    team = _team.get()
    if team is None:
        work(0, 1)
        return 1
    others = [
        team.pool.submit(copy_context().run, work, part, team.size) for part in range(1, team.size)
    ]  # the context brings NumPy's error state along
    try:
        work(0, team.size)
    finally:
        errors = [other.exception() for other in others]
    for error in errors:
        if error is not None:
            raise error
    return team.size


def data_parallel() -> bool:
    """Whether threads of ours share the work of the passes."""
    team = _team.get()
    return team is not None and team.data_parallel


class ThreadLimits:
    """Limits the threads of the engine's BLAS while any block, in any thread of Python, asks for a limit.

    There is one limit for the whole process: that of the block that began last. The libraries have their own numbers
    of threads back when no block is left, whichever thread leaves last.
    """

    def __init__(self) -> None:
        """Begin without a limit."""
        self._lock = Lock()
        self._wanted: list[int] = []
        self._set: int | None = None
        self._now = ExitStack()

    @contextmanager
    def __call__(self, threads: int) -> Iterator[None]:
        """Give the engine's BLAS so many threads in this block, and every other library one."""
        with self._lock:
            self._wanted.append(threads)
            self._apply()
        try:
            yield
        finally:
            with self._lock:
                del self._wanted[-1 - self._wanted[::-1].index(threads)]
                self._apply()

    def _apply(self) -> None:
        wanted = self._wanted[-1] if self._wanted else None
        if wanted == self._set:
            return
        self._now.close()
        self._now, self._set = ExitStack(), wanted
        if wanted is not None:
            self._now.enter_context(_limited_to(wanted))


_blas = ThreadLimits()


@contextmanager
def _limited_to(threads: int) -> Iterator[None]:
    import scipy.linalg.blas  # noqa: F401  or its pool would come later, and be missed
    from threadpoolctl import ThreadpoolController

    from dropout_cli.nn.backend.blas import find_numpy_openblas

    controller = ThreadpoolController()
    paths = [pool["filepath"] for pool in controller.info()]
    library = find_numpy_openblas()
    ours = [library.path] if library is not None and library.path in paths else paths
    with ExitStack() as stack:
        others = [path for path in paths if path not in ours]
        if others:
            stack.enter_context(controller.select(filepath=others).limit(limits=1))
        if ours:
            stack.enter_context(controller.select(filepath=ours).limit(limits=threads))
        yield


SMALL_PRODUCT = 4_000_000
"""Multiply-adds in the largest matrix product of a step below which a second thread does not pay."""


def suitable_threads(multiply_adds: int) -> int:
    """Return the threads of `threads: auto`, from the multiply-adds of a step's largest matrix product."""
    return available_cores() if multiply_adds > SMALL_PRODUCT else 1
