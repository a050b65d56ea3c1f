"""Ranks over datasets and signs of whole units, by going through every order and every sign."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from dropout_cli import statistics
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics import ranks
from dropout_cli.statistics.max_t import SAMPLES, max_t


def scores(datasets: int, settings: int) -> Array:
    """Coarse scores, some of them tied, some below 0."""
    return np.round(stream(datasets, "test").normal(0, 1, (datasets, settings)) * 2)


def by_orders(table: Array) -> float:
    """The share of arrangements whose rank sums have squares that add up to as much."""
    ranked = stats.rankdata(-table, axis=1)
    arrangements = itertools.product(*(itertools.permutations(row) for row in ranked.tolist()))
    squares = [sum(sum(column) ** 2 for column in zip(*rows, strict=True)) for rows in arrangements]
    observed = float((ranked.sum(axis=0) ** 2).sum())
    return float(np.mean([one >= observed - 1e-9 for one in squares]))


@pytest.mark.parametrize(("datasets", "settings"), [(2, 4), (4, 3), (6, 2)])
def test_permuted_ranks_are_counted_over_every_arrangement(datasets: int, settings: int) -> None:
    """Ties share their rank; a score below 0 is a score like any other."""
    table = scores(datasets, settings)
    assert ranks.friedman_permutation_p(table) == pytest.approx(by_orders(table))


def test_many_arrangements_are_drawn_from_a_stream_of_their_own() -> None:
    """99,999 of 24^4 arrangements and the observed one: within 5 standard errors, and the same at every call."""
    table = scores(4, 4) + np.array([0, 1, 0, 1])
    expected, found = by_orders(table), ranks.friedman_permutation_p(table)
    assert abs(found - expected) < 5 * math.sqrt(expected * (1 - expected) / 99_999)
    assert found == ranks.friedman_permutation_p(table)
    assert found * 100_000 == pytest.approx(round(found * 100_000), abs=1e-6)


def test_seven_settings_in_one_order_have_the_smallest_p() -> None:
    """Orders are too many to list: no draw of four datasets reaches the observed sum."""
    assert ranks.friedman_permutation_p(np.tile(np.arange(7.0), (4, 1))) == 1 / 100_000


def test_ranks_do_not_depend_on_the_sign_of_scores() -> None:
    """Negated, where smaller is better, and moved to below 0, all have the same average ranks and p."""
    table = scores(5, 4)
    found = statistics.friedman(table.tolist())
    assert found.average == pytest.approx(stats.rankdata(-table, axis=1).mean(axis=0))
    assert statistics.friedman((-table).tolist(), larger_is_better=False) == found
    assert statistics.friedman((table - 100).tolist()) == found


@pytest.mark.parametrize("differences", [[1, 0, 2, -1, 3], [1, 1, 1, -1, 0, 0], [3, -2, 1, 5, 4, -1, 2]])
def test_signed_ranks_leave_out_what_is_0(differences: list[float]) -> None:
    """Every pattern of signs, ties of absolute differences sharing their rank."""
    found = ranks.signed_rank_p(np.array(differences, float))
    left = [one for one in differences if one]
    assert found == ranks.signed_rank_p(np.array(left, float))
    rank = stats.rankdata(np.abs(left))
    sums = [np.dot(signs, rank) for signs in itertools.product((1, -1), repeat=len(left))]
    assert found == pytest.approx(np.mean(np.abs(sums) >= abs(np.dot(np.sign(left), rank)) - 1e-9))


def test_signed_ranks_have_limits() -> None:
    """Nothing but zeros shows nothing; twenty differences are the most."""
    assert ranks.signed_rank_p(np.zeros(3)) == 1
    assert ranks.signed_rank_p(np.arange(1.0, 21)) == 2.0**-19
    with pytest.raises(ValueError, match="at most 20 differences, got 21"):
        ranks.signed_rank_p(np.arange(1.0, 22))


def by_signs(table: Array) -> list[float]:
    """Single-step p-values over every sign pattern; statistics are sums over norms."""
    norm = np.sqrt((table**2).sum(axis=1))
    patterns = np.array(list(itertools.product((1, -1), repeat=table.shape[1])))
    largest = (np.abs(patterns @ table.T) / norm).max(axis=1)
    return [float(np.mean(largest >= one - 1e-9)) for one in np.abs(table.sum(axis=1)) / norm]


@pytest.mark.parametrize("units", [2, 5, 10])
def test_max_t_goes_through_every_sign_pattern(units: int) -> None:
    """Settings of different spread; stepping down never raises a p, and keeps their order."""
    table = stream(units, "test").normal(0.5, 1, (3, units)) * np.array([[1], [100], [0.01]])
    found = max_t(table)
    assert found.single_step == pytest.approx(by_signs(table))
    assert all(down <= single for down, single in zip(found.step_down, found.single_step, strict=True))
    assert np.argsort(found.step_down, kind="stable").tolist() == np.argsort(found.single_step, kind="stable").tolist()
    assert found.smallest == 2.0 ** (1 - units)


def test_max_t_steps_down_through_the_settings() -> None:
    """The best is compared with all, the next with all but the best, and no p falls below one before it."""
    table = stream(1, "test").normal(0.4, 1, (4, 8))
    order = np.argsort(-np.abs(table.sum(axis=1)) / np.sqrt((table**2).sum(axis=1)))
    largest, expected = 0.0, [0.0] * 4
    for rank, place in enumerate(order):
        largest = max(largest, by_signs(table[order[rank:]])[0])
        expected[place] = largest
    assert max_t(table).step_down == pytest.approx(expected)


def test_max_t_draws_signs_beyond_16_units() -> None:
    """9,999 patterns of -1 and 1: near the share of all 2^17, and 1 in 10,000 is the smallest."""
    table = stream(2, "test").normal(0.3, 1, (2, 17))
    found = max_t(table)
    for single, exact in zip(found.single_step, by_signs(table), strict=True):
        assert abs(single - exact) < 5 * math.sqrt(exact * (1 - exact) / SAMPLES) + 1 / SAMPLES
    assert found.smallest == 1 / (SAMPLES + 1) == 1e-4
    assert max_t(np.ones((1, 30))).single_step == [1e-4]
    assert max_t(table) == found
    exactly = max_t(np.ones((1, 16)))
    assert (exactly.single_step, exactly.smallest) == ([2.0**-15], 2.0**-15)


def test_a_setting_without_differences_has_p_1() -> None:
    """It does not disturb the others."""
    table = np.array([[3.0, 2, 4, 1, 3], [0, 0, 0, 0, 0]])
    found = max_t(table)
    assert found.single_step == [2.0**-4, 1.0] and found.step_down == [2.0**-4, 1.0]
