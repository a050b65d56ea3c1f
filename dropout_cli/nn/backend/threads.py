"""The threads of a run: those of NumPy's BLAS, or our own.

NumPy's and SciPy's wheels each include an OpenBLAS whose idle threads spin. Alternating between the two made a training
step 2.5 to 4 times slower. For the same reason, BLAS has one thread while our own threads share the batch. That pays
off if gathering and pooling take as long as the matrix products.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar, copy_context
from threading import Lock
from typing import NamedTuple

from dropout_cli.core.environment import available_cores


class ThreadTeam(NamedTuple):
    """Threads that work together with the calling thread."""

    pool: ThreadPoolExecutor
    """The waiting threads, without the calling one."""
    size: int
    """The number of threads, including the calling one."""
    data_parallel: bool
    """True if they also share the batch."""


_team: ContextVar[ThreadTeam | None] = ContextVar("team", default=None)


@contextmanager
def limit_threads(threads: int, *, divided: bool = False) -> Iterator[None]:
    """Limit the number of threads within a `with` block.

    Args:
        threads: The number of threads.
        divided: True if our own threads share the passes, for layers that divide their batch with `parallel_for`.
            BLAS then has one thread.
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
    """Divide range(count) into contiguous slices, one per thread, and work on each.

    Args:
        count: Number of rows.
        work: Called with the number of the part and its slice. Parts must not write to the same memory.

    Returns:
        The number of parts.

    Raises:
        Exception: the error of the first part that failed, after all parts have ended.
    """
    team = _team.get()
    if team is None or not team.data_parallel or count < team.size:
        work(0, slice(0, count))
        return 1
    bounds = [count * part // team.size for part in range(team.size + 1)]
    return parallel(lambda part, parts: work(part, slice(bounds[part], bounds[part + 1])))


def parallel(work: Callable[[int, int], object]) -> int:
    """Call `work(part, parts)` in every thread, for work that is not divided by rows.

    Args:
        work: Called with the number of the part and the number of parts. Parts must not write to the same memory.

    Returns:
        The number of parts.

    Raises:
        Exception: the error of the first part that failed, after all parts have ended.
    """
    team = _team.get()
    if team is None:
        work(0, 1)
        return 1
    # The context carries NumPy's error state to the other threads.
    others = [team.pool.submit(copy_context().run, work, part, team.size) for part in range(1, team.size)]
    try:
        work(0, team.size)
    finally:
        errors = [other.exception() for other in others]  # waits for all, which still write to shared arrays
    for error in errors:
        if error is not None:
            raise error
    return team.size


def data_parallel() -> bool:
    """Return True if our own threads share the work of the passes."""
    team = _team.get()
    return team is not None and team.data_parallel


class ThreadLimits:
    """Limits the threads of the engine's BLAS while any block of any thread needs it.

    The whole process has one limit: that of the block that began last. When the last block ends, the libraries get
    their own numbers of threads back, whichever thread that block was in.
    """

    def __init__(self) -> None:
        """Start without a limit."""
        self._lock = Lock()
        self._wanted: list[int] = []
        self._set: int | None = None
        self._now = ExitStack()

    @contextmanager
    def __call__(self, threads: int) -> Iterator[None]:
        """Limit BLAS to a number of threads in this block, and other libraries to one.

        Args:
            threads: The number of threads of the engine's BLAS.
        """
        with self._lock:
            self._wanted.append(threads)
            self._apply()
        try:
            yield
        finally:
            with self._lock:
                # The last equal limit: another thread may have left its block out of order.
                del self._wanted[-1 - self._wanted[::-1].index(threads)]
                self._apply()

    def _apply(self) -> None:
        """Set the limit of the block that began last, or remove the limit."""
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
    """Limit the engine's BLAS and all other thread pools in this block."""
    import scipy.linalg.blas  # noqa: F401  its pool must exist before the controller looks for pools
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


DENSE_PRODUCT = 500_000_000
"""Multiply-adds of the largest matrix product of a step, from which threads of BLAS promise 1.4 times the speed.

The threads of BLAS wait for each other several times in a step, and for a core if another program uses it. The longer
the products, the more a thread gains and the less it waits. Measured on two cores with
`python -m tests.bench.thread_gain`, the last row with `--busy`:

    largest product, millions             51    78   134   206   537   537  2097
    speed of two threads, of one         1.42  1.13  1.44  1.61  1.50  1.78  1.70
    median time beside a busy process,
    two threads, of one                               2.4   2.3   1.3   1.3   1.2
"""
MAPS_PRODUCT = 4_000_000
"""Multiply-adds of the largest matrix product above which the layers of a network with feature maps use all cores.

Our own threads divide the batch of such a network. They meet only a few times per step, and a waiting one leaves its
core to other programs, so the bound is lower than for dense layers.
"""


def suitable_threads(multiply_adds: int, *, divided: bool = False) -> int:
    """Return the number of threads for `threads: auto`: one, unless more promise 1.4 times the speed.

    Nothing is measured here, so that a config has the same number on every machine with as many cores.

    Args:
        multiply_adds: Multiply-adds of the largest matrix product of a step.
        divided: True if our own threads share the passes; see `limit_threads`.
    """
    return available_cores() if multiply_adds > (MAPS_PRODUCT if divided else DENSE_PRODUCT) else 1
