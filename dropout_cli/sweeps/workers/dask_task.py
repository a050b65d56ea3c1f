"""The Dask task of a sweep: train one run in a subprocess, and return its folder as an archive.

A cell that crashes its interpreter or is killed takes nothing with it but itself. The process lives as long as its
stdin is open, so it ends with the worker, however that ends; and it is killed when nobody wants the cell any more.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from dropout_cli import config, data
from dropout_cli.core import environment
from dropout_cli.core.errors import TERMINATE, UsageError
from dropout_cli.runs import Run
from dropout_cli.runs.atomic_io import batch_fsync
from dropout_cli.sweeps.workers import run_archive, serialization
from dropout_cli.sweeps.workers.job import errors_to_stderr
from dropout_cli.sweeps.workers.local import THREADS
from dropout_cli.training.run import run_experiment
from dropout_cli.training.setup import prepare, prepare_with_dataset
from dropout_cli.training.warm_start import InheritedArrays, attach_inherited

POLL = 0.5
"""Seconds between two looks at whether the cell is still wanted."""
WANTED, EXAMPLES, INHERITED, OUTPUT, ARCHIVE = "wanted.yaml", "examples", "legacy", "said.txt", "archive"
"""The files through which worker and process talk."""
MOST_OUTPUT = 100_000
"""Bytes of what a cell said that are worth a way through the network: the last ones."""


class JobResult(NamedTuple):
    """How a cell ended."""

    archive: bytes | None
    """The run folder, as `archive` packs it; None where it is not complete."""
    code: int
    """The exit code of its process; negative: the signal that killed it."""
    output: str
    """On stdout and stderr."""


def run_job(wanted: bytes, versions: Mapping[str, Any], examples: bytes | None, inherited: bytes | None) -> JobResult:
    """Train the experiment `wanted`, a resolved config; this runs in a thread of a Dask worker.

    `versions` are those of the sweep; a worker that has others trains nothing. `examples` and `inherited` are parcels;
    without examples, the worker reads them where the config says they are.
    """
    for line in version_differences(versions, environment.describe_environment()):
        return JobResult(None, UsageError.exit_code, f"the worker {line}")
    with tempfile.TemporaryDirectory(prefix="dropout-cell-") as made:
        folder = Path(made)
        for name, content in ((WANTED, wanted), (EXAMPLES, examples), (INHERITED, inherited)):
            if content is not None:
                (folder / name).write_bytes(content)
        code = _process(folder)
        done = (folder / ARCHIVE).read_bytes() if code == 0 else None
        return JobResult(done, code, (folder / OUTPUT).read_bytes()[-MOST_OUTPUT:].decode(errors="backslashreplace"))


def version_differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """A line for each version that a worker has another one of; both sides as `environment.describe` has them."""
    found = environment.environment_differences(here, {name: there[name] for name in environment.INSTALLATION_KEYS})
    return [
        f"has another version ({line.replace(' was ', ' is ', 1).replace(', is ', ' here, ')} there)" for line in found
    ]


def _process(folder: Path) -> int:
    """Run the cell's process to its end, or until nobody wants it; return its exit code."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    command = [sys.executable, "-X", "faulthandler", "-m", "dropout_cli.sweeps.workers.dask_task", str(folder)]
    alone = {**os.environ, **dict.fromkeys(THREADS, "1")}
    with (
        (folder / OUTPUT).open("wb") as output,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=alone) as process,
    ):
        while True:
            try:
                return process.wait(POLL)
            except subprocess.TimeoutExpired:
                task = worker.state.tasks.get(key)
                if task is None or task.state == "cancelled":
                    process.kill()


def _train(folder: Path) -> None:
    """Train what lies in the folder, and put the archive there."""
    wanted = config.load_config(folder / WANTED).experiment
    if (folder / EXAMPLES).is_file():
        examples = serialization.unpack_examples((folder / EXAMPLES).read_bytes())
        prepared = prepare_with_dataset(data.split_and_scale(wanted.dataset, examples), wanted)
    else:
        prepared = prepare(wanted)
    inherited = (
        serialization.unpack_inherited((folder / INHERITED).read_bytes())
        if (folder / INHERITED).is_file()
        else InheritedArrays()
    )
    run = Run.create_at(folder / "run")
    with batch_fsync():
        run_experiment(attach_inherited(prepared, inherited), run, None, watch=lambda _: None, figures=False)
    (folder / ARCHIVE).write_bytes(run_archive.pack_run(run))


def _end_with_stdin() -> None:
    """Nobody writes there: it ends when the worker closes it, or is gone."""
    os.read(0, 1)
    os._exit(TERMINATE)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the sweep, which tells the worker
    Thread(target=_end_with_stdin, daemon=True).start()
    with errors_to_stderr():
        _train(Path(sys.argv[1]))
