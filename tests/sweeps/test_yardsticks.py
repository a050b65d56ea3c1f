"""Simple models in a sweep: fitted once per split, and mentioned first if they win."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dropout_cli import report
from dropout_cli.config import load_config
from dropout_cli.report.headline import sweep_headline
from dropout_cli.runs import Run
from dropout_cli.sweeps import yardsticks
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import compare_runs
from dropout_cli.sweeps.workers import job
from dropout_cli.training.run import prepare_run, run_experiment
from tests.commands import dropout
from tests.small_run import ignore
from tests.small_sweep import planned

METRIC = "test.accuracy"


def record(
    rate: float,
    accuracy: float,
    dummy: float | None = 0.4,
    *,
    split: int = 0,
    seed: int = 0,
    linear: float | None = 0.7,
    kind: str = "logistic",
    dataset: str = "digits",
) -> RunRecord:
    """Return a run with given scores; without a dummy, a run without simple models."""
    scores = {"accuracy": accuracy, "nll": 1 - accuracy, "per_class": [{"class": "a", "support": 10}]}
    summary: dict[str, Any] = {"task": "classification", "train": scores, "val": None, "test": scores}
    summary["config"] = {"dataset": {"name": dataset, "split_seed": split, "augment": None}, "seed": seed}
    if dummy is not None:
        summary["yardstick"] = {
            "dummy": {"val": None, "test": {"accuracy": dummy, "nll": 1 - dummy}},
            "linear": None if linear is None else {"kind": kind, "rows": 10, "val": None, "test": {"accuracy": linear}},
        }
    return RunRecord.from_summary(
        f"runs/r{rate}-{seed}-{split}", {"dropout.rate": rate}, Replicate(seed, split), summary
    )


def beaten(records: Sequence[RunRecord], metric: str = METRIC) -> list[str]:
    """Return the sentences on settings that are not better than the dummy."""
    return list(yardsticks.dummy_warnings(records, metric))


def test_a_level_is_the_mean_over_distinct_splits() -> None:
    """Runs on the same split count once."""
    records = [record(0.1, 0.9, 0.4, seed=seed) for seed in range(3)] + [record(0.1, 0.9, 0.6, split=1, linear=0.9)]
    found = yardsticks.yardstick_rows(records, METRIC)
    assert found == [
        ["digits", "always predicting the most common class", 2, pytest.approx(0.5)],
        ["digits", "logistic regression", 2, pytest.approx(0.8)],
    ]
    (line,) = yardsticks.simple_model_messages(records, METRIC)
    assert line == (
        "Simple models, by test.accuracy: always predicting the most common class 0.5000 (mean over 2 splits), "
        "logistic regression 0.8000 (mean over 2 splits)."
    )


def test_kinds_and_datasets_are_not_mixed() -> None:
    """Ridge and logistic regression are two models; two datasets have a line each."""
    records = [record(0.1, 0.9), record(0.2, 0.9, kind="ridge", linear=0.6), record(0.1, 0.9, 0.2, dataset="moons")]
    assert [(one.dataset, one.model, one.mean) for one in yardsticks.yardstick_levels(records, METRIC)] == [
        ("digits", "always predicting the most common class", 0.4),
        ("digits", "logistic regression", 0.7),
        ("digits", "ridge regression", 0.6),
        ("moons", "always predicting the most common class", 0.2),
        ("moons", "logistic regression", 0.7),
    ]
    assert [line.partition(",")[0] for line in yardsticks.simple_model_messages(records, METRIC)] == [
        "Simple models on digits",
        "Simple models on moons",
    ]


def test_settings_that_do_not_beat_the_dummy_are_named() -> None:
    """Means are compared with the dummy on the same runs; equal is not better."""
    good, equal, bad = record(0.1, 0.9), record(0.5, 0.4), record(0.9, 0.2)
    named = "are not better than always predicting the most common class (mean test.accuracy): rate 0.5; rate 0.9."
    assert beaten([good, equal, bad]) == [f"2 of 3 settings {named}"]
    assert beaten([equal, bad]) == [
        f"No setting is better than always predicting the most common class (mean {METRIC})."
    ]
    assert beaten([bad]) == [
        "These runs are not better than always predicting the most common class: "
        "mean test.accuracy 0.2 compared with 0.4."
    ]
    assert beaten([good]) == []
    luck = [record(0.1, 0.9, 0.95), record(0.1, 0.9, 0.1, split=1)]
    assert beaten(luck) == []


def test_a_metric_decides_which_way_is_better_and_what_the_dummy_is() -> None:
    """A larger NLL is worse, and its dummy predicts the frequencies of the classes."""
    assert beaten([record(0.1, 0.9), record(0.9, 0.2)], "test.nll") == [
        "1 of 2 settings is not better than always predicting the frequencies of the classes (mean test.nll): rate 0.9."
    ]


def test_many_names_are_cut_short() -> None:
    """Six settings are named, and the others counted."""
    (line,) = beaten([record(n / 10, 0.1) for n in range(9)] + [record(0.95, 0.9)])
    assert line.startswith("9 of 10 settings") and line.endswith("rate 0.5; 3 more.")


def test_nothing_is_said_of_runs_without_simple_models() -> None:
    """Old runs, `yardstick: none` and unsupported metrics give no sentence."""
    old = [record(0.1, 0.1, None), record(0.2, 0.2, None)]
    without = RunRecord.from_summary(
        old[0].path, old[0].values, old[0].replicate, {**old[0].summary, "yardstick": None}
    )
    for records in (old, [without], []):
        assert beaten(records) == [] and list(yardsticks.simple_model_messages(records, METRIC)) == []
        assert yardsticks.yardstick_rows(records, METRIC) == []
    assert (
        beaten([record(0.1, 0.1)], "train.accuracy")
        == []
        == yardsticks.yardstick_rows([record(0.1, 0.1)], "train.accuracy")
    )
    assert (
        yardsticks.yardstick_rows([record(0.1, 0.1, linear=None)], METRIC)[0][1]
        == "always predicting the most common class"
    )


def test_notes_begin_with_it() -> None:
    """The notes, the screen and --json start with the warning about the dummy."""
    records = [record(rate, 0.1 * rate, seed=seed) for rate in (0.1, 0.2) for seed in (0, 1)]
    lines = list(comparison_notes(compare_runs(records, ["dropout.rate"], ComparisonSettings(METRIC))))
    assert lines[0].startswith("No setting is better than")
    assert any(line.startswith("Simple models, by test.accuracy") for line in lines)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> SweepFolder:
    """A sweep of two learning rates on two splits; one rate is too low to learn anything."""
    here = tmp_path_factory.mktemp("yardsticks")
    (here / "c.yaml").write_text(
        "dataset: breast_cancer\narchitecture: {hidden: [16]}\ntraining: {epochs: 8, batch_size: 16}\n"
    )
    asked = ["training.optimizer.learning_rate=1e-2,1e-12", "dataset.split_seed=0,1", "--seeds", "1", "--no-plots"]
    done = dropout("sweep", "c.yaml", *asked, cwd=here)
    assert done.returncode == 0, done.stderr
    return SweepFolder(here / "runs/sweep-c")


def test_a_cell_has_the_numbers_of_a_run_alone(swept: SweepFolder, tmp_path: Path) -> None:
    """The scores are equal to those of a single run, though fitted once per split."""
    cells = sorted((swept.path / "cells").iterdir())
    assert len(cells) == 4
    for cell in cells:
        loaded = load_config(cell / "resolved.yaml")
        alone = Run.create(tmp_path, "alone")
        summary = run_experiment(prepare_run(loaded.experiment), alone, loaded.text, watch=ignore, figures=False)
        assert json.dumps(summary["yardstick"]) == json.dumps(Run(cell).summary()["yardstick"])
    # For each split, the scores and the predictions.
    assert sorted(path.suffix for path in swept.yardsticks.iterdir()) == [".json", ".json", ".npz", ".npz"]
    assert dropout("verify", str(swept.path), cwd=tmp_path).returncode == 0


def test_a_cell_takes_what_another_one_has_kept(tmp_path: Path) -> None:
    """The second seed of a split fits nothing."""
    folder, (first, second) = SweepFolder(tmp_path / "out"), planned(tmp_path, "seeds: 2\nsplits: same\n").cells
    (folder.path / "cells").mkdir(parents=True)
    job.train_in_process(folder, first.id, first.experiment)
    (file,) = folder.yardsticks.glob("*.json")
    known = json.loads(file.read_text())
    assert known == folder.summary(first.id)["yardstick"]
    known["linear"]["rows"] = 7
    file.write_text(json.dumps(known))
    job.train_in_process(folder, second.id, second.experiment)
    assert folder.summary(second.id)["yardstick"] == known


def test_a_sweep_says_it_on_the_screen_and_in_its_report(swept: SweepFolder, tmp_path: Path) -> None:
    """The warning is first in notes and report, and the scores are in a table."""
    done = dropout("compare", str(swept.path), cwd=tmp_path)
    dummy = "always predicting the most common class"
    said = f"1 of 2 settings is not better than {dummy} (mean test.accuracy): learning_rate 1e-12."
    assert said in done.stdout and "logistic regression 0.9" in done.stdout
    assert swept.read("notes.txt").decode().startswith(said)
    page = report.sweep_report(swept).decode()
    assert said in page and "Simple models for comparison" in page
    assert page.index(said) < page.index("<table")


def test_a_sweep_that_loses_against_the_linear_model_says_by_how_much() -> None:
    """The sentence has the nearest setting, its paired difference and its runs; a better setting silences it."""
    records = [
        record(rate, accuracy - 0.02 * seed, linear=0.9 - 0.01 * seed, seed=seed, split=seed)
        for rate, accuracy in ((0.1, 0.88), (0.4, 0.8))
        for seed in range(3)
    ]
    (line,) = yardsticks.linear_warnings(records, METRIC)
    assert line == (
        "No setting has a better mean test.accuracy than logistic regression: the nearest is rate 0.1 "
        "(difference -0.0300, 3 runs)."
    )
    assert line in sweep_headline(compare_runs(records, ["dropout.rate"], ComparisonSettings(METRIC)))
    assert not list(yardsticks.linear_warnings([*records, record(0.2, 0.95)], METRIC))
    losses = list(yardsticks.linear_warnings([record(0.1, 0.6, linear=None)], METRIC))
    assert not losses
