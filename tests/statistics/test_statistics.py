"""Statistics against independent computations: closed forms, SciPy, published examples, and simulation."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from dropout_cli import statistics
from dropout_cli.core.rng import stream
from dropout_cli.metrics import larger_is_better
from dropout_cli.statistics.paired_tests import EXACT_PAIRS, sign_flip, t_test, wilcoxon

DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]) / 8
"""Fisher (1935), The Design of Experiments, section 21: Darwin's maize, crossed minus self-fertilized, inches."""


def test_sign_flips_of_darwins_maize_give_fishers_p() -> None:
    """1,726 of 32,768 sign patterns have a sum as far from 0 as the observed one."""
    found = sign_flip(DARWIN)
    assert found.p == pytest.approx(1726 / 32768)
    assert found.smallest == 2 / 32768


def test_the_t_test_of_darwins_maize_gives_fishers_t() -> None:
    """Fisher's t is 2.148 with 14 degrees of freedom."""
    assert t_test(DARWIN).p == pytest.approx(2 * stats.t.sf(2.148, 14), rel=2e-3)


@pytest.mark.parametrize("n", [2, 5, 9])
def test_sign_flips_are_all_gone_through(n: int) -> None:
    """The exact p is a count over the 2^n patterns."""
    differences = stream(n, "test").normal(0.4, 1, n)
    patterns = np.array(list(itertools.product((-1, 1), repeat=n)))
    counted = np.mean(np.abs(patterns @ differences) >= abs(differences.sum()) - 1e-12)
    assert sign_flip(differences).p == pytest.approx(counted)
    assert sign_flip(np.abs(differences)).p == pytest.approx(2.0 ** (1 - n)) == sign_flip(differences).smallest


def test_many_pairs_draw_their_patterns_always_the_same() -> None:
    """Above the exact limit p is estimated, near the t-test's for normal values, and repeats."""
    differences = stream(1, "test").normal(0.3, 1, EXACT_PAIRS + 14)
    found = sign_flip(differences)
    assert found == sign_flip(differences)
    assert found.p == pytest.approx(t_test(differences).p, abs=0.02)
    assert found.smallest == pytest.approx(1e-5)


def test_a_tie_takes_no_part_in_what_p_can_be_at_best() -> None:
    """Two of six pairs tied: the 2^6 patterns give no more than the 2^4 of the others; Student's test has no bound."""
    tied = np.array([0.1, 0.2, 0, 0.3, 0, 0.4])
    assert sign_flip(tied) == wilcoxon(tied) == (2 / 16, 2 / 16)
    assert sign_flip(np.zeros(4)).smallest == 1
    many = np.concatenate([np.zeros(EXACT_PAIRS), [1, 2, 3]])
    assert sign_flip(many).smallest == 2 / 8
    assert sign_flip(many).p == pytest.approx(2 / 8, abs=0.01)
    assert math.isnan(t_test(tied).smallest)


def test_differences_without_spread_are_no_division_by_zero() -> None:
    """All the same: certain where they are not 0, nothing shown where they are."""
    zero, same = np.zeros(6), np.full(6, 0.5)
    assert sign_flip(zero).p == t_test(zero).p == wilcoxon(zero).p == 1
    assert t_test(same).p == 0
    assert sign_flip(same).p == wilcoxon(same).p == 2 / 64
    assert math.isnan(statistics.compare_paired([1.0, 1.0], [1.0, 1.0]).effect)


def test_a_comparison_counts_what_is_better() -> None:
    """Wins follow the metric's direction; ties count for neither; the difference is setting minus baseline."""
    values, base = [0.9, 0.8, 0.7, 0.6], [0.8, 0.8, 0.6, 0.65]
    up = statistics.compare_paired(values, base)
    down = statistics.compare_paired(values, base, larger_is_better=False)
    assert (up.won, up.tied, down.won) == (2, 1, 1)
    assert up.mean == down.mean == pytest.approx(0.0375)
    assert up.effect == pytest.approx(0.0375 / np.std(np.subtract(values, base), ddof=1))
    assert up.won_interval == statistics.wilson_interval(2, 3)
    with pytest.raises(ValueError, match="cannot be paired"):
        statistics.compare_paired([1.0], [1.0, 2.0])
    assert not larger_is_better("test.nll")
    assert larger_is_better("val.macro_f1")


def test_holms_example() -> None:
    """The smallest p times m, the next times m - 1, never falling; NaN takes no part."""
    assert statistics.holm_adjust([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    found = statistics.holm_adjust([0.2, math.nan, 0.9])
    assert (found[0], found[2]) == pytest.approx((0.4, 0.9))
    assert math.isnan(found[1])


def test_wilsons_interval_is_its_closed_form() -> None:
    """(p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)."""
    z = stats.norm.ppf(0.975)
    for won, n in ((0, 5), (3, 5), (9, 10), (20, 20)):
        p = won / n
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        expected = [(middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)]
        assert statistics.wilson_interval(won, n) == pytest.approx(expected, abs=1e-12)


def test_t_intervals_hold_the_mean_as_often_as_they_say() -> None:
    """Over 10,000 samples of 5 normal values: 95 +- 1.5 %."""
    samples = stream(2, "test").normal(1, 2, (10_000, 5))
    held = 0
    for sample in samples:
        low, high = statistics.t_interval(sample.tolist())
        held += low <= 1 <= high
    assert abs(held / len(samples) - 0.95) <= 0.015


def test_one_value_has_no_interval() -> None:
    """NaN, not zero width."""
    assert all(math.isnan(end) for end in statistics.t_interval([0.5]))


def test_overlapping_splits_widen_the_interval() -> None:
    """Nadeau and Bengio: sqrt(1/n + test/train) in place of sqrt(1/n)."""
    values = [0.91, 0.93, 0.9, 0.94]
    plain, corrected = statistics.t_interval(values), statistics.t_interval(values, split_ratio=0.25)
    assert (corrected.high - corrected.low) / (plain.high - plain.low) == pytest.approx(math.sqrt(0.5 / 0.25))


@pytest.mark.parametrize("test", sorted(statistics.TESTS))
def test_true_nulls_are_rejected_rarely(test: str) -> None:
    """At .05, at most .05 plus three standard errors of the simulation; Holm's family of three likewise."""
    trials, rng = 500, stream(3, "test")
    rejected = family = 0
    for _ in range(trials):
        p = [statistics.TESTS[test](rng.normal(0, 1, 8)).p for _ in range(3)]
        rejected += p[0] <= 0.05
        family += min(statistics.holm_adjust(p)) <= 0.05
    most = 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)
    assert rejected / trials <= most
    assert family / trials <= most


def test_mcnemars_exact_test() -> None:
    """It is the two-sided binomial tail of 10 + 2 discordant examples."""
    first = np.array([True] * 10 + [False] * 2 + [True] * 30)
    second = np.array([False] * 10 + [True] * 2 + [True] * 30)
    found = statistics.mcnemar(first, second)
    assert (found.only_first, found.only_second) == (10, 2)
    assert found.p == pytest.approx(2 * sum(math.comb(12, k) for k in range(3)) / 2**12)
    assert statistics.mcnemar(first, first).p == 1


def test_ranks_follow_friedmans_and_nemenyis_formulas() -> None:
    """Without ties chi2 = 12 N / (k (k + 1)) (sum R^2 - k (k + 1)^2 / 4); the q of four settings is Demsar's 2.569."""
    table = stream(5, "test").normal(np.array([0, 0.2, 0.4, 1]), 1, (14, 4))
    found = statistics.friedman(table.tolist())
    ranks = np.mean([[1 + sum(other > one for other in row) for one in row] for row in table], axis=0)
    assert found.average == pytest.approx(ranks.tolist())
    chi2 = 12 * 14 / 20 * (np.sum(ranks**2) - 4 * 25 / 4)
    assert found.p == pytest.approx(stats.chi2.sf(chi2, 3))
    assert found.critical_difference == pytest.approx(2.569 * math.sqrt(20 / (6 * 14)), rel=1e-3)
    turned = statistics.friedman((-table).tolist(), larger_is_better=False)
    assert turned.average == found.average
    with pytest.raises(ValueError, match="two datasets"):
        statistics.friedman([[1, 2]])
