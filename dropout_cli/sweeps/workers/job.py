"""Training of one run in its own process, so that a crash does not affect other runs."""

import faulthandler
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from pathlib import Path
from types import FrameType

from dropout_cli.config.schema import Experiment
from dropout_cli.core import locks
from dropout_cli.core.errors import TERMINATE, DropoutError, IncompatibleVersion, Interrupted, StopRequest
from dropout_cli.runs import Run
from dropout_cli.runs.atomic_io import batch_fsync
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.training import resume, run
from dropout_cli.training.checkpoint import LAST
from dropout_cli.training.loop import EpochRecord, TrainingProgress


def run_job_process(path: Path, id: str, wanted: Experiment) -> None:
    """Train a run as the only task of this process; on an error, exit with its code.

    Args:
        path: The sweep folder.
        id: The id of the run.
        wanted: Its resolved config.
    """
    folder = SweepFolder(path)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the sweep stops its runs
    signal.signal(signal.SIGTERM, _stop)
    try:
        redirect_output(folder.output(id))
    except StopRequest as stop:
        sys.exit(stop.exit_code)
    with errors_to_stderr():
        try:
            _stop_without_parent()
            # A process of a killed sweep may have finished the run while this one waited for it.
            if not folder.is_complete(id):
                train_in_process(folder, id, wanted)
        except (Interrupted, StopRequest) as stop:
            _delete_output(folder.output(id))
            sys.exit(stop.exit_code)
    # The output is only of interest for a failed run.
    _delete_output(folder.output(id))


@contextmanager
def errors_to_stderr() -> Iterator[None]:
    """Write errors of the block to stderr, and exit with their code."""
    try:
        yield
    except DropoutError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    except MemoryError:
        sys.stderr.write("memory: not enough memory\n")
        sys.exit(1)


def train_in_process(folder: SweepFolder, id: str, wanted: Experiment) -> None:
    """Train a run, or resume it, and give its folder its final name.

    Args:
        folder: The folder of the sweep.
        id: The id of the run.
        wanted: Its resolved config.
    """
    partial = folder.partial(id)
    with batch_fsync():
        if not (Run(partial).has_file(LAST) and _resume(Run(partial), folder.yardsticks)):
            folder.discard(id)
            prepared = run.prepare_run(wanted)
            begun = Run.create_at(partial)
            run.run_experiment(
                prepared, begun, None, watch=stop_without_parent, figures=False, yardsticks=folder.yardsticks
            )
    partial.replace(folder.cell(id))


def _resume(begun: Run, yardsticks: Path) -> bool:
    """Resume a run to its end; return False if an incompatible version began it."""
    try:
        resume.resume_run(begun, watch=stop_without_parent, figures=False, yardsticks=yardsticks)
    except IncompatibleVersion:
        return False
    return True


def stop_without_parent(event: TrainingProgress | EpochRecord) -> None:
    """Raise StopRequest at the end of an epoch if the process of the sweep has died."""
    if isinstance(event, EpochRecord):
        _stop_without_parent()


def _stop_without_parent() -> None:
    parent = parent_process()
    if parent is not None and not parent.is_alive():
        raise StopRequest(TERMINATE)


def redirect_output(file: Path) -> None:
    """Redirect stdout and stderr to a file, which stays locked until this process ends.

    A process of a killed sweep may still work on the same run: without the lock, the two would delete each other's
    folder. This process waits until the other one ends.
    """
    descriptor = locks.open_locked(file)
    os.truncate(descriptor, 0)
    # The descriptors, not sys.stdout and sys.stderr: C libraries and a crashing interpreter write to them, too.
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
    faulthandler.enable()


def _delete_output(file: Path) -> None:
    """Delete the file to which `redirect_output` redirected."""
    if sys.platform == "win32":  # it deletes no file that is open
        null = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(null, stream)
        os.close(null)
    file.unlink(missing_ok=True)


def _stop(number: int, frame: FrameType | None) -> None:
    raise StopRequest(128 + number)
