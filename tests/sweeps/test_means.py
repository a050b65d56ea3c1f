"""Means of settings in hard cases: the folds of a single division, a test part of one example."""

import numpy as np
import pytest

from dropout_cli.statistics import proportion, wilson
from dropout_cli.statistics.estimate import new_examples
from dropout_cli.sweeps.means import mean_of
from dropout_cli.sweeps.records import Group, Record
from tests.sweeps.test_comparison import record


def test_the_interval_of_one_division_counts_all_folds() -> None:
    """Wilson's, of all examples: each is tested once."""
    accuracies = [0.50, 0.90, 0.70]
    runs = []
    for fold, one in enumerate(accuracies):
        made = record(0, one, fold=fold, dropout_rate=0)
        runs.append(
            Record(made.path, made.values, made.replicate, {**made.summary, "config": {"dataset": {"folds": 3}}})
        )
    found = mean_of(Group({}, {one.replicate: (one,) for one in runs}), "test.accuracy")
    assert found.mean == pytest.approx(0.7)
    assert found.new_data == pytest.approx(wilson(210, 300))


def test_of_a_single_test_example_nothing_follows_for_new_ones() -> None:
    """One example has no spread over examples: the ends are NaN, and nothing is divided by 0."""
    found = new_examples(np.array([[0.1], [0.2], [0.3]]), counted=False)
    assert found.mean == pytest.approx(0.2)
    assert np.isnan(found.se)
    assert np.isnan(proportion.of_new_examples(np.array([[1], [0], [1]]))).all()
