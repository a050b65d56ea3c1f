"""`dropout show` on the folder of a sweep or a search: finished, running, killed, or with failures."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.status import sweep_status
from dropout_cli.sweeps.stored_plan import read_plan
from tests.commands import TINY, dropout

SWEEP = ("sweep", "tiny.yaml", "yardstick=none", "--no-plots", "--quiet")


def status(folder: Path, name: str) -> dict[str, Any]:
    """Return the object that `dropout show NAME --json` prints."""
    done = dropout("show", name, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a complete sweep of four runs."""
    folder = tmp_path_factory.mktemp("swept")
    (folder / "tiny.yaml").write_text(TINY)
    done = dropout(*SWEEP, "dropout.rate=0,0.5", "--seeds", "2", cwd=folder)
    assert done.returncode == 0, done.stderr
    yield folder


def test_a_complete_sweep_has_its_counts_and_its_table(swept: Path) -> None:
    """It is found by its path or by its name in the runs folder; JSON has the comparison of `sweep --json`."""
    shown = dropout("show", "sweep-tiny", cwd=swept)
    assert shown.returncode == 0 and shown.stderr == ""
    assert "4 of 4 done, 0 failed, 0 missing" in shown.stdout and "complete" in shown.stdout
    assert (
        "test.accuracy" in shown.stdout and "dropout.rate" in shown.stdout and "again to continue" not in shown.stdout
    )
    found = status(swept, "runs/sweep-tiny")
    again = json.loads(dropout(*SWEEP, "dropout.rate=0,0.5", "--seeds", "2", "--json", cwd=swept).stdout)
    assert found["comparison"] == {key: value for key, value in again.items() if key != "sweep"}
    assert (found["status"], found["runs"], found["done"], found["missing"], found["training"]) == (
        "complete",
        4,
        4,
        0,
        0,
    )


def test_the_time_to_go_is_that_of_finished_runs_of_the_same_setting(swept: Path, tmp_path: Path) -> None:
    """A missing run is expected to take as long as the other one of its setting; without a process there is none."""
    folder = SweepFolder(Path(shutil.copytree(swept / "runs/sweep-tiny", tmp_path / "copy")))
    plan = read_plan(folder)
    assert plan is not None
    lost, other = (cell.id for cell in plan.cells if cell.group == 1)
    shutil.rmtree(folder.cell(lost))
    with folder.hold_lock():
        found = sweep_status(folder)
    assert found is not None and (found.word, found.done, found.missing) == ("running", 3, 1)
    assert found.seconds_left == pytest.approx(folder.summary(other)["seconds"])
    assert found.comparison is not None and len(found.comparison.records) == 3
    stopped = sweep_status(folder)
    assert stopped is not None and (stopped.word, stopped.seconds_left) == ("incomplete", None)


def test_looking_changes_nothing(swept: Path) -> None:
    """No file of the sweep is written, renamed or touched."""
    before = {path: path.stat().st_mtime_ns for path in sorted((swept / "runs/sweep-tiny").rglob("*"))}
    dropout("show", "sweep-tiny", cwd=swept)
    assert before == {path: path.stat().st_mtime_ns for path in sorted((swept / "runs/sweep-tiny").rglob("*"))}


def test_figures_are_those_of_a_run(swept: Path) -> None:
    """--figures on a sweep is a usage error."""
    refused = dropout("show", "runs/sweep-tiny", "--figures", cwd=swept)
    assert refused.returncode == 2 and len(refused.stderr.splitlines()) == 1


def test_a_failed_run_is_listed_with_its_reason(tmp_path: Path) -> None:
    """The exit code is that of a look, 0, and the other runs are compared."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    rates = "training.optimizer.learning_rate=0.01,1e30"
    sgd = "training.optimizer.name=sgd"
    assert dropout(*SWEEP, sgd, rates, "--seeds", "1", cwd=tmp_path).returncode == 5
    shown = dropout("show", "runs/sweep-tiny", cwd=tmp_path)
    assert shown.returncode == 0
    assert "1 of 2 done, 1 failed, 0 missing" in shown.stdout and "incomplete" in shown.stdout
    (reason,) = status(tmp_path, "sweep-tiny")["failed"].values()
    assert reason.splitlines()[0] in shown.stdout


def test_a_sweep_is_shown_while_it_runs_and_after_a_kill(tmp_path: Path) -> None:
    """Running: the time to go, from finished runs; killed: the missing runs and the way to continue."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    overrides = ["training.epochs=2,1000000", "--seeds", "2", "--jobs", "1"]
    command = [sys.executable, "-m", "dropout_cli", *SWEEP, *overrides]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 600
        found: dict[str, Any] = {}
        while not (found.get("done") and found.get("training")):
            assert time.monotonic() < deadline and process.poll() is None
            if (tmp_path / "runs/sweep-tiny/plan.json").is_file():
                found = status(tmp_path, "sweep-tiny")
        assert found["status"] == "running" and found["seconds_left"] >= 0 and found["missing"] == 4 - found["done"]
        assert "time left" in dropout("show", "sweep-tiny", cwd=tmp_path).stdout
        process.kill()
        process.wait()
    while (found := status(tmp_path, "sweep-tiny"))["training"]:  # the worker stops after its epoch
        assert time.monotonic() < deadline
    assert found["status"] == "incomplete" and found["seconds_left"] is None and found["missing"]
    assert "Run the same command again to continue." in dropout("show", "sweep-tiny", cwd=tmp_path).stdout


def test_a_search_is_shown_with_its_trials(tmp_path: Path) -> None:
    """Trials, finals and the runs with new seeds have a row each."""
    pytest.importorskip("optuna")
    (tmp_path / "tiny.yaml").write_text(TINY)
    options = ["--trials", "2", "--repeats", "1", "--seeds", "1", "--no-plots", "--quiet"]
    done = dropout("tune", "tiny.yaml", "dropout.rate=0,0.5", "yardstick=none", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = dropout("show", "tune-tiny", cwd=tmp_path)
    assert (
        "2 complete" in shown.stdout and "runs of the finals" in shown.stdout and "runs with new seeds" in shown.stdout
    )
    assert status(tmp_path, "tune-tiny")["search"] == {"status": "stopped", "trials": {"complete": 2}}
    (tmp_path / "runs/tune-tiny/plan.json").unlink()  # killed before the runs with new seeds
    unfinished = dropout("show", "tune-tiny", cwd=tmp_path)
    assert unfinished.returncode == 0 and "incomplete" in unfinished.stdout
    assert "`dropout tune` command again to continue" in unfinished.stdout


def test_a_damaged_plan_is_an_error(tmp_path: Path) -> None:
    """One line and exit code 2, as for the other commands."""
    folder = tmp_path / "runs/broken"
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text("{}")
    refused = dropout("show", "broken", cwd=tmp_path)
    assert refused.returncode == 2 and len(refused.stderr.splitlines()) == 1 and refused.stdout == ""
