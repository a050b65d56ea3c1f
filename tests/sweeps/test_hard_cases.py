"""Comparisons of runs without spread, with different parts, or with incomplete layouts."""

from dataclasses import replace

import numpy as np
import pytest

from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import compare_runs
from tests.sweeps.test_comparison import record, said, two_rates


def sized(seed: int, accuracy: float, rate: int, examples: int, part: str = "test") -> RunRecord:
    """Return a run with a given number of examples in one part."""
    one = record(seed, accuracy, dropout_rate=rate)
    return RunRecord(
        one.path, one.values, one.replicate, {**one.summary, part: {**one.summary[part], **support(examples)}}
    )


def support(examples: int) -> dict[str, object]:
    """Return the number of examples in the form of a summary."""
    return {"per_class": [{"support": examples}]}


@pytest.mark.parametrize("number", ["macro_f1", "balanced_accuracy", "mcc"])
def test_numbers_of_predicted_classes_have_the_floor_of_accuracies(number: str) -> None:
    """Three equal differences of one example in 100 are due to rounding: no verdict."""
    replicates = [(seed, 0) for seed in range(3)]
    records = [
        record(seed, 0.8 + 0.01 * rate, split=split, dropout_rate=rate) for seed, split in replicates for rate in (0, 1)
    ]
    for one in records:
        one.summary["test"][number] = one.summary["test"]["accuracy"]
    (accuracy,) = compare_runs(records, ["dropout.rate"], ComparisonSettings()).comparisons
    (other,) = compare_runs(records, ["dropout.rate"], ComparisonSettings(f"test.{number}")).comparisons
    assert (other.verdict, other.estimate.sd) == ("not decided", 0.005)
    assert other.interval == accuracy.interval


def test_equal_differences_of_a_loss_give_no_verdict() -> None:
    """Without an effect of the seed there is no verdict; identical runs have p = 1."""
    records = [record(seed, 0.8, dropout_rate=rate) for seed in range(4) for rate in (0, 1)]
    for one in records:
        one.summary["test"]["nll"] = 0.3 - 0.1 * one.values["dropout.rate"]
        one.summary["test"]["brier"] = 0.3
    found = compare_runs(records, ["dropout.rate"], ComparisonSettings("test.nll", others=("test.brier",)))
    loss, same = found.comparisons
    assert loss.verdict == "not decided"
    assert loss.estimate.mean == pytest.approx(-0.1)
    assert np.isnan([loss.p, *loss.interval, *loss.new_data]).all()
    assert "so the role of chance cannot be estimated" in said(found)
    assert (same.verdict, same.p, found.comparisons[1].family) == ("not decided", 1.0, 1)


def test_on_one_split_runs_whose_parts_differ_in_size_are_no_pairs() -> None:
    """On one split, test parts of different sizes are no pairs; training parts may differ."""
    accuracies = [(seed, 0.8 + 0.01 * seed + 0.05 * rate, rate) for seed in range(4) for rate in (0, 1)]
    records = [sized(seed, one, rate, 100 + 20 * rate) for seed, one, rate in accuracies]
    found = compare_runs(records, ["dropout.rate"], ComparisonSettings())
    assert "test parts contain different examples (at most 120 and 100)" in found.comparisons[0].refused
    assert found.comparisons[0].verdict == "not decided"
    apart = [replace(one, replicate=Replicate(one.replicate.seed, one.replicate.seed)) for one in records]
    assert not compare_runs(apart, ["dropout.rate"], ComparisonSettings()).comparisons[0].refused
    pooled = [*apart, *(replace(one, summary=records[1].summary) for one in apart if one.values["dropout.rate"] == 0)]
    assert "cannot be paired" in compare_runs(pooled, ["dropout.rate"], ComparisonSettings()).comparisons[0].refused
    trained = [sized(seed, one, rate, 100 + 20 * rate, "train") for seed, one, rate in accuracies]
    assert not compare_runs(trained, ["dropout.rate"], ComparisonSettings()).comparisons[0].refused
    assert not compare_runs(trained, ["dropout.rate"], ComparisonSettings("train.accuracy")).comparisons[0].refused


def test_crossed_runs_are_judged_on_their_largest_whole_block() -> None:
    """Incomplete seeds and splits are left out, and the complete block is compared."""
    block = [(seed, split) for split in range(4) for seed in range(3)]
    rng = np.random.default_rng(0)
    values = (0.02 + 0.01 * rng.normal(size=14)).tolist()
    (whole,) = two_rates(values[:12], block).comparisons
    (more,) = two_rates(values, [*block, (7, 0), (1, 9)]).comparisons
    assert (more.layout.kind, more.layout.left_out) == ("crossed", 2)
    assert more.interval == whole.interval
    assert (
        "2 complete splits x 1 seed " in two_rates(values[:4], [(0, 0), (1, 0), (2, 1), (0, 1)]).comparisons[0].refused
    )
