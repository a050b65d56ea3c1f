"""Settings over several datasets: worked examples, and what too few datasets or runs cannot show."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.core.types import Array
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.several_datasets import DatasetComparison, dataset_tables, datasets_needed
from dropout_cli.sweeps.several_datasets_notes import dataset_notes
from dropout_cli.sweeps.sweep_comparison import compare_runs
from tests.commands import TINY, dropout
from tests.sweeps.test_comparison import record

MEANS = np.array(
    [
        [0.81, 0.83, 0.84],
        [0.70, 0.74, 0.73],
        [0.92, 0.93, 0.95],
        [0.65, 0.64, 0.69],
        [0.88, 0.90, 0.91],
        [0.77, 0.79, 0.78],
    ]
)
"""Accuracies of three settings on six datasets."""
X = np.array(
    [
        [0.71, 0.82, 0.90, 0.65, 0.77],
        [0.73, 0.80, 0.91, 0.66, 0.79],
        [0.70, 0.83, 0.93, 0.62, 0.80],
        [0.75, 0.84, 0.92, 0.67, 0.78],
    ]
)
LOWER = np.array(
    [
        [0.02, 0.01, 0, 0.03, -0.01],
        [0.01, -0.02, 0.01, 0, 0.02],
        [0, 0.02, 0.03, 0.01, 0],
        [0.02, 0.01, -0.01, 0.02, 0.01],
    ]
)
Y = np.round(X - LOWER, 2)
"""Scores of two settings: four runs on five datasets each."""


def compared(scores: Array, metric: str = "test.accuracy", sign: int = 1) -> DatasetComparison:
    """Compare settings by scores of the shape (settings, runs, datasets)."""
    records: list[RunRecord] = [
        record(run, float(scores[setting, run, dataset]), dataset_name=f"data {dataset}", dropout_rate=setting)
        for dataset in range(scores.shape[2])
        for setting in range(scores.shape[0])
        for run in range(scores.shape[1])
    ]
    found = compare_runs(records, ["dataset.name", "dropout.rate"], ComparisonSettings(metric)).over_datasets
    assert found is not None
    return found


def test_ranks_and_pairs_are_those_of_a_worked_example() -> None:
    """Six datasets, three settings: permuted p .028935, Wilcoxon .09375 .03125 .375, critical difference 1.353136."""
    found = compared(MEANS.T[:, None, :])
    assert found.ranks.average == pytest.approx([17 / 6, 11 / 6, 8 / 6])
    assert found.p_permutation == pytest.approx(0.028935, abs=5e-7)
    assert [pair.p for pair in found.pairs] == pytest.approx([0.09375, 0.03125, 0.375])
    assert [pair.p_holm for pair in found.pairs] == pytest.approx([0.1875, 0.09375, 0.375])
    assert found.ranks.critical_difference == pytest.approx(1.353136, abs=1e-6)


def test_an_error_gives_the_ranks_of_its_accuracy() -> None:
    """The direction of the metric decides which value is best."""
    one, other = compared(MEANS.T[:, None, :]), compared(MEANS.T[:, None, :], "test.error")
    assert one.ranks.average == other.ranks.average and one.p_permutation == other.p_permutation
    assert other.aggregates[0].iqm == pytest.approx(1 - one.aggregates[0].iqm)
    assert [pair.p for pair in one.pairs] == [pair.p for pair in other.pairs]


def test_aggregates_are_those_of_a_worked_example() -> None:
    """Interquartile means .771 and .778, probability of improvement .66875 of the better setting."""
    found = compared(np.stack([Y, X]))
    assert [one.iqm for one in found.aggregates] == pytest.approx([0.771, 0.778])
    assert found.baseline == 0
    assert found.aggregates[1].improvement == pytest.approx(0.66875)
    assert math.isnan(found.aggregates[0].improvement)


def test_intervals_of_aggregates_need_five_runs() -> None:
    """Four runs give none, and the notes say so; five runs give intervals around the values."""
    four = compared(np.stack([Y, X]))
    assert math.isnan(four.aggregates[1].iqm_interval.low)
    assert any("they need at least 5 runs" in note for note in dataset_notes(four))
    five = compared(np.stack([np.vstack([one, one[:1]]) for one in (Y, X)]))
    for value, interval in (
        (five.aggregates[1].iqm, five.aggregates[1].iqm_interval),
        (five.aggregates[1].improvement, five.aggregates[1].improvement_interval),
    ):
        assert interval.low < value < interval.high
    assert any("bootstrap intervals" in note for note in dataset_notes(five))


@pytest.mark.parametrize(("pairs", "needed"), [(1, 6), (3, 7), (6, 8), (10, 9)])
def test_the_number_of_datasets_that_a_test_of_pairs_needs(pairs: int, needed: int) -> None:
    """With one dataset less, the smallest p-value times the number of pairs is above .05."""
    assert datasets_needed(pairs) == needed
    assert pairs * 2.0 ** (1 - needed) < 0.05 <= pairs * 2.0 ** (2 - needed)


def test_too_few_datasets_for_pairs_are_reported() -> None:
    """Six datasets cannot decide three pairs."""
    notes = list(dataset_notes(compared(MEANS.T[:, None, :])))
    assert any("it needs at least 7 datasets" in note for note in notes)
    more = compared(np.tile(MEANS, (2, 1)).T[:, None, :])
    assert any("of 3 are significant" in note or "of 3 is significant" in note for note in dataset_notes(more))


def test_tables_have_a_row_per_setting_and_per_pair() -> None:
    """datasets.csv and dataset_pairs.csv."""
    tables = dict(dataset_tables(compared(MEANS.T[:, None, :])))
    assert len(tables["datasets.csv"].splitlines()) == 1 + 3
    assert tables["dataset_pairs.csv"].splitlines()[1] == b"rate 0,rate 1,0.09375,0.1875"


def test_settings_with_other_numbers_of_runs_have_no_aggregates() -> None:
    """Runs cannot be resampled together then; ranks need only the means."""
    records = [
        record(run, 0.8 + 0.01 * rate, dataset_name=data, dropout_rate=rate)
        for data in ("a", "b")
        for rate in (0, 1)
        for run in range(2 + rate)
    ]
    found = compare_runs(records, ["dataset.name", "dropout.rate"], ComparisonSettings()).over_datasets
    assert found is not None and not found.aggregates and found.ranks.average == [2, 1]
    assert any("different numbers of runs" in note for note in dataset_notes(found))


def test_a_sweep_over_datasets_shows_the_comparison_everywhere(tmp_path: Path) -> None:
    """Tables in the folder, JSON, notes and the report have the same ranks."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    swept = ("dataset.name=iris,wine,breast_cancer", "dropout.rate=0,0.5")
    done = dropout("sweep", "tiny.yaml", *swept, "--seeds", "3", "--out", "sw", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((tmp_path / "sw/datasets.csv").read_text().splitlines()))
    found = json.loads(dropout("compare", "sw", "--format", "json", cwd=tmp_path).stdout)["over_datasets"]
    assert [float(row["rank"]) for row in rows] == [one["rank"] for one in found["settings"]]
    assert found["datasets"] == ["iris", "wine", "breast_cancer"] and len(found["pairs"]) == 1
    assert "Ranks of 2 settings over 3 datasets" in (tmp_path / "sw/notes.txt").read_text()
    assert dropout("report", "sw", "--output", "page.html", cwd=tmp_path).returncode == 0
    page = (tmp_path / "page.html").read_text()
    assert "Over the datasets" in page and "Wilcoxon&#x27;s test of pairs" in page
    assert dropout("verify", "sw", cwd=tmp_path).returncode == 0
