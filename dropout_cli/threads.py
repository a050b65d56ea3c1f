"""NumPy's BLAS at the run's thread count, and every other thread pool out of its way.

NumPy's and SciPy's wheels each bring an OpenBLAS whose idle threads spin: alternating between the
two made a training step 2.5 to 4 times slower.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import PurePath

from dropout_cli.environment import cores


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Compute with so many threads for as long as the block lasts."""
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
