"""Sweeps are trained, continued after a kill, and kept apart."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dropout_cli import config
from dropout_cli.core import locks
from dropout_cli.core.errors import UsageError
from dropout_cli.sweeps import run as sweeps_run
from dropout_cli.sweeps import stored_plan, tables
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.plan_changes import compare_with_stored
from dropout_cli.sweeps.settings import ComparisonSettings, ExecutionSettings
from dropout_cli.sweeps.workers import local
from tests.commands import dropout
from tests.small_sweep import BASE, planned


def run(
    tmp_path: Path,
    folder: Path,
    text: str,
    *,
    notice: sweeps_run.Notice = lambda _: None,
    metric: str = "test.accuracy",
    **execution: Any,
) -> sweeps_run.SweepReport:
    """Run a sweep over the small config."""
    made, comparison = planned(tmp_path, text), ComparisonSettings(metric)
    settings = ExecutionSettings(**{"figures": False} | execution)
    return sweeps_run.run_sweep(
        made, SweepFolder(folder), b"", comparison, settings, watch=lambda _: None, notice=notice
    )


def test_a_sweep_trains_what_is_missing_and_only_that(tmp_path: Path) -> None:
    """A repeated sweep trains nothing; one more seed trains one run per group."""
    folder = tmp_path / "out"
    text = "grid: {dropout.rate: [0, 0.4]}\nseeds: 2\n"
    report = run(tmp_path, folder, text, figures=True)
    assert (report.failures, report.missing) == ({}, 0)
    cells = {path.name: (path / "MANIFEST.sha256").stat().st_mtime_ns for path in (folder / "cells").iterdir()}
    assert len(cells) == 4
    written = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix and path.is_file()}
    assert {"results.csv", "summary.csv", "comparisons.csv", "notes.txt", "metric.png", "differences.png"} <= set(
        written
    )
    run(tmp_path, folder, text, figures=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix and path.is_file()} == written
    run(tmp_path, folder, text.replace("2\n", "3\n"))
    after = {path.name: (path / "MANIFEST.sha256").stat().st_mtime_ns for path in (folder / "cells").iterdir()}
    assert len(after) == 6
    assert {name: after[name] for name in cells} == cells
    content = json.loads((folder / "plan.json").read_text())
    assert content["generations"][-1] == {"cells": 6, "new": 2, "kept": 4, "orphaned": 0, "looked": 1}
    assert stored_plan.read_runs(SweepFolder(folder))[1].looks == [4]
    assert "added or removed after the results were seen (4 runs then, 6 now)" in (folder / "notes.txt").read_text()
    run(tmp_path, folder, text.replace("seeds: 2", "seeds: [0, 2]"))
    assert stored_plan.read_runs(SweepFolder(folder))[1].looks == [4, 6]
    assert "(4, 6 runs at earlier looks, 4 now)" in (folder / "notes.txt").read_text()
    run(tmp_path, folder, text.replace("2\n", "3\n"))
    rows = list(csv.DictReader((folder / "results.csv").read_text().splitlines()))
    assert {row["metric"] for row in rows} >= {"test.accuracy", "val.nll"}
    records, kept = stored_plan.read_runs(SweepFolder(folder))
    assert len(records) == 6
    assert kept.keys == ["dropout.rate"]
    json.dumps(tables.comparison_dict(report.evidence), allow_nan=False)


def test_a_sweep_takes_no_other_sweeps_place(tmp_path: Path) -> None:
    """A sweep without a run in common is refused; complete runs count as kept."""
    folder, said = SweepFolder(tmp_path / "out"), list[str]()
    low, high, both = (f"grid: {{dropout.rate: [{rates}]}}\nseeds: 1\n" for rates in ("0.1", "0.4", "0.1, 0.4"))
    run(tmp_path, folder.path, low)
    tables_before = (folder.path / "results.csv").read_bytes()
    for asked in (
        lambda: run(tmp_path, folder.path, high),
        lambda: compare_with_stored(planned(tmp_path, high), folder),
    ):
        with pytest.raises(
            UsageError, match=r"out: the folder contains a different sweep; .* Choose another folder with --out"
        ):
            asked()
    assert (folder.path / "results.csv").read_bytes() == tables_before
    run(tmp_path, folder.path, both)
    run(tmp_path, folder.path, high)
    run(tmp_path, folder.path, low, notice=said.append)
    assert said == [f"{folder.path}: the sweep has changed: 0 new runs, 1 kept, 1 no longer used."]
    assert compare_with_stored(planned(tmp_path, low), folder) is None
    run(tmp_path, folder.path, high.replace("0.4", "0.3"), may_replace=True)


def test_a_sweep_that_has_trained_nothing_may_be_replaced(tmp_path: Path) -> None:
    """A sweep without complete runs can be replaced, as after a mistake in its command."""
    folder = tmp_path / "out"
    assert run(tmp_path, folder, "set: {training.optimizer.learning_rate: 1e30}\nseeds: 1\n").failures
    assert run(tmp_path, folder, "set: {dropout.rate: 0.1}\nseeds: 1\n").failures == {}


def test_a_cell_is_found_again_by_a_plain_run(tmp_path: Path) -> None:
    """`dropout train` with resolved.yaml gives the same predictions and history."""
    run(tmp_path, tmp_path / "out", "grid: {dropout.rate: [0.4]}\nseeds: 1\n")
    (cell,) = (tmp_path / "out" / "cells").iterdir()
    done = dropout("train", str(cell / "resolved.yaml"), "--quiet", "--no-plots", cwd=tmp_path)
    again = tmp_path / done.stdout.strip()
    for name in ("metrics.csv", "predictions.npz", "confusion_matrix.csv"):
        assert (cell / name).read_bytes() == (again / name).read_bytes()


def test_a_cell_that_fails_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    """A diverged run has a reason, its output and a command; it is retried only on request."""
    folder = tmp_path / "out"
    text = "grid: {training.optimizer: [{name: sgd, learning_rate: 1e30}, {name: sgd, learning_rate: 0.1}]}\nseeds: 1\n"
    report = run(tmp_path, folder, text)
    ((cell, reason),) = report.failures.items()
    assert "not a finite number" in reason or "training objective" in reason
    assert "Warning: learning_rate 1e+30: 1 of 1 run failed.\n" in (folder / "notes.txt").read_text()
    noted = json.loads((folder / "failed" / f"{cell}.json").read_text())
    assert noted["reason"] == reason
    assert noted["command"].startswith("dropout train ")
    alone = config.load_config(folder / "failed" / f"{cell}.yaml").experiment
    assert alone.training.threads == 1
    assert len(list((folder / "cells").glob("*[!l]"))) >= 1
    assert run(tmp_path, folder, text).failures == report.failures
    assert run(tmp_path, folder, text, retry_failed=True).failures == report.failures
    stopped = run(tmp_path, tmp_path / "other", text, on_error="stop", jobs=1)
    assert (len(stopped.failures), stopped.missing) == (1, 1)


def holders(file: Path) -> list[int]:
    """Return the processes that have the file open."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if str(link.readlink()) == str(file):
                found.append(int(link.parts[2]))
    return found


def test_a_killed_cell_takes_no_other_with_it(tmp_path: Path) -> None:
    """A killed run fails alone; a retry continues from its checkpoint."""
    folder = SweepFolder(tmp_path / "out")
    made = planned(tmp_path, "set: {training.epochs: 200, training.save_every: every_epoch}\nseeds: 2\n")

    def kill() -> None:
        target = folder.partial(made.cells[0].id) / "checkpoints" / "last.safetensors"
        while not target.exists():
            time.sleep(0.01)
        while not (found := holders(folder.partial(made.cells[0].id) / ".lock")):
            time.sleep(0.01)
        os.kill(found[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    execution = ExecutionSettings(jobs=2, figures=False)

    def run_again(execution: ExecutionSettings) -> sweeps_run.SweepReport:
        return sweeps_run.run_sweep(
            made, folder, b"", ComparisonSettings(), execution, watch=lambda _: None, notice=lambda _: None
        )

    report = run_again(execution)
    killer.join()
    assert list(report.failures) == [made.cells[0].id]
    assert "SIGKILL" in report.failures[made.cells[0].id]
    assert report.missing == 0
    again = run_again(replace(execution, retry_failed=True))
    assert again.failures == {}


def test_an_interrupted_sweep_has_saved_and_goes_on(tmp_path: Path) -> None:
    """After Ctrl-C (exit code 130), the same command gives the undisturbed result."""
    (tmp_path / "base.yaml").write_text(BASE.replace("epochs: 2", "epochs: 200"))
    command = [sys.executable, "-m", "dropout_cli", "sweep", "base.yaml", "dropout.rate=0,0.2", "--seeds", "2"]
    quick = [*command, "--quiet", "--no-plots", "--jobs", "2"]
    with subprocess.Popen(quick, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        while not list(tmp_path.glob("runs/sweep-base/cells/*.partial/metrics.csv")):
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate()[1]
    assert process.returncode == 130
    assert said.startswith("runs/sweep-base: interrupted; ")
    assert "Run the same command again to continue." in said
    assert said.count("\n") == 1
    assert not list(tmp_path.glob("runs/sweep-base/failed/*"))
    for out in ("runs/sweep-base", "alone"):
        assert dropout(*quick[3:], "--out", out, cwd=tmp_path).returncode == 0
    results = [(tmp_path / out / "results.csv").read_bytes() for out in ("runs/sweep-base", "alone")]
    assert results[0] == results[1]


@pytest.mark.parametrize("group", [True, False])
def test_a_killed_sweep_ends_in_the_same_bytes(tmp_path: Path, group: bool) -> None:
    """A sweep that was killed, alone or with its workers, ends with the same bytes."""
    (tmp_path / "base.yaml").write_text(BASE.replace("epochs: 2", "epochs: 100"))
    command = [sys.executable, "-m", "dropout_cli", "sweep", "base.yaml", "dropout.rate=0,0.2", "--seeds", "3"]
    quick = [*command, "--quiet", "--no-plots", "--jobs", "2"]
    with subprocess.Popen(quick, cwd=tmp_path, start_new_session=True) as process:
        while not list(tmp_path.glob("runs/sweep-base/cells/*.partial/metrics.csv")):
            time.sleep(0.02)
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    for out in ("runs/sweep-base", "alone"):
        assert dropout(*quick[3:], "--out", out, cwd=tmp_path).returncode == 0
    for name in ("results.csv", "summary.csv", "comparisons.csv"):
        assert (tmp_path / "runs" / "sweep-base" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_two_sweeps_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second sweep stops with a message, and nothing is lost."""
    (tmp_path / "out").mkdir()
    with locks.locked(tmp_path / "out" / ".lock"), pytest.raises(UsageError, match="another process is using"):
        run(tmp_path, tmp_path / "out", "seeds: 1\n")


def test_a_metric_that_was_chosen_after_a_look_is_said(tmp_path: Path) -> None:
    """The plan and the notes name the earlier metric; a repeated command changes nothing."""
    text, folder = "grid: {dropout.rate: [0, 0.4]}\nseeds: 1\n", tmp_path / "out"
    run(tmp_path, folder, text)
    assert "judged" not in (folder / "notes.txt").read_text()
    for _ in range(2):
        run(tmp_path, folder, text, metric="test.nll")
        assert json.loads((folder / "plan.json").read_text())["judged_by"] == ["test.accuracy"]
        assert "These runs were compared by test.accuracy before." in (folder / "notes.txt").read_text()


def test_workers_leave_no_trace_in_the_environment() -> None:
    """The limit of one thread is set only while a worker starts."""
    before = dict(os.environ)
    with local._one_thread():
        assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert dict(os.environ) == before
