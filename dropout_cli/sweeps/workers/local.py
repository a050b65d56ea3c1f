"""Cells in processes of their own, so many at a time. One that is killed or crashes takes no other with it."""

import multiprocessing
import os
import signal
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from dropout_cli.core.errors import INTERRUPT, TERMINATE
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.plan import Cell
from dropout_cli.sweeps.workers import job

POLL = 0.2
"""Seconds between two looks at a cell that some worker of a dead sweep still holds."""

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


PRELOADED = (
    "dropout_cli.sweeps.workers.forkserver_signals",
    *(
        "sklearn.datasets",
        "sklearn.linear_model",
        "sklearn.metrics",
        "sklearn.model_selection",
        "pydantic",
        "threadpoolctl",
    ),
    "dropout_cli.sweeps.workers.forkserver_preload",
)
"""Modules that the fork server imports once, for all runs."""


class Outcome(NamedTuple):
    """How a cell's process ended."""

    cell: Cell
    failure: str | None
    """None: it is complete."""


def train_locally(folder: SweepFolder, cells: Sequence[Cell], jobs: int) -> Generator[Outcome, None, None]:
    """Train the cells, `jobs` at a time, in order, and yield each as it ends.

    Closing the generator asks those that run to stop, waits until they have saved, and starts no others.
    """
    waiting, running = list(cells), dict[int, tuple[BaseProcess, Cell]]()
    try:
        while waiting or running:
            held = 0
            while waiting and len(running) < jobs and held < len(waiting):
                cell = waiting.pop(0)
                if folder.is_busy(cell.id):
                    waiting.append(cell)
                    held += 1
                elif folder.is_complete(cell.id):  # by then a worker of a dead sweep has finished it
                    yield Outcome(cell, None)
                else:
                    process = start_process_for(folder, cell)
                    running[process.sentinel] = (process, cell)
            if not running:
                time.sleep(POLL)
            for sentinel in wait(list(running), timeout=POLL if waiting and held else None) if running else ():
                assert isinstance(sentinel, int)
                process, cell = running.pop(sentinel)
                process.join()
                yield Outcome(cell, failure_reason(folder, cell, process.exitcode))
    finally:
        for process, _ in running.values():
            process.terminate()
        for process, _ in running.values():
            process.join()


def start_process_for(folder: SweepFolder, cell: Cell) -> BaseProcess:
    """Begin to train the cell in a process of its own."""
    process: BaseProcess = _context().Process(target=job.run_job_process, args=(folder.path, cell.id, cell.experiment))
    with _one_thread():
        process.start()
    return process


def failure_reason(folder: SweepFolder, cell: Cell, code: int | None) -> str | None:
    """Why a cell did not become complete; None where it did."""
    if folder.is_complete(cell.id):
        return None
    try:
        output = folder.output(cell.id).read_text(errors="backslashreplace").strip().splitlines()
    except OSError:
        output = []
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}" + (" (out of memory?)" if -code == signal.SIGKILL else "")
    if code in (INTERRUPT, TERMINATE):
        return "was asked to stop by a signal"
    return output[-1] if output else f"ended with exit code {code}"


def _context() -> Any:
    """A server that has imported everything and forks for each cell; where there is none, a fresh interpreter."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED])
    return context


@contextmanager
def _one_thread() -> Iterator[None]:
    """Start processes in the block with one thread for linear algebra; runs that want more take them."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
