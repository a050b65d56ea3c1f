"""Intervals, corrections and tables of two by two: SciPy's intervals, binomial tails, and what they must never do."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dropout_cli import statistics
from dropout_cli.core.rng import stream
from dropout_cli.statistics import Interval
from dropout_cli.statistics import selection_bias as choice
from dropout_cli.statistics.comparison_rules import RULES_V1


@pytest.mark.parametrize("n", [2, 3, 7])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_a_t_interval_is_scipys(n: int, confidence: float) -> None:
    """Mean and standard error into `scipy.stats.t.interval`; two values are enough; .95 is what is not asked for."""
    values = stream(n, "test").normal(3, 2, n).tolist()
    expected = stats.t.interval(confidence, n - 1, loc=np.mean(values), scale=stats.sem(values))
    assert statistics.t_interval(values, confidence=confidence) == pytest.approx(expected, rel=1e-12)
    assert statistics.t_interval(values) == statistics.t_interval(values, confidence=0.95)
    assert statistics.t_interval(values) == statistics.t_interval(values, split_ratio=0.0)


def test_wilsons_interval_follows_its_confidence() -> None:
    """Its ends are the shares p0 at which the score |p - p0| / sqrt(p0 (1 - p0) / n) is the normal quantile."""
    for confidence in (0.5, 0.8, 0.95):
        z = stats.norm.ppf((1 + confidence) / 2)
        for end in statistics.wilson_interval(7, 10, confidence=confidence):
            assert abs(0.7 - end) / math.sqrt(end * (1 - end) / 10) == pytest.approx(z)
    assert statistics.wilson_interval(7, 10) == statistics.wilson_interval(7, 10, confidence=0.95)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_lowers_p_nor_passes_bonferroni_or_one(p: list[float]) -> None:
    """p <= adjusted <= min(1, m p) for the smallest, and the adjusted keep the order of the p-values."""
    adjusted = statistics.holm_adjust(p)
    assert len(adjusted) == len(p)
    for one, corrected in zip(p, adjusted, strict=True):
        assert one <= corrected <= 1
    if p:
        assert min(adjusted) == min(1.0, len(p) * min(p))
        assert max(adjusted) == adjusted[p.index(max(p))]
    pairs = sorted(zip(p, adjusted, strict=True))
    assert [one for _, one in pairs] == sorted(adjusted)


def test_holm_rejects_what_the_step_down_procedure_rejects() -> None:
    """Reject the smallest while p_(k) <= alpha / (m - k + 1); stop at the first that is not (Holm 1979)."""
    rng = stream(0, "test")
    for _ in range(200):
        p = (rng.random(6) ** 3).tolist()
        rejected = []
        for k, (one, place) in enumerate(sorted((one, place) for place, one in enumerate(p))):
            if one > 0.05 / (6 - k):
                break
            rejected.append(place)
        assert [place for place, one in enumerate(statistics.holm_adjust(p)) if one <= 0.05] == sorted(rejected)


def test_only_examples_that_one_network_has_right_count() -> None:
    """Both right, both wrong: neither changes a number; 7 against 1 has the tail 2 (1 + 8) / 2^8."""
    first = np.array([True] * 7 + [False] * 1 + [True] * 5 + [False] * 4)
    second = np.array([False] * 7 + [True] * 1 + [True] * 5 + [False] * 4)
    found = statistics.mcnemar(first, second)
    assert (found.only_first, found.only_second) == (7, 1)
    assert found.p == pytest.approx(2 * (1 + 8) / 2**8)
    assert statistics.mcnemar(second, first) == (1, 7, found.p)
    assert statistics.mcnemar(first[:8], second[:8]) == found
    with pytest.raises(ValueError, match="cannot be paired"):
        statistics.mcnemar(first, second[:1])


def test_networks_that_err_alike_give_p_1() -> None:
    """No discordant example, and as many of either kind."""
    right = np.array([True, False, True])
    assert statistics.mcnemar(right, right) == (0, 0, 1.0)
    assert statistics.mcnemar(np.array([True, False]), np.array([False, True])).p == 1


def test_what_comes_back_are_plain_numbers() -> None:
    """Python's int and float, which JSON and CSV write as they are."""
    pairs = statistics.compare_paired([0.9, 0.8, 0.7], [0.8, 0.7, 0.65])
    ranks = statistics.friedman([[1, 2, 3], [2, 1, 3]])
    contingency = statistics.mcnemar(np.array([True, False]), np.array([False, False]))
    counts = [pairs.n, pairs.won, pairs.tied, contingency.only_first, contingency.only_second]
    counts.append(statistics.argbest([0.1, 0.3]))
    assert {type(one) for one in counts} == {int}
    numbers = [
        *(pairs.mean, pairs.sd, *pairs.interval, pairs.effect, *pairs.won_interval),
        *(one for test in statistics.TESTS.values() for one in test(np.array([0.1, 0.2, 0.3]))),
        *(*ranks.average, ranks.p, ranks.critical_difference, contingency.p),
        choice.optimism_leave_one_out(np.array([[0.1, 0.2], [0.3, 0.4]])),
    ]
    assert {type(one) for one in numbers} == {float}


def test_equal_values_have_no_spread_but_by_the_first_rules() -> None:
    """Three times .1 are .1; format 1 took what summing them leaves for a spread."""
    assert statistics.t_interval([0.1] * 3) == (0.1, 0.1)
    low, high = statistics.t_interval([0.1] * 3, rules=RULES_V1)
    assert low < high < low + 1e-15


def test_an_interval_that_covers_two_ends_where_they_end() -> None:
    """Whichever comes first, and where one holds the other."""
    first, second, inner = Interval(0.0, 2.0), Interval(1.0, 3.0), Interval(1.0, 2.0)
    assert statistics.union_interval(first, second) == statistics.union_interval(second, first) == (0.0, 3.0)
    assert statistics.union_interval(first, inner) == first
