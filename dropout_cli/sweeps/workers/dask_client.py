"""Training of the runs of a sweep on the workers of a Dask scheduler.

Results are stored on this machine. Dask does the scheduling and the transport. Examples and inherited arrays are
scattered to the workers once, as bytes with a checksum that is checked when they are unpacked; a complete run comes
back as an archive. Workers therefore need neither the data nor a shared file system, only the same versions of the
packages.
"""

import json
import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

from dropout_cli import config, data
from dropout_cli.core import environment
from dropout_cli.core.errors import RunFailed, UsageError
from dropout_cli.objectives.distillation import Distillation
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.plan import Cell
from dropout_cli.sweeps.workers import dask_task, run_archive, serialization
from dropout_cli.sweeps.workers.local import POLL, Outcome, failure_reason
from dropout_cli.training.warm_start import InheritedArrays, load_inherited

if TYPE_CHECKING:
    from distributed import Client
    from distributed import Future as Scattered

TIMEOUT = 10
"""Seconds to wait for a response of the scheduler."""
AHEAD = 10_000
"""The most runs that are submitted at a time; it is larger than the number of workers of a cluster."""
LOST = "the connection to the scheduler is lost"
PLAIN = ["msgpack"]
"""Results are fetched in this form, which has no code. Dask itself unpickles errors of workers in any case."""
ELSEWHERE = ("machine", "processor")
"""Entries of a worker's environment that can change the last digits of a result."""

JobFuture: TypeAlias = "Future[bytes]"
Notice: TypeAlias = Callable[[str], None]


def train_on_cluster(
    folder: SweepFolder, cells: Sequence[Cell], address: str, notice: Notice
) -> Generator[Outcome, None, None]:
    """Train runs on the workers of a Dask scheduler, and yield each as it ends.

    A run that is lost with its worker is submitted once more. Closing the generator cancels the runs that are not
    complete.

    Args:
        folder: The folder of the sweep.
        cells: The runs to train; complete ones are only reported.
        address: The address of the scheduler.
        notice: Receives messages for the user.

    Raises:
        UsageError: No scheduler responds, Dask is not installed, or a worker has different versions.
        RunFailed: The connection is lost, or an archive cannot be written.
    """
    # A process of a sweep that was killed stops after its epoch; until then it locks the folder of its run.
    while any(folder.is_busy(cell.id) for cell in cells):
        time.sleep(POLL)
    with connect(address) as client:
        here = environment.describe_environment()
        _check_workers(client, address, here, notice)
        # No retries by Dask: `run_jobs` submits a lost run again, and a run that failed would fail again.
        executor, scattered = client.get_executor(pure=False, retries=0), _ScatterCache(client)
        versions = {name: here[name] for name in environment.INSTALLATION_KEYS}

        def submit(cell: Cell) -> JobFuture:
            future: JobFuture = executor.submit(dask_task.run_packed, job_bytes(cell), versions, *scattered.of(cell))
            return future

        done = {cell.id for cell in cells if folder.is_complete(cell.id)}
        yield from (Outcome(cell, None) for cell in cells if cell.id in done)
        try:
            for cell, result in run_jobs([cell for cell in cells if cell.id not in done], submit, client, address):
                yield _store_result(folder, cell, result)
        finally:
            executor.shutdown(wait=False)


def job_bytes(cell: Cell) -> bytes:
    """Return the resolved config of a run as JSON."""
    # JSON is valid YAML, and is written sixty times as fast.
    return json.dumps(config.to_dict(cell.experiment), ensure_ascii=False).encode()


def run_jobs(
    cells: Sequence[Cell], submit: Callable[[Cell], JobFuture], client: "Client", address: str
) -> Iterator[tuple[Cell, dask_task.JobResult]]:
    """Submit runs, and yield each with its result as it ends.

    A run that is lost with its worker is submitted once more.

    Args:
        cells: The runs to train.
        submit: Submits a run, and returns its future.
        client: The connected client.
        address: The address of the scheduler, for messages.

    Raises:
        RunFailed: The connection is lost. Dask may reconnect, but messages of the old connection may be lost for good.
    """
    ended: SimpleQueue[JobFuture] = SimpleQueue()
    connection = client.scheduler_comm
    running: dict[JobFuture, Cell] = {}
    lost: set[str] = set()
    waiting = [*reversed(cells)]
    while waiting or running:
        while waiting and len(running) < AHEAD:
            future = submit(cell := waiting.pop())
            running[future] = cell
            future.add_done_callback(ended.put)
        try:
            future = ended.get(timeout=POLL)
        except Empty:
            if client.scheduler_comm is not connection:
                # A future of the lost connection may never end, so waiting for it could last forever.
                raise RunFailed(address, LOST, "Run the same command again to continue.") from None
            continue
        cell, result = running.pop(future), _result(future)
        if result is not None:
            yield cell, result
        elif client.scheduler_comm is not connection:
            raise RunFailed(address, LOST, "Run the same command again to continue.")
        elif cell.id in lost:
            yield cell, dask_task.JobResult(None, 1, "failed twice, because its worker was lost")
        else:
            lost.add(cell.id)
            waiting.append(cell)


def _result(future: JobFuture) -> dask_task.JobResult | None:
    """Return the result of a job; None if its worker or its scattered data were lost."""
    from distributed import KilledWorker

    try:
        return dask_task.unpack_result(future.result())
    except (CancelledError, KilledWorker):
        return None
    except Exception as error:  # an error on the worker can be of any type
        return dask_task.JobResult(None, 1, f"the worker: {type(error).__name__}: {error}")


def _store_result(folder: SweepFolder, cell: Cell, result: dask_task.JobResult) -> Outcome:
    """Write the files of a run that has ended; return how it ended."""
    if result.archive is None:
        folder.write(f"failed/{cell.id}.txt", result.output.encode("utf-8", "backslashreplace"))
        return Outcome(cell, failure_reason(folder, cell, result.code))
    folder.discard(cell.id)
    run_archive.unpack_run(result.archive, folder.partial(cell.id))
    return Outcome(cell, None if folder.is_complete(cell.id) else "came back incomplete (without a manifest)")


class _ScatterCache:
    """The data that were scattered to the workers; many runs need the same data."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._sent: dict[Any, Scattered[bytes] | None] = {}

    def of(self, cell: Cell) -> "tuple[Scattered[bytes] | None, Scattered[bytes] | None]":
        """Return the scattered examples and inherited arrays of a run; None for what is not sent."""
        experiment, objective = cell.experiment, cell.experiment.objective
        source, teacher = experiment.dataset, objective if isinstance(objective, Distillation) else None
        examples = (type(source), source.fingerprint)
        inherited = (experiment.training.init_from, teacher, source if teacher else None)
        if not self._is_there(examples):
            self._send(examples, serialization.pack_examples(source.read()))
        if not self._is_there(inherited):
            arrays = load_inherited(experiment, data.load_dataset(source)) if any(inherited) else InheritedArrays()
            self._send(inherited, serialization.pack_inherited(arrays))
        return self._sent[examples], self._sent[inherited]

    def _is_there(self, key: Any) -> bool:
        """Return True if the data were sent, and some worker still has them."""
        return key in self._sent and ((sent := self._sent[key]) is None or sent.status == "finished")

    def _send(self, key: Any, packed: bytes | None) -> None:
        self._sent[key] = None if packed is None else self._client.scatter(packed, broadcast=True, hash=False)


@contextmanager
def connect(address: str) -> "Iterator[Client]":
    """Connect to a Dask scheduler for the duration of the block.

    Args:
        address: The address of the scheduler.

    Raises:
        UsageError: Dask is not installed, or no scheduler responds.
        RunFailed: The connection is lost within the block.
    """
    try:
        from distributed import Client
        from distributed.comm.addressing import parse_address, parse_host_port
    except ImportError:
        fact = "needs Dask, which is not installed"
        raise UsageError(
            "--scheduler", fact, f"Install it with {environment.install_command('distributed')}."
        ) from None
    before = logging.root.manager.disable
    logging.disable()  # Dask logs tracebacks of errors that we report in one line
    try:
        with ExitStack() as stack:
            try:
                parse_host_port(parse_address(address)[1])
                client = Client(address, timeout=TIMEOUT, set_as_default=False, deserializers=PLAIN)
            except (OSError, ValueError) as error:
                fact = f"no Dask scheduler responds ({error})"
                raise UsageError(address, fact, "Start one with `dask scheduler` and give its address.") from None
            stack.callback(client.close, timeout=TIMEOUT)
            try:
                yield client
            except OSError as error:
                raise RunFailed(address, f"{LOST} ({error})", "Run the same command again to continue.") from None
    finally:
        logging.disable(before)


def _check_workers(client: "Client", address: str, here: Mapping[str, Any], notice: Notice) -> None:
    """Wait for the first worker; raise UsageError if a worker has different versions."""
    # Different versions of NumPy give different results, and these runs would be compared with each other.
    if not client.nthreads():
        notice(f"{address}: has no workers yet. The sweep starts when the first worker connects.")
        client.wait_for_workers(1)
    for worker, there in client.run(environment.describe_environment, on_error="return").items():
        if not isinstance(there, dict):
            fact = f"cannot run dropout ({type(there).__name__}: {there})"
            raise UsageError(f"the worker {worker}", fact, "Install dropout-cli there, in the same version as here.")
        for line in dask_task.version_differences(here, there):
            raise UsageError(f"the worker {worker}", line, "Install the same version there, or results will differ.")
        for name in ELSEWHERE:
            if here[name] != there[name]:
                fact = f"its {name} is {there[name]}; here it is {here[name]}"
                notice(f"the worker {worker}: {fact}. Results may differ slightly.")
