"""Comparisons of paired runs: exact enumeration, the limit beyond which patterns are drawn, ties, single pairs."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from dropout_cli import statistics
from dropout_cli.core.rng import stream


def test_the_tests_have_their_names() -> None:
    """The words of `compare --test` and of sweep files."""
    assert set(statistics.TESTS) == {"sign_flip", "t", "wilcoxon"}


def test_a_comparison_is_the_sum_of_its_parts() -> None:
    """Six pairs of which 3 are won, 2 tied and 1 lost: the interval, effect and p are those of the differences."""
    base = [0.5, 0.25, 0.75, 0.5, 0.25, 0.125]
    differences = [0.125, 0.0, 0.25, 0.0, 0.0625, -0.03125]
    values = np.add(base, differences).tolist()
    for name, test in statistics.TESTS.items():
        found = statistics.compare_paired(values, base, test=name, split_ratio=0.25)
        assert (found.n, found.won, found.tied) == (6, 3, 2)
        assert found.mean == np.mean(differences)
        assert found.sd == pytest.approx(np.std(differences, ddof=1))
        assert found.effect == pytest.approx(np.mean(differences) / np.std(differences, ddof=1))
        assert found.interval == statistics.t_interval(differences, split_ratio=0.25)
        assert found.won_interval == statistics.wilson_interval(3, 4)
        assert found.test == pytest.approx(test(np.array(differences)), nan_ok=True)
    assert statistics.compare_paired(values, base) == statistics.compare_paired(
        values, base, test="sign_flip", split_ratio=0.0
    )
    lower = statistics.compare_paired(values, base, larger_is_better=False)
    assert (lower.won, lower.tied, lower.won_interval) == (1, 2, statistics.wilson_interval(1, 4))


def test_one_pair_is_no_sample() -> None:
    """Mean, and who won; no spread, interval, effect or p."""
    found = statistics.compare_paired([0.75], [0.5])
    assert (found.n, found.mean, found.won, found.tied) == (1, 0.25, 1, 0)
    unknown = [found.sd, *found.interval, found.effect, *found.test]
    assert all(math.isnan(one) for one in unknown)


def test_two_pairs_are_tested() -> None:
    """The smallest sample: of four sign patterns two are as far out, and Student's p comes from one degree of freedom.

    With differences a and b, t = (a + b) / |a - b|, and p = 1 - 2 / pi arctan t.
    """
    values, base = [0.75, 1.0], [0.5, 0.5]
    found = statistics.compare_paired(values, base)
    assert found.test == (0.5, 0.5)
    assert found.sd == pytest.approx(0.25 / math.sqrt(2))
    assert found.interval == statistics.t_interval([0.25, 0.5])
    assert statistics.compare_paired(values, base, test="t").test.p == pytest.approx(1 - 2 / math.pi * math.atan(3))


def test_pairs_without_a_difference_have_no_share_won() -> None:
    """All are ties; the effect size would be a division by zero, and is left out."""
    found = statistics.compare_paired([0.5, 0.75], [0.5, 0.75])
    assert (found.won, found.tied, found.test) == (0, 2, (1.0, 1.0))
    assert all(math.isnan(one) for one in (*found.won_interval, found.effect))


def test_a_clean_sweep_has_a_share_won() -> None:
    """All won or all lost: Wilson's interval of n of n, or of 0 of n."""
    values, base = [0.75, 1.0, 0.5], [0.5, 0.5, 0.25]
    assert statistics.compare_paired(values, base).won_interval == statistics.wilson_interval(3, 3)
    assert statistics.compare_paired(base, values).won_interval == statistics.wilson_interval(0, 3)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3, 1e6])
def test_a_tie_in_decimal_is_a_tie_in_every_unit(unit: float) -> None:
    """.1 + .2 and .3 differ in their last bits, which no change of unit makes a difference; a real one stays."""
    values = unit * np.array([0.1 + 0.2, 0.98 - 0.96, 0.5, 0.71])
    found = statistics.compare_paired(values.tolist(), (unit * np.array([0.3, 0.02, 0.5, 0.7])).tolist())
    assert (found.won, found.tied) == (1, 3)


@pytest.mark.parametrize("n", [3, 6, 10])
def test_wilcoxons_p_counts_the_rank_sums_of_all_patterns(n: int) -> None:
    """P(W+ as far from its mean as observed), every subset of the ranks 1..n being as likely."""
    differences = stream(n, "test").normal(0.5, 1, n)
    ranks = np.argsort(np.argsort(np.abs(differences))) + 1
    middle = n * (n + 1) / 4
    sums = np.array([np.dot(chosen, ranks) for chosen in itertools.product((0, 1), repeat=n)])
    far = np.abs(sums - middle) >= abs(ranks[differences > 0].sum() - middle)
    found = statistics.TESTS["wilcoxon"](differences)
    assert found.p == pytest.approx(far.mean())
    assert found.smallest == 2.0 ** (1 - n)


@pytest.mark.parametrize(
    ("differences", "p"), [([1.0] * 14, 2.0**-13), ([2.0] * 50, 2.0**-49), ([1.0, -1.0] * 8 + [2.0], 1 - 11440 / 2**16)]
)
def test_wilcoxons_p_is_exact_where_ranks_are_shared(differences: list[float], p: float) -> None:
    """For 14 and 50 equal differences, only the two patterns with one sign are as extreme."""
    found = statistics.TESTS["wilcoxon"](np.array(differences))
    assert found.p == p
    assert found.p >= found.smallest


def test_nothing_but_ties_shows_nothing() -> None:
    """P is 1, and so is the smallest p that could have come out."""
    zeros = np.zeros(5)
    assert statistics.TESTS["wilcoxon"](zeros) == statistics.TESTS["sign_flip"](zeros) == (1.0, 1.0)


def test_sixteen_pairs_are_counted_and_seventeen_drawn() -> None:
    """With one sign everywhere: 2 of 2^16 patterns; of 17 pairs p is (k + 1) / 100,000, with k of mean 1.5."""
    differences = np.linspace(1, 2, 17)
    sign_flip = statistics.TESTS["sign_flip"]
    assert sign_flip(differences[:16]) == (2.0**-15, 2.0**-15)
    drawn = sign_flip(differences)
    k = drawn.p * 100_000 - 1
    assert k == pytest.approx(round(k), abs=1e-6) and 0 <= k < 1.5 + 6 * math.sqrt(1.5)
    assert drawn.smallest == max(2.0**-16, 1e-5)


def test_drawn_patterns_come_from_a_stream_of_their_own() -> None:
    """SciPy's permutation test with 99,999 patterns of `statistics:sign_flip`: tomorrow's p-values are today's."""
    differences = np.array([3, -1, 4, 1, -5, 9, 2, -6, 5, 3, 5, -8, 9, 7, -9, 3, 2]) / 8
    drawn = stats.permutation_test(
        (differences,),
        lambda one, axis: np.abs(one.sum(axis=axis)),
        permutation_type="samples",
        alternative="greater",
        n_resamples=99_999,
        rng=stream(0, "statistics:sign_flip"),
    )
    assert statistics.TESTS["sign_flip"](differences).p == drawn.pvalue


def test_no_p_is_below_the_smallest() -> None:
    """`smallest_p` is 2^(1 - untied) while all patterns are gone through, and 1 / 100,000 where they are drawn."""
    assert [statistics.smallest_p(untied, 6) for untied in (0, 1, 2, 6)] == [1, 1, 0.5, 2 / 64]
    assert statistics.smallest_p(16, 16) == 2.0**-15
    assert statistics.smallest_p(17, 17) == 2.0**-16
    assert statistics.smallest_p(30, 30) == 1e-5
    assert statistics.smallest_p(3, 30) == 0.25


@pytest.mark.parametrize("n", [5, 12])
def test_the_first_rules_flip_signs_of_means_as_they_are(n: int) -> None:
    """For differences without ties, the first and the latest rules give the p-value of all patterns."""
    found = stream(n, "test").normal(0.4, 1, n)
    patterns = np.array(list(itertools.product((1, -1), repeat=n)))
    expected = np.mean(np.abs(patterns @ found) >= abs(found.sum()) * (1 - 1e-12))
    for rules in (1, 2):
        assert statistics.compare_paired(found.tolist(), [0.0] * n, rules=rules).test.p == pytest.approx(expected)


def test_the_first_rules_take_a_trillionth_of_the_baseline_for_a_tie() -> None:
    """Less than 1e-12 of the largest value of the baseline is 0; more is a difference, also beside a baseline of 0."""
    base = [2.0, 1.0, 0.5]
    found = statistics.compare_paired([2.0 + 1e-12, 1.0 - 4e-12, 0.5], base, rules=1)
    assert (found.won, found.tied) == (0, 2)
    assert statistics.compare_paired([1e-30, 0.0, 0.0], [0.0] * 3, rules=1).won == 1
