"""Numbers and sentences of an answer, as a person reads them."""

import pytest

from dropout_cli.sweeps import wording as in_words
from dropout_cli.sweeps.layouts import find_layout
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.records import RunGroup, RunRecord
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import compare_runs
from tests.sweeps.test_comparison import folded, record, said, two_rates


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.00001, "-0.00001"), (0.00004, "+0.00004"), (-0.00006, "-0.0001"), (-1e-12, "+0.0000"), (0.5, "+0.5000")],
)
def test_a_number_is_told_as_zero_only_where_it_is_zero(value: float, text: str) -> None:
    """A number near 0 is not written as 0.0000 or -0.0000."""
    assert in_words.format_short(value, "+") == text
    assert in_words.format_interval((value, value), "+") == f"{text} to {text}"


@pytest.mark.parametrize(
    ("p", "text"), [(0.0498, "0.0498"), (0.04996, "0.04996"), (0.0502, "0.0502"), (0.05, "0.05"), (0.0443, "0.044")]
)
def test_a_p_that_is_not_05_is_not_told_as_05(p: float, text: str) -> None:
    """The written p-value shows on which side of 0.05 it is."""
    assert in_words.format_p(p) == text


def test_examples_of_folds_are_counted_once() -> None:
    """Folds of 60 and 61 test examples divide the same 301 examples."""
    scores = [{"train": 180, "val": 60, "test": 61}, {"train": 181, "val": 60, "test": 60}]
    runs = {
        Replicate(seed, seed, fold): (
            RunRecord(
                f"{seed}{fold}",
                {"dropout.rate": 0},
                Replicate(seed, seed, fold),
                {
                    "config": {"dataset": {"folds": 2}},
                    **{part: {"accuracy": 0.9, "per_class": [{"support": n}]} for part, n in scores[fold].items()},
                },
            ),
        )
        for seed in range(3)
        for fold in range(2)
    }
    group = RunGroup({"dropout.rate": 0}, runs)
    layout = find_layout(group.records, group.folds)
    assert in_words.interval_scope(layout, group, fixed=False) == (
        "new divisions of these 301 examples into 2 folds, with new seeds"
    )


def test_no_dropout_is_not_told_as_none() -> None:
    """The variant `none` is called `no dropout`, since `none is best` would mislead."""
    records = [
        record(seed, 0.9 - 0.1 * (variant != "none") + 0.001 * seed, dropout_variant=variant)
        for variant in ("none", "inverted")
        for seed in range(4)
    ]
    first, *_ = comparison_notes(compare_runs(records, ["dropout.variant"], ComparisonSettings()))
    assert first.startswith("The best setting on the validation part is no dropout (the baseline). ")
    assert "inverted is worse than no dropout" in first


def test_the_answer_has_the_verdicts_of_every_metric_asked_for() -> None:
    """Each list has the verdict as its heading; without stored scores, nothing is said of new data."""
    records = [
        record(seed, 0.9 - 0.1 * rate + 0.001 * seed, dropout_rate=rate) for rate in (0, 1, 2) for seed in range(6)
    ]
    first, *_ = comparison_notes(compare_runs(records, ["dropout.rate"], ComparisonSettings(others=("test.nll",))))
    assert "Worse: rate 1; rate 2. By test.nll, not decided: rate 1; rate 2." in first


def test_it_is_said_on_how_many_means_a_test_rests() -> None:
    """The notes give the number of means if a setting has more runs than units."""
    nested = two_rates([0.01 * (place % 3) for place in range(12)], [(place, place // 3) for place in range(12)])
    assert "12 runs per setting, on 4 random splits, each with its own seeds. Tests and intervals use 4 means" in (
        said(nested)
    )
    folds = folded([(split, fold, 0.01 * split) for split in range(3) for fold in range(2)])
    assert (
        "6 runs per setting, on 3 random divisions into 2 folds, each with its own seed. Tests and intervals use"
        in (said(folds))
    )
    assert "Tests and intervals" not in said(two_rates([0.01, 0.02, 0.04], [(seed, seed) for seed in range(3)]))


def test_a_choice_without_measurable_bias_is_told_in_words() -> None:
    """A selection bias of 0 or below is not written as a number."""
    records = [record(seed, 0.9 - 0.1 * rate, split=seed, dropout_rate=rate) for rate in (0, 1) for seed in range(4)]
    assert "No selection bias was measured here (estimated by leaving out one split at a time)." in said(
        compare_runs(records, ["dropout.rate"], ComparisonSettings())
    )


def test_what_is_divided_into_folds_is_counted_in_divisions() -> None:
    """With folds, the notes count divisions instead of splits."""
    told = said(folded([(split, fold, 0.01 * (-1) ** split) for split in range(5) for fold in range(2)]))
    assert "divisions are needed" in told and "leaving out one division at a time" in told
    assert "one split at a time" not in told
