"""Bins of confidence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_cli.metrics.calibration.bins import bin_means, equal_mass_bins, equal_width_bins


def test_a_bin_of_equal_width_includes_its_upper_edge() -> None:
    """0 is in the first bin, and 1 in the last."""
    assert equal_width_bins(np.array([0, 0.2, 0.2001, 0.4, 0.99, 1]), 5).tolist() == [0, 0, 1, 1, 4, 4]


def test_bins_of_equal_mass_are_the_parts_of_the_sorted_examples() -> None:
    """Without ties they are those of `np.array_split`; the order in the file does not matter."""
    confidence = np.random.default_rng(0).permutation(np.linspace(0.1, 1, 100))
    bins = equal_mass_bins(confidence, 15)
    parts = np.array_split(np.argsort(confidence), 15)
    assert [bins[part].tolist() for part in parts] == [[place] * len(part) for place, part in enumerate(parts)]


@given(
    st.lists(st.sampled_from([0.3, 0.5, 0.50001, 0.8, 0.9, 0.99, 1.0]), min_size=1, max_size=80),
    st.integers(1, 20),
)
def test_equal_confidences_are_in_one_bin_and_bins_follow_their_order(values: list[float], count: int) -> None:
    """Bins are numbered without gaps, at most `count`, and have at least two examples if there are two."""
    confidence = np.array(values)
    bins = equal_mass_bins(confidence, count)
    order = np.argsort(confidence, kind="stable")
    assert np.all(np.diff(bins[order]) >= 0)
    assert all(len(set(bins[confidence == value].tolist())) == 1 for value in values)
    sizes = np.bincount(bins)
    assert len(sizes) <= count and sizes.min() >= min(2, len(values))


def test_a_large_block_of_equal_confidences_leaves_fewer_bins() -> None:
    """Nine tenths at confidence 1 fill nearly all bins."""
    confidence = np.concatenate([np.linspace(0.5, 0.9, 10), np.ones(90)])
    assert len(np.unique(equal_mass_bins(confidence, 10))) == 2


def test_means_of_bins_leave_out_empty_ones() -> None:
    """Shares add up to 1."""
    found = bin_means(np.array([0.1, 0.9, 1.0]), np.array([True, False, True]), np.array([0, 3, 3]))
    assert found.examples.tolist() == [1, 2] and found.accuracy.tolist() == [1, 0.5]
    assert found.confidence.tolist() == pytest.approx([0.1, 0.95]) and found.shares.sum() == pytest.approx(1)
