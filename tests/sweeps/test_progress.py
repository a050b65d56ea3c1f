"""A sweep on its way: the order of its runs, the time to go, changes of its plan, and what it will detect."""

import csv
import json
import os
import shutil
from pathlib import Path

import pytest

from dropout_cli.sweeps import power
from dropout_cli.sweeps import run as sweeps_run
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.plan import SweepPlan
from dropout_cli.sweeps.plan_changes import change_messages, compare_with_stored
from dropout_cli.sweeps.settings import ComparisonSettings, ExecutionSettings
from dropout_cli.sweeps.status import sweep_status
from tests.small_sweep import planned
from tests.sweeps.test_run import run


def test_runs_are_trained_seed_by_seed(tmp_path: Path) -> None:
    """All settings get their first seed before any gets its second; plan and tables keep the order of settings."""
    text = "grid: {dropout.rate: [0, 0.4, 0.6]}\nseeds: 3\n"
    made, ended = planned(tmp_path, text), list[str]()
    assert [cell.replicate.seed for cell in sweeps_run.training_order(made)] == [0, 0, 0, 1, 1, 1, 2, 2, 2]

    def watch(progress: sweeps_run.SweepProgress) -> None:
        if progress.last is not None:
            ended.append(progress.last.cell.id)

    def train(plan: SweepPlan, folder: Path) -> None:
        sweeps_run.run_sweep(
            plan,
            SweepFolder(folder),
            b"",
            ComparisonSettings(),
            ExecutionSettings(jobs=1, figures=False),
            watch=watch,
            notice=lambda _: None,
        )

    train(planned(tmp_path, text.replace("seeds: 3", "seeds: 1")), tmp_path / "out")
    first = list(ended)
    train(made, tmp_path / "out")
    # The runs of the smaller sweep are kept, and the others follow in order.
    assert ended == [cell.id for cell in sweeps_run.training_order(made)]
    assert first == [cell.id for cell in made.cells if cell.replicate.seed == 0]
    names = [row["cell"] for row in csv.DictReader((tmp_path / "out/results.csv").read_text().splitlines())]
    assert list(dict.fromkeys(names)) == [cell.id for cell in made.cells]


def test_a_changed_sweep_tells_trained_runs_from_planned_ones(tmp_path: Path) -> None:
    """A kept run may have been planned only: the message does not count it as trained."""
    text, folder = "grid: {dropout.rate: [0, 0.4]}\nseeds: 2\n", SweepFolder(tmp_path / "out")
    run(tmp_path, folder.path, text)
    lost = planned(tmp_path, text).cells[0].id
    (folder.cell(lost) / "MANIFEST.sha256").unlink()
    more = planned(tmp_path, text.replace("2\n", "3\n"))
    (line,) = change_messages(more, folder, compare_with_stored(more, folder))
    assert line.endswith("the sweep has changed: 2 new runs, 4 kept (3 trained, 1 not trained yet), 0 no longer used.")


def test_the_time_to_go_follows_the_last_runs(tmp_path: Path) -> None:
    """Earlier runs of a setting may have trained beside other programs; the mean of the last two counts."""
    text, folder = "seeds: 5\n", SweepFolder(tmp_path / "out")
    run(tmp_path, folder.path, text)
    *ended, lost = [cell.id for cell in planned(tmp_path, text).cells]
    for hour, (cell, seconds) in enumerate(zip(ended, (100.0, 90.0, 2.0, 4.0), strict=True), start=1):
        file = folder.cell(cell) / "summary.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"seconds": seconds}))
        os.utime(folder.cell(cell) / "MANIFEST.sha256", (3600 * hour, 3600 * hour))
    shutil.rmtree(folder.cell(lost))
    with folder.hold_lock():
        found = sweep_status(folder)
    assert found is not None and found.seconds_left == pytest.approx(3)


def test_a_dry_run_states_the_difference_in_units_of_the_metric(tmp_path: Path) -> None:
    """If the folder has runs, their paired differences give the unit."""
    text, folder = "grid: {dropout.rate: [0, 0.4]}\nseeds: 4\n", SweepFolder(tmp_path / "out")
    report = run(tmp_path, folder.path, text)
    sd = report.evidence.main[0].estimate.sd
    more = planned(tmp_path, text.replace("4\n", "8\n"))
    rows = dict(power.power_of_plan(more, None, power.earlier_spread(folder, ComparisonSettings())))
    size = power.smallest_detectable(8, 0.05)
    found = rows["difference seen with 80 % probability"]
    assert found.startswith(f"{size * sd:.2g} in test.accuracy ({size:.2g} standard deviations of the paired")
    assert found.endswith(f"they vary by {sd:.2g} in 4 earlier pairs of this folder)")
    assert power.earlier_spread(SweepFolder(tmp_path / "new"), ComparisonSettings()) is None


def test_each_metric_makes_a_dry_run_expect_less(tmp_path: Path) -> None:
    """The intervals are corrected for all settings and metrics together, and the dry run, too."""
    made = planned(tmp_path, "grid: {dropout.rate: [0, 0.2, 0.4]}\nseeds: 5\n")
    one, three = (dict(power.power_of_plan(made, None, metrics=metrics)) for metrics in (1, 3))
    assert (one["comparisons"], three["comparisons"]) == ("2", "6")
    sizes = [float(rows["difference seen with 80 % probability"].split()[0]) for rows in (one, three)]
    assert sizes[0] < sizes[1]
