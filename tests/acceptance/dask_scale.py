"""Size of a sweep on a Dask cluster: runs only sleep, so only distribution is measured.

The scheduler and the workers with many threads are real, and so is the sweep's side: the plan of all runs, each
resolved and sent as its own config, and an archive of 30 KB that comes back for each. Nothing is trained. How fast run
folders are written is measured separately.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from dropout_cli import config
from dropout_cli.core import environment
from dropout_cli.sweeps import plan
from dropout_cli.sweeps.options import SweepOptions
from dropout_cli.sweeps.sweep_file import load_sweep
from dropout_cli.sweeps.workers import dask_client, run_archive
from dropout_cli.sweeps.workers.dask_task import JobResult, pack_result
from tests.acceptance.bars import Bars
from tests.small_run import train

SECONDS = 0.05
ARCHIVE_BYTES = 30_000
PROCESSES, THREADS = 2, 100
"""4,000 runs per second if only the sleep took time."""


def slept(wanted: bytes, size: int) -> bytes:
    """Sleep in place of the training of a run, and return a packed archive."""
    time.sleep(SECONDS)
    return pack_result(JobResult(os.urandom(size), 0, ""))


def started(stack: ExitStack, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start a process of Dask that ends with the stack."""
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    stack.callback(process.terminate)
    return process


def megabytes(process: int) -> float:
    """Return the largest resident memory that a process has had."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3


def processor_seconds(process: int) -> float:
    """Return the processor time of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(bars: Bars, folder: Path, stack: ExitStack) -> None:
    """Plan the runs, send them, and receive the results."""
    from tests.acceptance.dask_scale import slept  # so that workers import it by that name

    count = 300 if bars.smoke else 100_000
    place = folder / "scheduler.json"
    scheduler = started(stack, "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(place))
    crew = ("--nworkers", str(PROCESSES), "--nthreads", str(THREADS), "--local-directory", str(folder))
    started(stack, "worker", "--scheduler-file", str(place), *crew)
    told = f"dropout sweep digits --seeds {count} --scheduler, every cell a sleep of {1e3 * SECONDS:.0f} ms"

    began = time.perf_counter()
    cells = plan.make_plan(load_sweep(config.find_config("digits"), options=SweepOptions(seeds=str(count)))).cells
    planned, before = time.perf_counter() - began, environment.peak_bytes() or 0
    bars.at_most(f"seconds to plan {count:,} cells", planned, 120, told)
    while not place.is_file() or not place.read_text().endswith("}"):
        time.sleep(0.05)
    address = json.loads(place.read_text())["address"]
    with dask_client.connect(address) as client:
        client.wait_for_workers(PROCESSES)
        executor = client.get_executor(pure=False, retries=0)
        began, computed = time.perf_counter(), time.process_time()

        def submit(cell: plan.Cell) -> dask_client.JobFuture:
            future: dask_client.JobFuture = executor.submit(slept, dask_client.job_bytes(cell), ARCHIVE_BYTES)
            return future

        done, first = 0, 0.0
        for _, returned in dask_client.run_jobs(cells, submit, client, address):
            assert returned.archive is not None and len(returned.archive) == ARCHIVE_BYTES
            first = first or time.perf_counter() - began
            done += 1
        wall = time.perf_counter() - began
        bars.at_least("cells that came back", done, count, told, always=True)
        bars.at_least("cells per second", count / wall, 100, told)
        bars.at_most("seconds until the first came back", first, 60, told)
        bars.at_most(
            "peak resident megabytes of the sweep's process", (environment.peak_bytes() or 0) / 1e6, 8000, told
        )
        bars.at_most("of these before the first cell is handed out", before / 1e6, 8000, told)
        bars.at_most("peak resident megabytes of the scheduler", megabytes(scheduler.pid), 8000, told)
        share = (time.process_time() - computed) / wall
        bars.at_most("cores that the sweep's process kept busy", share, 2, told)
        bars.at_most("cores that the scheduler kept busy", processor_seconds(scheduler.pid) / wall, 2, told)


def written(bars: Bars, folder: Path) -> None:
    """Measure how fast this process writes and syncs the results."""
    count = 20 if bars.smoke else 500
    packed = run_archive.pack_run(train(folder))
    began = time.perf_counter()
    for number in range(count):
        run_archive.unpack_run(packed, folder / str(number))
    told = f"dropout sweep --scheduler, archives of {len(packed):,} bytes"
    bars.at_least("runs written per second", count / (time.perf_counter() - began), 20, told)


if __name__ == "__main__":
    os.environ["DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP"] = "300s"  # a busy machine must not count as a lost connection
    judged = Bars("dask_scale")
    with tempfile.TemporaryDirectory() as made, ExitStack() as running:
        written(judged, Path(made) / "written")
        main(judged, Path(made), running)
    judged.end()
