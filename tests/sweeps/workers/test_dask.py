"""Sweeps on a real Dask scheduler with real workers, which fail in several ways."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest

from dropout_cli.runs import MANIFEST
from dropout_cli.sweeps.workers import dask_task
from tests.commands import TINY, dropout, dropout_process
from tests.small_paper import DISTILLED, write_paper

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")

T = TypeVar("T")
LONG = TINY.replace("epochs: 2", "epochs: 400")
RATES = "dropout.rate=0,0.2"
QUIET = ("--quiet", "--no-plots")
DASK = (sys.executable, "-m", "dask")
PATIENT = {**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "300s"}
"""For slow machines: Dask would close a connection after 30 s."""


def awaited(look: Callable[[], T], seconds: float = 200) -> T:
    """Call `look` until it returns something, and return that."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


def address_in(place: Path) -> str:
    """Return the address that a scheduler wrote to a file; empty before that."""
    with suppress(OSError, ValueError):
        return str(json.loads(place.read_text())["address"])
    return ""


class Cluster:
    """A scheduler and a nanny with two workers, each in its own process."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        """Start the cluster; port 0 takes a free one."""
        place, silent = folder / f"scheduler{port}.json", subprocess.DEVNULL
        command = [*DASK, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
        self.scheduler = subprocess.Popen(
            [*command, "--scheduler-file", place], env=PATIENT, stdout=silent, stderr=silent
        )
        self.address = awaited(lambda: address_in(place))
        command = [*DASK, "worker", self.address, "--nthreads", "1", "--nworkers", "2", "--no-dashboard"]
        elsewhere = folder / f"worker{port}"
        elsewhere.mkdir()
        self.nanny = subprocess.Popen(
            [*command, "--local-directory", elsewhere], cwd=elsewhere, env=PATIENT, stdout=silent, stderr=silent
        )

    @property
    def port(self) -> int:
        """The port of the scheduler."""
        return int(self.address.rpartition(":")[2])

    def cells(self) -> list[int]:
        """Return the processes that train a run."""
        return [
            one for one in descendants(self.nanny.pid) if "dropout_cli.sweeps.workers.dask_task" in command_line(one)
        ]

    def in_the_middle(self) -> list[int]:
        """Return the processes that train a run and have finished an epoch."""
        return [one for one in self.cells() if (Path(command_line(one)[-1]) / "run/metrics.csv").is_file()]

    def close(self) -> None:
        """Stop all processes of the cluster."""
        for one in (*descendants(self.nanny.pid), self.nanny.pid, self.scheduler.pid):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        for process in (self.nanny, self.scheduler):
            process.wait()


@contextmanager
def cluster_at(folder: Path, port: int = 0) -> Iterator[Cluster]:
    """Run a cluster for the duration of the block."""
    with ExitStack() as stack:
        made = Cluster(folder, port)
        stack.callback(made.close)
        yield made


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster for tests that kill runs and workers, but not the scheduler."""
    with cluster_at(tmp_path_factory.mktemp("cluster")) as made:
        yield made


def command_line(process: int) -> list[str]:
    """Return the command line of a process; one empty word if it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_text().rstrip("\0").split("\0")
    return [""]


def parent(process: int) -> int:
    """Return the parent of a process; 0 if it has ended."""
    with suppress(OSError):
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def descendants(process: int) -> list[int]:
    """Return the processes below a process."""
    parents = {int(path.name): parent(int(path.name)) for path in Path("/proc").glob("[0-9]*")}
    found = [process]
    for one in found:
        found += [child for child, above in parents.items() if above == one]
    return found[1:]


def sweep(cluster: Cluster, folder: Path, seeds: int = 2) -> "subprocess.Popen[str]":
    """Start a sweep of two rates on the cluster."""
    (folder / "base.yaml").write_text(LONG)
    command = ["sweep", "base.yaml", RATES, "--seeds", str(seeds), "--scheduler", cluster.address]
    return subprocess.Popen(
        [sys.executable, "-m", "dropout_cli", *command, *QUIET],
        cwd=folder,
        env=PATIENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with local sweeps of one and of two seeds, named by the number of seeds."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "base.yaml").write_text(LONG)
    for seeds in ("1", "2"):
        done = dropout("sweep", "base.yaml", RATES, "--seeds", seeds, "--out", seeds, *QUIET, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def must_be_the_same(folder: Path, alone: Path) -> None:
    """Assert that the sweep and the local pool wrote the same bytes."""
    made = folder / "runs" / "sweep-base"
    for name in ("results.csv", "summary.csv", "comparisons.csv"):
        assert (made / name).read_bytes() == (alone / name).read_bytes(), name
    for cell in (alone / "cells").iterdir():
        for name in ("metrics.csv", "predictions.npz", "resolved.yaml", "checkpoints/best.safetensors"):
            assert (made / "cells" / cell.name / name).read_bytes() == (cell / name).read_bytes(), name


def test_a_reproduction_on_a_cluster_has_the_same_bytes(cluster: Cluster, tmp_path: Path) -> None:
    """The choice, the teacher and its students are trained by the workers."""
    write_paper(tmp_path, DISTILLED)
    words = ("reproduce", "paper.yaml", "--scale", "smoke", "--out", "out", *QUIET)
    on_cluster = dropout(*words, "--scheduler", cluster.address, cwd=tmp_path)
    assert on_cluster.returncode == 0, on_cluster.stderr
    (tmp_path / "out").rename(tmp_path / "cluster")
    alone = dropout(*words, cwd=tmp_path)
    assert alone.returncode == 0, alone.stderr
    for name in ("published.json", "reproduction.json", "results.csv", "choices/results.csv"):
        assert (tmp_path / "cluster" / name).read_bytes() == (tmp_path / "out" / name).read_bytes(), name


def test_killed_workers_cost_no_more_than_the_time_of_their_cells(
    cluster: Cluster, tmp_path: Path, alone: Path
) -> None:
    """After SIGKILL to workers, the bytes are those of the local pool.

    A worker that is slow to come back may leave all cells to the other one, so the second kill waits for no pair.
    """
    with sweep(cluster, tmp_path) as process:
        for most in (1, 2):
            victims = awaited(cluster.in_the_middle)[:most]
            for victim in victims:
                os.kill(parent(victim), signal.SIGKILL)
            while set(victims) & set(cluster.cells()):
                time.sleep(0.02)
        output = process.communicate()[1]
    assert (process.returncode, output) == (0, "")
    must_be_the_same(tmp_path, alone / "2")
    assert dropout("verify", "runs/sweep-base", cwd=tmp_path).returncode == 0


def test_a_cell_that_crashes_its_interpreter_fails_alone(cluster: Cluster, tmp_path: Path, alone: Path) -> None:
    """A run with a segmentation fault is named with its reason, and a retry completes it."""
    with sweep(cluster, tmp_path, seeds=1) as process:
        victim = awaited(cluster.in_the_middle)[0]
        worker = parent(victim)
        os.kill(victim, signal.SIGSEGV)
        output = process.communicate()[1]
    assert process.returncode == 5, output
    (failed,) = (tmp_path / "runs/sweep-base/failed").glob("*.json")
    assert "killed by SIGSEGV" in json.loads(failed.read_text())["reason"]
    assert "Segmentation fault" in failed.with_suffix(".txt").read_text()
    assert worker in descendants(cluster.nanny.pid)
    again = ["sweep", "base.yaml", RATES, "--seeds", "1", "--retry-failed"]
    assert dropout(*again, *QUIET, cwd=tmp_path).returncode == 0
    must_be_the_same(tmp_path, alone / "1")


def test_an_interrupted_sweep_leaves_no_cell_running(cluster: Cluster, tmp_path: Path, alone: Path) -> None:
    """Ctrl-C gives exit code 130 and ends all runs; the local pool continues the sweep."""
    with sweep(cluster, tmp_path) as process:
        running = awaited(cluster.in_the_middle)
        process.send_signal(signal.SIGINT)
        output = process.communicate()[1]
    assert process.returncode == 130, output
    assert output.startswith("runs/sweep-base: interrupted; ") and output.count("\n") == 1
    awaited(lambda: not set(running) & set(cluster.cells()))
    assert dropout("sweep", "base.yaml", RATES, "--seeds", "2", *QUIET, cwd=tmp_path).returncode == 0
    must_be_the_same(tmp_path, alone / "2")


def test_a_sweep_whose_scheduler_is_killed_is_finished_by_the_same_command(tmp_path: Path, alone: Path) -> None:
    """A lost scheduler is a one-line error, and a new one finishes the sweep."""
    with cluster_at(tmp_path) as first:
        with sweep(first, tmp_path) as process:
            awaited(lambda: list(tmp_path.glob(f"runs/sweep-base/cells/*[0-9a-f]/{MANIFEST}")))
            first.scheduler.kill()
            output = process.communicate()[1]
        assert process.returncode == 1, output
        assert (
            output
            == f"{first.address}: the connection to the scheduler is lost. Run the same command again to continue.\n"
        )
        awaited(lambda: not first.cells())
        first.scheduler.wait()
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob(f"runs/sweep-base/cells/*[0-9a-f]/{MANIFEST}")}
    assert 0 < len(kept) < 4
    with cluster_at(tmp_path, first.port) as second, sweep(second, tmp_path) as process:
        output = process.communicate()[1]
    assert (process.returncode, output) == (0, "")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    must_be_the_same(tmp_path, alone / "2")


@pytest.mark.parametrize(("address", "fact"), [("tcp://127.0.0.1:9", "Timed out"), ("nonsense", "missing port")])
def test_where_nobody_answers_one_line_says_so(tmp_path: Path, address: str, fact: str) -> None:
    """The exit code is 2, and the message has a way out."""
    (tmp_path / "base.yaml").write_text(TINY)
    done = dropout_process("sweep", "base.yaml", "--seeds", "1", "--scheduler", address, cwd=tmp_path)
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith(f"{address}: no Dask scheduler responds ({fact}") and "`dask scheduler`" in line


def test_without_dask_one_line_says_how_to_get_it(tmp_path: Path) -> None:
    """Without Dask there is a one-line error; `--jobs` with `--scheduler` is refused."""
    (tmp_path / "base.yaml").write_text(TINY)
    asked = ["sweep", "base.yaml", "--seeds", "1", "--scheduler", "tcp://127.0.0.1:9"]
    code = (
        f"import sys; sys.modules['distributed'] = None; sys.argv[1:] = {asked}; import dropout_cli.cli as c; c.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("with `pip install '.[distributed]'` in the source folder.")
    done = dropout(*asked, "--jobs", "2", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("--jobs: ")


def test_a_worker_of_another_version_trains_nothing(tmp_path: Path) -> None:
    """The message has the version of the worker and of this machine."""
    result = dask_task.run_job(TINY.encode(), {"dropout": "0.0", "packages": {"numpy": "1.0"}}, None, None)
    assert result.archive is None and result.code == 2
    assert result.output.startswith("the worker has a different version (dropout is 0.0 here, ")
