"""Means of settings with the folds of a single division, or with one test example."""

from dataclasses import replace

import numpy as np
import pytest

from dropout_cli.statistics import proportion, wilson_interval
from dropout_cli.statistics.t_test import estimate_new_examples
from dropout_cli.sweeps.layouts import find_layout
from dropout_cli.sweeps.means import group_mean
from dropout_cli.sweeps.records import RunGroup, RunRecord
from dropout_cli.sweeps.wording import interval_scope
from tests.sweeps.test_comparison import record

PARTS = ("train", "test")


def test_the_interval_of_one_division_counts_all_folds() -> None:
    """Wilson's interval counts all examples, since each is tested once."""
    accuracies = [0.50, 0.90, 0.70]
    runs = []
    for fold, one in enumerate(accuracies):
        made = record(0, one, fold=fold, dropout_rate=0)
        runs.append(
            RunRecord(made.path, made.values, made.replicate, {**made.summary, "config": {"dataset": {"folds": 3}}})
        )
    found = group_mean(RunGroup({}, {one.replicate: (one,) for one in runs}), "test.accuracy")
    assert found.mean == pytest.approx(0.7)
    assert found.new_data == pytest.approx(wilson_interval(210, 300))


def test_of_a_single_test_example_nothing_follows_for_new_ones() -> None:
    """One test example has no spread: the ends are NaN, and there is no division by 0."""
    found = estimate_new_examples(np.array([[0.1], [0.2], [0.3]]), is_count=False)
    assert found.mean == pytest.approx(0.2)
    assert np.isnan(found.se)
    assert np.isnan(proportion.interval_new_examples(np.array([[1], [0], [1]]))).all()


def test_the_examples_of_all_folds_are_counted_once() -> None:
    """Folds of 178 examples have 59 or 60 examples, and together exactly 178."""
    runs = []
    for fold, sizes in enumerate([(119, 59), (118, 60), (119, 59)]):
        one = record(0, 0.7, split=0, fold=fold)
        parts = {
            part: {"accuracy": 0.7, "per_class": [{"support": size}]} for part, size in zip(PARTS, sizes, strict=True)
        }
        runs.append(RunRecord(one.path, one.values, one.replicate, {**parts, "config": {"dataset": {"folds": 3}}}))
    more = [replace(one, replicate=one.replicate._replace(split_seed=1)) for one in runs]
    group = RunGroup({}, {one.replicate: (one,) for one in (*runs, *more)})
    assert "these 178 examples into 3 folds" in interval_scope(find_layout(group.records, 3), group, fixed=False)
