"""The Dask task of a sweep: train one run in a subprocess and return its folder.

The folder is returned as an archive, and the whole result as bytes, so that the machine of the sweep unpickles none of
it. A run that crashes or is killed does not affect the worker. The subprocess exits when its stdin is closed, so it
never outlives the worker. It is killed when the task is cancelled.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
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
"""Seconds between two checks for a cancelled task."""
WANTED, EXAMPLES, INHERITED, OUTPUT, ARCHIVE = "wanted.yaml", "examples", "inherited", "output.txt", "archive"
"""The names of the files that worker and subprocess exchange."""
MOST_OUTPUT = 100_000
"""The most bytes of a run's output that are sent back, from its end."""


class JobResult(NamedTuple):
    """The result of one run."""

    archive: bytes | None
    """The run folder, packed by `run_archive`; None if the run is not complete."""
    code: int
    """The exit code of the subprocess; negative: the signal that killed it."""
    output: str
    """The end of its output on stdout and stderr."""


def pack_result(result: JobResult) -> bytes:
    """Return a result as bytes: a line of JSON, then the archive."""
    facts = {"code": result.code, "output": result.output, "complete": result.archive is not None}
    return json.dumps(facts).encode() + b"\n" + (result.archive or b"")


def unpack_result(data: object) -> JobResult:
    """Return the result that `pack_result` packed; a failure if a worker sent anything else."""
    if isinstance(data, bytes):
        line, _, archive = data.partition(b"\n")
        with suppress(ValueError, RecursionError):
            match json.loads(line):
                case {"code": int(code), "output": str(output), "complete": bool(complete)}:
                    return JobResult(archive if complete else None, code, output[-MOST_OUTPUT:])
    return JobResult(None, 1, "the worker sent no result of a run")


def run_packed(wanted: bytes, versions: Mapping[str, Any], examples: bytes | None, inherited: bytes | None) -> bytes:
    """Return the packed result of `run_job`, also of an error in it."""
    try:
        return pack_result(run_job(wanted, versions, examples, inherited))
    except Exception as error:  # of any type; the sweep could not read an exception without unpickling it
        return pack_result(JobResult(None, 1, f"the worker: {type(error).__name__}: {error}"))


def run_job(wanted: bytes, versions: Mapping[str, Any], examples: bytes | None, inherited: bytes | None) -> JobResult:
    """Train one experiment in a subprocess; this is called in a thread of a Dask worker.

    Args:
        wanted: The resolved config, as JSON.
        versions: The versions of packages on the sweep's machine; a worker with other versions trains nothing.
        examples: The packed examples; None: the worker reads them from the path in the config.
        inherited: The packed inherited arrays, or None.
    """
    for line in version_differences(versions, environment.describe_environment()):
        return JobResult(None, UsageError.exit_code, f"the worker {line}")
    with tempfile.TemporaryDirectory(prefix="dropout-cell-") as name_of_folder:
        folder = Path(name_of_folder)
        for name, content in ((WANTED, wanted), (EXAMPLES, examples), (INHERITED, inherited)):
            if content is not None:
                (folder / name).write_bytes(content)
        code = _run_process(folder)
        archive = (folder / ARCHIVE).read_bytes() if code == 0 else None
        output = (folder / OUTPUT).read_bytes()[-MOST_OUTPUT:].decode(errors="backslashreplace")
        return JobResult(archive, code, output)


def version_differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """Return a line for each package whose version differs.

    Args:
        here: The environment of the sweep's machine, from `describe_environment`.
        there: The environment of the worker.
    """
    found = environment.environment_differences(here, {name: there[name] for name in environment.INSTALLATION_KEYS})
    return [
        f"has a different version ({line.replace(' was ', ' is ', 1).replace(' and is now ', ' here, ')} there)"
        for line in found
    ]


def _run_process(folder: Path) -> int:
    """Run the subprocess until it exits or its task is cancelled; return its exit code."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    command = [sys.executable, "-X", "faulthandler", "-m", "dropout_cli.sweeps.workers.dask_task", str(folder)]
    single_threaded = {**os.environ, **dict.fromkeys(THREADS, "1")}
    with (
        (folder / OUTPUT).open("wb") as output,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=single_threaded) as process,
    ):
        while True:
            try:
                return process.wait(POLL)
            except subprocess.TimeoutExpired:
                task = worker.state.tasks.get(key)
                if task is None or task.state == "cancelled":
                    process.kill()


def _train(folder: Path) -> None:
    """Train the experiment in the folder, and write the archive of the run there."""
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
    """Exit when stdin is closed."""
    os.read(0, 1)  # nothing is ever written to it, so this returns when the worker closes it or has died
    os._exit(TERMINATE)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C stops the sweep, which cancels the task
    Thread(target=_end_with_stdin, daemon=True).start()
    with errors_to_stderr():
        _train(Path(sys.argv[1]))
