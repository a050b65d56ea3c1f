"""Laws of an estimate: interval and p-value are two views of one procedure, for every layout of an experiment."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.t_test import Estimate, estimate_crossed, estimate_mean, estimate_new_examples, hedges_g

FLOOR = 0.5 / 36
LAYOUTS: dict[str, Callable[[Array], Estimate]] = {
    "seeds on one split": lambda values: estimate_mean(values[:, 0].tolist(), smallest_sd=FLOOR),
    "splits": lambda values: estimate_mean(values[:, 0].tolist()),
    "new data": lambda values: estimate_mean(values[:, 0].tolist(), split_ratio=1 / 3),
    "seeds nested in splits": lambda values: estimate_mean(values.mean(axis=1).tolist()),
    "seeds crossed with splits": estimate_crossed,
    "new examples": estimate_new_examples,
}
"""Name -> the estimate of differences (n, several)."""
FLOORED = ("seeds on one split", "new examples")
"""Of equal differences these keep an interval that has a width."""
layouts = pytest.mark.parametrize("layout", LAYOUTS)
quiet = settings(deadline=None, max_examples=150)
counts = st.integers(2, 20)
shifts = st.sampled_from([0.0, 0.2, 0.5, 1.0, 2.0])
steps = st.sampled_from([1, 4, 36, 0])
"""Values are multiples of 1 / step, so that many are tied; 0: any value."""


def differences(seed: int, n: int, shift: float, step: int) -> Array:
    """(n, 2 to 9) normal differences around a shift."""
    rng = stream(seed, "test")
    values = rng.normal(shift, 1, (n, int(rng.integers(2, 10))))
    return np.round(values * step) / step if step else values


@layouts
@quiet
@given(st.integers(0, 2**32), counts, shifts, steps, st.integers(1, 10))
def test_the_interval_excludes_0_exactly_where_p_is_below_5_percent(
    layout: str, seed: int, n: int, shift: float, step: int, comparisons: int
) -> None:
    """This holds with Bonferroni's correction in both, or in neither; the mean is inside."""
    found = LAYOUTS[layout](differences(seed, n, shift, step))
    low, high = found.interval(comparisons=comparisons)
    p = found.p(comparisons=comparisons)
    assert (low > 0 or high < 0) == (p < 0.05)
    assert low <= found.mean <= high and 0 <= p <= 1


@layouts
@quiet
@given(st.integers(0, 2**32), counts, shifts, st.integers(1, 10))
def test_p_is_the_level_at_which_the_interval_reaches_0(
    layout: str, seed: int, n: int, shift: float, comparisons: int
) -> None:
    """At the confidence 1 - p one end is 0, whichever p is."""
    found = LAYOUTS[layout](differences(seed, n, shift, 0))
    p = found.p(comparisons=comparisons)
    if 1e-9 < p < 1:
        ends = found.interval(confidence=1 - p, comparisons=comparisons)
        assert min(map(abs, ends)) == pytest.approx(0, abs=1e-6 * (ends.high - ends.low))


@layouts
@quiet
@given(st.integers(0, 2**32), counts, shifts, steps)
def test_more_comparisons_show_less(layout: str, seed: int, n: int, shift: float, step: int) -> None:
    """p is multiplied by their number up to 1, and each interval holds those of fewer comparisons."""
    found = LAYOUTS[layout](differences(seed, n, shift, step))
    p, inner = found.p(), found.interval()
    for comparisons in range(2, 11):
        outer = found.interval(comparisons=comparisons)
        assert found.p(comparisons=comparisons) == pytest.approx(min(1.0, comparisons * p))
        assert outer.low <= inner.low <= inner.high <= outer.high
        inner = outer


@layouts
@quiet
@given(st.integers(0, 2**32), counts, shifts, steps)
def test_swapped_settings_have_the_mirrored_estimate(layout: str, seed: int, n: int, shift: float, step: int) -> None:
    """All signs turn; p and the standard error stay."""
    values = differences(seed, n, shift, step)
    one, other = LAYOUTS[layout](values), LAYOUTS[layout](-values)
    assert (other.mean, other.se, other.df, other.p()) == pytest.approx((-one.mean, one.se, one.df, one.p()))
    assert other.interval() == pytest.approx((-one.interval().high, -one.interval().low))


@layouts
@quiet
@given(st.integers(0, 2**32), counts, st.integers(-3, 3))
@example(0, 2, 0)
def test_the_order_of_units_does_not_matter(layout: str, seed: int, n: int, power: int) -> None:
    """Nor does the unit of measurement, where no example sets a floor."""
    values = differences(seed, n, 0.5, 0)
    one = LAYOUTS[layout](values)
    again = LAYOUTS[layout](stream(seed, "order").permutation(values))
    assert (again.mean, again.se, again.df, again.p()) == pytest.approx((one.mean, one.se, one.df, one.p()))
    if layout not in FLOORED:
        scaled = LAYOUTS[layout](values * 10.0**power)
        assert (scaled.mean, scaled.se) == pytest.approx((one.mean * 10.0**power, one.se * 10.0**power))
        assert (scaled.df, scaled.p()) == pytest.approx((one.df, one.p()))


@layouts
@pytest.mark.parametrize("n", [2, 3, 7, 20])
def test_no_difference_anywhere_has_p_1(layout: str, n: int) -> None:
    """The interval holds 0, and has a width only where a floor gives one."""
    found = LAYOUTS[layout](np.zeros((n, 5)))
    low, high = found.interval()
    assert (found.mean, found.p(), found.p(comparisons=9)) == (0.0, 1.0, 1.0)
    assert -low == high and (high > 0) == (layout in FLOORED)


@layouts
@pytest.mark.parametrize("n", [2, 3, 7, 20])
@pytest.mark.parametrize("size", [1 / 4, 1 / 36, 0.1])
def test_equal_differences_are_certain_only_without_a_floor(layout: str, n: int, size: float) -> None:
    """No spread: p is 0 but for rounding; a floor counts as the spread, and p follows from its t."""
    found = LAYOUTS[layout](np.full((n, 5), size))
    low, high = found.interval()
    assert found.mean == pytest.approx(size)
    assert (low > 0) == (found.p() < 0.05)
    if layout in FLOORED:
        assert high - low > 0.01 / n
        assert found.p() == pytest.approx(2 * stats.t.sf(size / found.se, found.df))
    else:
        assert found.p() < 1e-12 and high - low < 1e-12


@quiet
@given(st.integers(0, 2**32), counts, shifts, steps, st.floats(0, 2))
def test_a_floor_only_widens(seed: int, n: int, shift: float, step: int, floor: float) -> None:
    """The standard deviation is the larger of the two, and the standard error follows."""
    values = differences(seed, n, shift, step)[:, 0].tolist()
    plain, floored = estimate_mean(values), estimate_mean(values, smallest_sd=floor)
    assert floored.sd == max(plain.sd, floor)
    assert (floored.mean, floored.df, floored.n) == (plain.mean, n - 1, n)
    assert floored.se == pytest.approx(floored.sd / math.sqrt(n))


@quiet
@given(st.integers(0, 2**32), counts, shifts)
def test_over_units_is_the_t_test(seed: int, n: int, shift: float) -> None:
    """SciPy's one-sample test and its interval."""
    values = differences(seed, n, shift, 0)[:, 0]
    found, expected = estimate_mean(values.tolist()), stats.ttest_1samp(values, 0)
    assert found.p() == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.interval(confidence=0.9) == pytest.approx(expected.confidence_interval(0.9))


@quiet
@given(st.integers(0, 2**32), counts, st.integers(2, 20), steps)
def test_a_crossed_layout_is_never_surer_than_its_splits_or_its_seeds(
    seed: int, splits: int, seeds: int, step: int
) -> None:
    """Its standard error is at least that of the means of either."""
    rng = stream(seed, "test")
    values = rng.normal(0, 1, (splits, 1)) + rng.normal(0, rng.choice([0, 1]), (1, seeds))
    values = values + rng.normal(0, rng.choice([0, 1, 3]), (splits, seeds))
    values = np.round(values * step) / step if step else values
    found = estimate_crossed(values)
    for means in (values.mean(axis=0), values.mean(axis=1)):
        assert found.se >= estimate_mean(means.tolist()).se * (1 - 1e-9)
    assert 0 < found.df <= splits * seeds


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_units_give_neither_interval_nor_p(n: int) -> None:
    """NaN, which is neither below 5 percent nor above; one value is its own mean."""
    found = estimate_mean([0.25] * n)
    assert found.mean == 0.25 if n else math.isnan(found.mean)
    numbers = (found.se, found.df, found.sd, found.p(), *found.interval(), hedges_g(found))
    assert all(math.isnan(one) for one in numbers)


def by_two_factors(values: Array, *, counted: bool) -> tuple[float, float, float]:
    """The mean, its variance for new seeds and examples, and Satterthwaite's df; by sums over pairs of seeds."""
    seeds, examples = values.shape
    means = [sum(row) / examples for row in values.tolist()]
    mean = sum(means) / seeds
    rest = values - np.array(means)[:, None]
    pairs = [float(rest[a] @ rest[b]) / (examples - 1) for a in range(seeds) for b in range(seeds) if a != b]
    of_examples = max(sum(pairs) / len(pairs), 1 / examples if counted else 0.0) / examples
    spread = math.sqrt(sum((one - mean) ** 2 for one in means) / (seeds - 1))
    of_seeds = max(spread, 0.5 / examples if counted else 0.0) ** 2 / seeds
    variance = of_seeds + of_examples
    return mean, variance, variance**2 / (of_seeds**2 / (seeds - 1) + of_examples**2 / (examples - 1))


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize(("seeds", "examples"), [(2, 5), (3, 40), (6, 9)])
def test_new_seeds_and_new_examples_add_their_variances(seeds: int, examples: int, counted: bool) -> None:
    """That of examples is what two seeds share: the mean of their covariances. Counts have floors, losses none."""
    rng = stream(seeds, "test")
    for values in (
        rng.normal(0.3, 1, (1, examples)) + rng.normal(0, 0.5, (seeds, 1)) + rng.normal(0, 1, (seeds, examples)),
        rng.integers(-1, 2, (seeds, examples)).astype(float),
        1e-4 * (np.arange(examples) + np.arange(seeds)[:, None]),
    ):
        found = estimate_new_examples(values, is_count=counted)
        assert (found.mean, found.se**2, found.df) == pytest.approx(by_two_factors(values, counted=counted))
        assert found.n == seeds
        if counted:
            assert found == estimate_new_examples(values) and found.se**2 >= (0.25 / seeds + 1) / examples**2 * (
                1 - 1e-9
            )


def test_losses_have_no_floor_in_any_unit() -> None:
    """Millionths are estimated as millions are; equal differences are certain."""
    values = stream(0, "test").normal(0.3, 1, (4, 12))
    one, small = estimate_new_examples(values, is_count=False), estimate_new_examples(values * 1e-6, is_count=False)
    assert (small.mean, small.se, small.sd) == pytest.approx((one.mean * 1e-6, one.se * 1e-6, one.sd * 1e-6))
    assert (small.df, small.p()) == pytest.approx((one.df, one.p()))
    equal = estimate_new_examples(np.full((3, 8), 0.25), is_count=False)
    assert (equal.mean, equal.se, equal.df, equal.sd, equal.p()) == (0.25, 0.0, 2, 0.0, 0.0)
    assert estimate_new_examples(np.zeros((3, 8)), is_count=False).p() == 1.0


@pytest.mark.parametrize("floor", [0.0, 0.01, 5.0])
def test_a_crossed_layout_has_the_mean_squares_of_its_table(floor: float) -> None:
    """The largest of their sum less the residual, either alone, and the floor; df are those of what is largest."""
    for seed in range(12):
        rng = stream(seed, "test")
        splits, seeds = (int(one) for one in rng.integers(2, 7, 2))
        values = rng.normal(0, 1, (splits, 1)) * rng.choice([0, 2]) + rng.normal(0, 1, (1, seeds)) * rng.choice([0, 2])
        values = values + rng.normal(0, 1, (splits, seeds))
        a = seeds * np.var(values.mean(axis=1), ddof=1)
        b = splits * np.var(values.mean(axis=0), ddof=1)
        rest = values - values.mean(axis=1)[:, None] - values.mean(axis=0)[None] + values.mean()
        c = np.sum(rest**2) / ((splits - 1) * (seeds - 1))
        satterthwaite = (a + b - c) ** 2 / (
            a**2 / (splits - 1) + b**2 / (seeds - 1) + c**2 / ((splits - 1) * (seeds - 1))
        )
        kinds = [(floor**2, min(splits, seeds) - 1), (a + b - c, satterthwaite), (a, splits - 1), (b, seeds - 1)]
        square, df = max(kinds)
        found = estimate_crossed(values, smallest_sd=floor)
        assert (found.se, found.df) == pytest.approx((math.sqrt(square / (splits * seeds)), df))
        assert (found.mean, found.sd, found.n) == pytest.approx((values.mean(), math.sqrt(square), splits))


def test_splits_and_seeds_that_weigh_alike_have_the_df_of_splits() -> None:
    """Both mean squares are 6, the residual one is 18, and 6 + 6 - 18 is less than either."""
    found = estimate_crossed(np.array([[5.0, -1, -1], [-3, 3, -3]]))
    assert (found.mean, found.se, found.df) == (0.0, 1.0, 1.0)
    assert estimate_crossed(np.array([[5.0, -1, -1], [-3, 3, -3]]).T).df == 2.0


def test_hedges_g_is_unbiased() -> None:
    """The mean over 20,000 samples of 5 is the true ratio, within 5 standard errors; of two units it is 0."""
    samples = stream(0, "test").normal(0.8, 1, (20_000, 5))
    found = np.array([hedges_g(estimate_mean(one.tolist())) for one in samples])
    assert abs(found.mean() - 0.8) < 5 * found.std() / math.sqrt(len(found))
    assert hedges_g(estimate_mean([0.1, 0.3])) == 0.0
    assert math.isnan(hedges_g(estimate_mean([0.1, 0.1, 0.1])))
