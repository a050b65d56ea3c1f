"""`dropout tune` searches, compares its best with new seeds, and survives a kill."""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from dropout_cli import report
from dropout_cli.core.errors import ConfigError
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.options import SweepOptions
from dropout_cli.sweeps.sweep_file import load_sweep
from dropout_cli.sweeps.tuning.finals import best_points
from dropout_cli.sweeps.tuning.space import suggest_point
from dropout_cli.sweeps.tuning.study import SETTINGS
from tests.commands import TINY, dropout

SEARCH = """\
base: base.yaml
set: {training.batch_size: 32}
grid:
  dropout: [none, {variant: inverted, input_rate: 0.1}]
  dropout.rate: {from: 0.1, to: 0.5, step: 0.1}
zip: {architecture.hidden: [[8], [16]], training.epochs: [2, 3]}
random: {count: 1, draw: {training.optimizer.learning_rate: {log_uniform: [1e-3, 1e-1]}}}
seeds: 3
trials: 6
repeats: 2
"""


@pytest.fixture
def searched(tmp_path: Path) -> Path:
    """A folder with a search file."""
    (tmp_path / "base.yaml").write_text(TINY)
    (tmp_path / "search.yaml").write_text(SEARCH)
    return tmp_path


def test_a_search_chooses_from_what_a_sweep_sweeps(searched: Path) -> None:
    """Values are in their ranges, rows stay together, and `none` has no rate."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    sweep = load_sweep(searched / "search.yaml", search=True)
    points = [{one.key: one.value for one in suggest_point(sweep, study.ask())} for _ in range(40)]
    assert all(("dropout.rate" in point) == (point["dropout"] != "none") for point in points)
    assert {point["dropout.rate"] for point in points if "dropout.rate" in point} == {0.1, 0.2, 0.3, 0.4, 0.5}
    assert {(point["architecture.hidden"][0], point["training.epochs"]) for point in points} == {(8, 2), (16, 3)}
    assert all(1e-3 <= point["training.optimizer.learning_rate"] <= 1e-1 for point in points)
    assert {point["training.batch_size"] for point in points} == {32}
    assert isinstance(study.trials[0].distributions["zip"], optuna.distributions.CategoricalDistribution)


def test_a_law_may_stand_on_the_command_line(searched: Path) -> None:
    """A search needs no number of draws, a sweep does; single values are not searched."""
    draw = "training.optimizer.learning_rate={log_uniform: [1e-4, 1e-2]}"
    sweep = load_sweep(searched / "base.yaml", [draw, "training.epochs=7"], search=True, options=SweepOptions(trials=9))
    assert [*sweep.axes.distributions] == ["training.optimizer.learning_rate"]
    assert [(one.key, one.value) for one in sweep.axes.fixed] == [("training.epochs", 7)]
    (searched / "again.yaml").write_bytes(sweep.text)
    again = load_sweep(searched / "again.yaml", search=True)
    assert (again.trials, [*again.axes.distributions]) == (9, [*sweep.axes.distributions])
    with pytest.raises(ConfigError, match="a distribution needs a number of draws"):
        load_sweep(searched / "base.yaml", [draw])


def test_the_best_is_judged_with_fresh_seeds(searched: Path) -> None:
    """The winner and the config are trained with new seeds, and the report says so."""
    done = dropout("tune", "search.yaml", "--json", "--quiet", "--no-plots", cwd=searched)
    assert done.returncode == 0, done.stderr
    found, folder = json.loads(done.stdout), searched / "runs/tune-search"
    assert found["tune"] == "runs/tune-search"
    assert found["winner"]["training.batch_size"] == 32
    rows = list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))
    assert [row["trial"] for row in rows] == list("012345")
    assert max(float(row["value"]) for row in rows if row["value"]) == pytest.approx(
        max(float(row["value"]) for row in rows if row["ended"] == "complete")
    )
    assert all(0 < int(row["epochs"]) <= 6 for row in rows)
    finals = list(csv.DictReader((folder / "finals/results.csv").read_text().splitlines()))
    assert {row["seed"] for row in finals} == {"2", "3"}
    results = list(csv.DictReader((folder / "results.csv").read_text().splitlines()))
    assert {row["seed"] for row in results} == {"4", "5", "6"}
    assert len({row["cell"] for row in results}) == 6
    page = report.sweep_report(SweepFolder(folder)).decode()
    assert "The best result of a search looks better than it is" in page and "Every trial" in page
    assert "dropout tune runs" not in page and f"dropout tune {folder}/tune.yaml" in page
    assert dropout("verify", str(folder), cwd=searched).returncode == 0
    written = {path: path.read_bytes() for path in folder.rglob("*.csv")}
    again = dropout("tune", str(folder / "tune.yaml"), "--out", str(folder), "--quiet", "--no-plots", cwd=searched)
    assert again.returncode == 0, again.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*.csv")} == written


def test_finals_are_won_over_all_seeds(searched: Path) -> None:
    """The winner has the best mean over the seeds of the search and the finals."""
    asked = ("tune", "base.yaml", "training.optimizer.learning_rate={log_uniform: [1e-3, 1e-1]}", "--trials", "6")
    done = dropout(*asked, "--repeats", "2", "--seeds", "1", "--json", "--quiet", "--no-plots", cwd=searched)
    folder = searched / "runs/tune-base"
    found: dict[float, list[float]] = {}
    for path in folder.glob("finals/cells/*/summary.json"):
        summary = json.loads(path.read_text())
        rate = summary["config"]["training"]["optimizer"]["learning_rate"]
        found.setdefault(rate, []).append(summary["val"]["accuracy"])
    assert 1 < len(found) <= 4 and all(len(scores) == 2 for scores in found.values())
    with (folder / "trials.csv").open(newline="") as file:
        searching = {float(row["training.optimizer.learning_rate"]): row["value"] for row in csv.DictReader(file)}
    means = {rate: (2 * float(searching[rate]) + sum(scores)) / 4 for rate, scores in found.items()}
    assert means[json.loads(done.stdout)["winner"]["training.optimizer.learning_rate"]] == max(means.values())


def replicates(results: Path) -> set[tuple[int, int]]:
    """Return seed and split of the runs in results.csv."""
    return {(int(row["seed"]), int(row["split_seed"])) for row in csv.DictReader(results.read_text().splitlines())}


@pytest.mark.parametrize(
    ("asked", "finals", "fresh"),
    [
        ((), {(1, 6)}, {(2, 7), (3, 8)}),
        (("--splits", "same"), {(1, 5)}, {(2, 5), (3, 5)}),
        (("--splits", "2"), {(1, 6)}, {(2, 7), (1002, 7), (3, 8), (1003, 8)}),
    ],
)
def test_finals_and_fresh_runs_have_the_splits_of_the_layout(
    asked: tuple[str, ...], finals: set[tuple[int, int]], fresh: set[tuple[int, int]], searched: Path
) -> None:
    """Only the search is on one split, with a message; a repeated command trains nothing."""
    (searched / "base.yaml").write_text(TINY.replace("digits", "{name: digits, split_seed: 5}"))
    command: tuple[str, ...] = (
        "tune",
        "base.yaml",
        "dropout.rate=0,0.1",
        "--trials",
        "2",
        "--repeats",
        "1",
        "--seeds",
        "2",
    )
    command += (*asked, "--quiet", "--no-plots")
    assert dropout(*command, cwd=searched).stderr == ""
    folder = searched / "runs/tune-base"
    configs = [json.loads(path.read_text())["config"] for path in folder.glob("search/cells/*/summary.json")]
    assert {(one["seed"], one["dataset"]["split_seed"]) for one in configs} == {(0, 5)}
    assert replicates(folder / "finals/results.csv") == finals
    assert replicates(folder / "results.csv") == fresh
    told, same = (folder / "search.txt").read_text(), asked == ("--splits", "same")
    assert ("than in the search (on different splits)" in told or "as in the search (on different splits)" in told) == (
        not same
    )
    assert ("1 more seed (from 1 on), each on its own split." in told) == (not same)
    assert ("splits:" in (folder / "tune.yaml").read_text()) == bool(asked)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".db"}
    assert dropout(*command, cwd=searched).stderr == ""
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".db"}
    assert after == before


def test_a_search_with_folds_is_decided_over_all_of_them(searched: Path) -> None:
    """A trial has a run on each fold, and the mean over all runs decides."""
    command = ("tune", "base.yaml", "dropout.rate=0,0.9", "dataset.folds=2", "--trials", "2", "--repeats", "1")
    done = dropout(*command, "--seeds", "1", "--json", "--quiet", "--no-plots", cwd=searched)
    assert done.returncode == 0, done.stderr
    folder, found = searched / "runs/tune-base", dict[float, list[float]]()
    for path in (*folder.glob("search/cells/*/summary.json"), *folder.glob("finals/cells/*/summary.json")):
        summary = json.loads(path.read_text())
        found.setdefault(summary["config"]["dropout"]["rate"], []).append(summary["val"]["accuracy"])
    assert {len(scores) for scores in found.values()} == {4}
    means = {rate: sum(scores) / 4 for rate, scores in found.items()}
    won = json.loads(done.stdout)["winner"]["dropout.rate"]
    assert means[won] == max(means.values())
    assert f"val.accuracy {means[won]:.4f} over these seeds" in (folder / "search.txt").read_text()


@pytest.mark.parametrize("larger", [True, False])
def test_a_point_enters_the_finals_once_and_by_its_best_trial(larger: bool) -> None:
    """Of two rates that were tried twice, the better trial counts."""
    from optuna.trial import create_trial

    sign = 1 if larger else -1
    tried = [(0.1, 5.0), (0.2, 4.0), (0.1, 3.0), (0.3, 3.5)]
    trials = [create_trial(value=sign * value, user_attrs={SETTINGS: {"dropout.rate": rate}}) for rate, value in tried]
    found = best_points(trials[::-1], larger=larger)
    assert [one.user_attrs[SETTINGS]["dropout.rate"] for one in found] == [0.1, 0.2, 0.3]
    assert found[0].value == sign * 5.0


def test_another_search_is_not_mixed_in(searched: Path) -> None:
    """Other keys, seeds or data are refused in the same folder; more trials continue it."""
    few = ("tune", "base.yaml", "--repeats", "1", "--seeds", "1", "--quiet", "--no-plots", "--trials")
    assert dropout(*few, "1", "dropout.rate=0.1,0.2", cwd=searched).returncode == 0
    assert dropout(*few, "2", "dropout.rate=0.1,0.2", cwd=searched).returncode == 0
    other = dropout(*few, "2", "dropout.rate=0.1,0.3", cwd=searched)
    assert other.returncode == 2
    assert other.stderr.startswith("runs/tune-base/search: the folder contains a different search")


def test_what_cannot_be_searched_is_said_in_a_line(searched: Path) -> None:
    """No validation part, no finished trial and no Optuna are one-line errors."""
    few = ("tune", "base.yaml", "dropout.rate=0,0.1", "--trials", "1", "--repeats", "1", "--seeds", "1", "--quiet")
    blind = dropout(*few, "dataset.val_fraction=0", cwd=searched)
    assert blind.returncode == 2 and "a search needs a validation part" in blind.stderr
    diverged = dropout(*few, "training.optimizer={name: sgd, learning_rate: 1e30}", "--out", "d", cwd=searched)
    assert diverged.returncode == 1 and diverged.stderr.startswith("d: no trial finished."), diverged.stderr
    code = "import sys; sys.modules['optuna'] = None; sys.argv[1:] = ['tune', 'base.yaml', 'dropout.rate=0,0.1']"
    without = subprocess.run(
        [sys.executable, "-c", f"{code}; import dropout_cli.cli as c; c.main()"],
        cwd=searched,
        capture_output=True,
        text=True,
        check=False,
    )
    assert without.returncode == 2
    way_out = "Install it with `pip install '.[tune]'` in the source folder."
    assert without.stderr == f"dropout tune: needs Optuna, which is not installed. {way_out}\n"


def test_what_makes_no_search_is_said_before_the_folder_is_looked_at(searched: Path) -> None:
    """A wrong distribution, wrong bounds and a single setting are refused first."""
    assert dropout("tune", "base.yaml", "dropout.rate=0,0.1", "--trials", "1", "--quiet", cwd=searched).returncode == 0
    for value, said in (
        (
            "{unifrm: [0, 0.6]}",
            "Did you mean 'uniform'? To draw values at random, write uniform, log_uniform, integers or choice",
        ),
        ("{gauss: [0, 0.6]}", "got a mapping. To draw values at random, write uniform,"),
        ("{uniform: [0.6, 0]}", "uniform: the first number must be below the second, got [0.6, 0]."),
        ("0.3", "nothing to search: there is only one setting. Give a key several values"),
        ("{choice: [0.3, 0.3]}", "nothing to search: there is only one setting."),
    ):
        done = dropout("tune", "base.yaml", f"dropout.rate={value}", cwd=searched)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert said in done.stderr and "a different search" not in done.stderr


def trials(study: Path) -> dict[int, str]:
    """Return number -> state of the trials of a study; empty before its tables exist."""
    with (
        closing(sqlite3.connect(f"file:{study}?mode=ro", uri=True)) as connection,
        suppress(sqlite3.OperationalError),  # the search is writing
    ):
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'trials'").fetchone():
            return {}
        return dict(connection.execute("SELECT number, state FROM trials"))
    return {}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_search_that_is_killed_goes_on(searched: Path, how: signal.Signals) -> None:
    """Ended trials stay, running ones keep their numbers, and the total is as set."""
    (searched / "base.yaml").write_text(TINY.replace("epochs: 2", "epochs: 150"))
    asked = ["tune", "base.yaml", "dropout.rate={uniform: [0, 0.5]}", "--trials", "6", "--repeats", "1", "--seeds", "1"]
    command = [sys.executable, "-m", "dropout_cli", *asked, "--jobs", "2", "--quiet", "--no-plots"]
    study = searched / "runs/tune-base/search/study.db"
    with subprocess.Popen(command, cwd=searched, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        while not study.is_file() or "COMPLETE" not in trials(study).values():
            time.sleep(0.05)
        while not list(study.parent.glob("cells/*.partial/metrics.csv")):
            time.sleep(0.01)
        os.killpg(process.pid, how)
        said = process.communicate()[1]
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert said == "runs/tune-base: the search was interrupted. Run the same command again to continue.\n"
    before = trials(study)
    ended = {number: state for number, state in before.items() if state != "RUNNING"}
    assert len(ended) < 6 and "RUNNING" in before.values()
    done = dropout(*asked, "--quiet", "--no-plots", cwd=searched)
    assert done.returncode == 0, done.stderr
    after = trials(study)
    assert {number: after[number] for number in ended} == ended
    assert set(after) == set(range(6))
    rows = list(csv.DictReader((searched / "runs/tune-base/trials.csv").read_text().splitlines()))
    assert len(rows) == 6
    assert not [row for row in rows if row["ended"] == "fail"]
