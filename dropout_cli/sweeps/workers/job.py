"""One cell, in a process of its own: what it does to the process is nobody else's concern."""

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
from dropout_cli.core.errors import TERMINATE, DropoutError, IncompatibleVersion, Interrupted, StopRequest
from dropout_cli.runs import Run
from dropout_cli.runs.atomic_io import batch_fsync
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.training import resume, run
from dropout_cli.training.checkpoint import LAST
from dropout_cli.training.loop import EpochRecord, TrainingProgress


def run_job_process(path: Path, id: str, wanted: Experiment) -> None:
    """Train the cell, as the whole of this process; it exits with the code of what went wrong."""
    folder = SweepFolder(path)
    redirect_output(folder.output(id))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the sweep tells us what to do
    signal.signal(signal.SIGTERM, _stop)
    with errors_to_stderr():
        try:
            train_in_process(folder, id, wanted)
        except (Interrupted, StopRequest) as stop:
            folder.output(id).unlink(missing_ok=True)
            sys.exit(stop.exit_code)
    folder.output(id).unlink(missing_ok=True)


@contextmanager
def errors_to_stderr() -> Iterator[None]:
    """Say on stderr what goes wrong in the block, and exit with its code."""
    try:
        yield
    except DropoutError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    except MemoryError:
        sys.stderr.write("memory: there is not enough of it\n")
        sys.exit(1)


def train_in_process(folder: SweepFolder, id: str, wanted: Experiment) -> None:
    """Train from where an earlier process left the cell, and give its folder its final name."""
    partial = folder.partial(id)
    with batch_fsync():
        if not ((partial / LAST).is_file() and _went_on(Run(partial), folder.yardsticks)):
            folder.discard(id)
            prepared = run.prepare_run(wanted)
            begun = Run.create_at(partial)
            run.run_experiment(
                prepared, begun, None, watch=stop_without_parent, figures=False, yardsticks=folder.yardsticks
            )
    partial.replace(folder.cell(id))


def _went_on(begun: Run, yardsticks: Path) -> bool:
    """Resume a cell to its end; return False where another version began it and computed otherwise."""
    try:
        resume.resume_run(begun, watch=stop_without_parent, figures=False, yardsticks=yardsticks)
    except IncompatibleVersion:
        return False
    return True


def stop_without_parent(event: TrainingProgress | EpochRecord) -> None:
    """End with the epoch where the sweep has died."""
    parent = parent_process()
    if isinstance(event, EpochRecord) and parent is not None and not parent.is_alive():
        raise StopRequest(TERMINATE)


def redirect_output(file: Path) -> None:
    """Send stdout and stderr there, those of libraries and of a crashing interpreter too."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
    faulthandler.enable()


def _stop(number: int, frame: FrameType | None) -> None:
    raise StopRequest(128 + number)
