"""Training of runs in local processes, one process per run.

A crash of one run does not affect the others.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from dropout_cli.core.errors import INTERRUPT, TERMINATE, RunFailed, UsageError
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.plan import Cell
from dropout_cli.sweeps.workers import job

POLL = 0.2
"""Seconds between two checks of a run that a process of a killed sweep still trains."""

FREE_DESCRIPTORS = 10
"""Pipes and sockets that the start of a process needs, with some to spare."""
OPEN_FILES = Path("/proc/self/fd")
RUN_AGAIN = "Run the same command again to continue."

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Environment variables that set the number of threads for linear algebra."""

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
    """The outcome of one run."""

    cell: Cell
    failure: str | None
    """Why the run failed; None: it is complete."""


def train_locally(folder: SweepFolder, cells: Sequence[Cell], jobs: int) -> Generator[Outcome, None, None]:
    """Train runs in local processes, and yield each as it ends.

    Closing the generator stops the runs that are training, and waits until they have saved their state.

    Args:
        folder: The sweep.
        cells: The runs, in the order in which they are started.
        jobs: How many runs are trained at a time.
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
                elif folder.is_complete(cell.id):  # a process of a killed sweep may have finished it
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
    """Start the training of a run in its own process.

    Raises:
        RunFailed: The system allows no further process or open file.
    """
    _require_free_descriptors()
    process: BaseProcess = _context().Process(target=job.run_job_process, args=(folder.path, cell.id, cell.experiment))
    try:
        with _one_thread(), _without_main_module():
            process.start()
    except (OSError, EOFError) as error:  # EOFError: the fork server has died
        reason = getattr(error, "strerror", None) or "the process that starts it has died"
        raise RunFailed("system", f"a process for a run cannot be started ({reason})", RUN_AGAIN) from None
    return process


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Hide the script of the caller, which a new process would run once more.

    Scripts that use the Python API then need no `if __name__ == "__main__"`.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _require_free_descriptors() -> None:
    """Raise RunFailed if too few files can still be opened; the fork server would die with a traceback."""
    if sys.platform == "win32" or not OPEN_FILES.is_dir():
        return
    import resource

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most != resource.RLIM_INFINITY and most - len(list(OPEN_FILES.iterdir())) < FREE_DESCRIPTORS:
        fact = f"at most {most} files can be open at a time, too few to start a process"
        raise RunFailed("system", fact, "Allow more open files, for example with `ulimit -n 1024`.")


def failure_reason(folder: SweepFolder, cell: Cell, code: int | None) -> str | None:
    """Return why a run failed; None if it is complete.

    Args:
        folder: The sweep.
        cell: The run.
        code: The exit code of its process; negative: the signal that killed it.
    """
    if folder.is_complete(cell.id):
        return None
    try:
        output = folder.read(f"failed/{cell.id}.txt").decode(errors="backslashreplace").strip().splitlines()
    except UsageError:
        output = []
    if code is not None and code < 0:
        # The system kills a process with SIGKILL if memory runs out.
        name = {int(known): known.name for known in signal.Signals}.get(-code, f"signal {-code}")
        return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    if code in (INTERRUPT, TERMINATE):
        return "was stopped by a signal"
    return output[-1] if output else f"ended with exit code {code}"


def _context() -> Any:
    """Return the multiprocessing context in which runs are started."""
    # A fork server imports the packages once for all runs; systems without one start a new interpreter per run.
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED])
    return context


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes that start in the block use one thread for linear algebra."""
    # A run whose config has more threads sets its own number.
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
