"""Searches of small spaces, and the comparison of means over seeds."""

import csv
from pathlib import Path

import pytest

from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.options import SweepOptions
from dropout_cli.sweeps.sweep_file import load_sweep
from dropout_cli.sweeps.tuning.enumerate_points import all_points
from dropout_cli.sweeps.tuning.search import EARLIEST, SEEDS, _Search
from dropout_cli.sweeps.tuning.study import CELLS, SECONDS, SETTINGS
from tests.commands import TINY, dropout


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with a config."""
    (tmp_path / "base.yaml").write_text(TINY)
    return tmp_path


def test_a_search_of_two_points_ends_after_two_trials(base: Path) -> None:
    """The search says so, counts each point once, and stores the value of each seed."""
    asked = ("tune", "base.yaml", "dropout.rate=0.1,0.4", "--trials", "6", "--repeats", "2", "--seeds", "2", "--quiet")
    done = dropout(*asked, "--no-plots", cwd=base)
    assert done.returncode == 0, done.stderr
    assert "The search ended after 2 of 6 trials, because all settings have been tried." in done.stdout
    assert "2 trials with 2 seeds each (0, 1, ...), on one split: 2 complete, 0 pruned, 0 failed" in done.stdout
    table = (base / "runs/tune-base/trials.csv").read_bytes()
    rows = list(csv.DictReader(table.decode().splitlines()))
    assert sorted(row["dropout.rate"] for row in rows) == ["0.1", "0.4"]
    for row in rows:
        values = [float(one) for one in row["values"].split()]
        assert len(values) == 2
        assert float(row["value"]) == pytest.approx(sum(values) / 2)
        assert row["epochs"] == "4"
    winner = next(line for line in done.stdout.splitlines() if line.startswith("The winner is"))
    best = next(line for line in done.stdout.splitlines() if line.startswith("Choice: "))
    if best.split(" has ")[0].removeprefix("Choice: rate ") not in winner:
        assert "is better on validation than the winner. The new seeds do not confirm" in done.stdout
    again = dropout(*asked, "--no-plots", cwd=base)
    assert again.returncode == 0, again.stderr
    assert (base / "runs/tune-base/trials.csv").read_bytes() == table


def test_every_point_of_a_space_is_found_once(base: Path) -> None:
    """Points have the keys of their blocks; real numbers have no end, integers do."""
    (base / "search.yaml").write_text(
        "base: base.yaml\ngrid:\n  dropout: [none, {variant: inverted}, {variant: gaussian}]\n"
        "  dropout.rate: [0.1, 0.2, 0.4]\nzip: {architecture.hidden: [[8], [16]], training.epochs: [1, 2]}\n"
    )
    points = all_points(load_sweep(base / "search.yaml", search=True))
    assert points is not None
    assert len(points) == len({tuple(sorted(one.items())) for one in points}) == 2 * (1 + 3 + 3)
    integers = all_points(load_sweep(base / "base.yaml", ["training.epochs={integers: [2, 5]}"], search=True))
    assert integers == [{"training.epochs": number} for number in range(2, 6)]
    for draw in ("dropout.rate={uniform: [0, 0.5]}", "training.epochs={integers: [1, 1000000]}"):
        assert all_points(load_sweep(base / "base.yaml", [draw], search=True)) is None


def searching(base: Path, trials: int) -> _Search:
    """Return a search of three rates with one seed each; its study is in memory."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    sweep = load_sweep(
        base / "base.yaml", ["dropout.rate=0.1,0.2,0.3"], search=True, options=SweepOptions(trials=trials, repeats=1)
    )
    return _Search(sweep, SweepFolder(base / "search"), study)


@pytest.mark.parametrize("trials", [2, 3, 9])
def test_no_point_is_begun_twice(base: Path, trials: int) -> None:
    """No point is started twice, with more or with fewer points than trials."""
    search = searching(base, trials)
    for _ in range(trials):
        search._begin()
    begun = [one.trial.user_attrs[SETTINGS]["dropout.rate"] for one in search._running]
    assert len(begun) == len(set(begun)) == min(trials, 3)
    assert not search._wants_more()


def test_a_mean_over_seeds_is_compared_with_means_over_as_many_seeds(base: Path) -> None:
    """It is not compared with the best epoch of a single seed."""
    import optuna

    search = searching(base, 99)
    for place in range(EARLIEST + 1):
        values = {1: 0.99, 2: 0.5, SEEDS + 1: 0.90 + place / 100}
        note = {SETTINGS: {"dropout.rate": 0.1}, CELLS: [], SECONDS: 0}
        search.ended.append(optuna.create_trial(value=0.9, intermediate_values=values, user_attrs=note))
    for mean, behind in ((0.91, True), (0.949, False)):
        assert search._is_behind(mean, SEEDS + 1) is behind
    assert not search._is_behind(0.1, SEEDS + 2)
