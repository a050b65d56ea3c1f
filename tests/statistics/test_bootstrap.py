"""The paired bootstrap of two single regressions: p and interval from one distribution, which is that of the errors."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics import bootstrap, paired_bootstrap


def two_runs(seed: int, n: int, targets: int = 1, *, ratio: float = 1.0) -> tuple[Array, Array]:
    """Errors (n, targets) of two runs that correlate by .8, the second's `ratio` times as large."""
    shared, *own = stream(seed, "test").normal(size=(3, n, targets))
    first, second = (math.sqrt(0.8) * shared + math.sqrt(0.2) * one for one in own)
    return first, ratio * second


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(5, 60), st.sampled_from([1.0, 1.1, 1.3, 2.0]), st.booleans(), st.booleans())
def test_the_interval_excludes_0_exactly_where_p_is_below_5_percent(
    seed: int, n: int, ratio: float, root: bool, coarse: bool
) -> None:
    """Also where losses are counts, so that many resamples tie with 0."""
    losses = [np.abs(one) ** 2 if root else np.abs(one) for one in two_runs(seed, n, ratio=ratio)]
    if coarse:
        losses = [np.round(one) for one in losses]
    found = paired_bootstrap(*losses, take_root=root)
    low, high = found.interval
    assert (low > 0 or high < 0) == (found.p < 0.05)
    assert low <= found.difference <= high and 0 < found.p <= 1


def test_p_reaches_5_percent_where_an_end_of_the_interval_reaches_0() -> None:
    """Moved by its lower end and a little, the difference is just shown; by a little less, it is not."""
    first, second = (np.abs(one) for one in two_runs(0, 30))
    low = paired_bootstrap(first, second, take_root=False).interval.low
    shown, hidden = (paired_bootstrap(first - low + by, second, take_root=False) for by in (1e-6, -1e-6))
    assert shown.p < 0.05 <= hidden.p < 0.0505 and shown.p > 0.0495


def test_the_runs_are_interchangeable() -> None:
    """Swapped, all signs turn and p stays."""
    first, second = (one**2 for one in two_runs(1, 25, ratio=1.2))
    one, other = paired_bootstrap(first, second), paired_bootstrap(second, first)
    assert (other.first, other.second, other.difference, other.p) == (one.second, one.first, -one.difference, one.p)
    assert other.interval == (-one.interval.high, -one.interval.low)


def test_networks_with_the_same_losses_have_p_1() -> None:
    """And an interval of zero width; so do networks whose losses differ by rounding alone."""
    first, _ = (one**2 for one in two_runs(2, 25))
    for second in (first, first * (1 + 1e-14)):
        found = paired_bootstrap(first, second)
        assert (*found.interval, found.p) == (0.0, 0.0, 1.0)
        assert paired_bootstrap(first, second, take_root=False).p == 1.0


def test_both_losses_of_an_example_are_drawn_together() -> None:
    """A network that is .25 worse at every example is .25 worse in every resample; p is the smallest that there is."""
    first = np.abs(two_runs(3, 20)[0])
    found = paired_bootstrap(first + 0.25, first, take_root=False)
    assert (found.difference, *found.interval) == pytest.approx((0.25, 0.25, 0.25), rel=1e-12)
    z = -stats.norm.ppf(1 / 10_000)
    assert found.p == pytest.approx(2 * stats.t.sf(z * math.sqrt(19 / 20), 19))


@pytest.mark.parametrize("targets", [1, 3])
def test_errors_are_the_metrics_of_the_runs(targets: int) -> None:
    """RMSE and MAE as scikit-learn has them, means over the targets; losses (n,) are those of one target."""
    errors = two_runs(4, 40, targets, ratio=1.3)
    for root, name in ((True, "root_mean_squared_error"), (False, "mean_absolute_error")):
        losses = [one**2 if root else np.abs(one) for one in errors]
        found = paired_bootstrap(*losses, take_root=root)
        expected = [getattr(metrics, name)(np.zeros_like(one), one) for one in errors]
        assert (found.first, found.second) == pytest.approx(expected)
        assert found.difference == pytest.approx(expected[0] - expected[1])
        if targets == 1:
            assert paired_bootstrap(losses[0][:, 0], losses[1][:, 0], take_root=root) == found


@pytest.mark.parametrize("n", [12, 40, 300])
def test_the_ends_are_percentiles_further_out(n: int) -> None:
    """SciPy's percentile interval at the confidence 1 - 2 Phi(-sqrt(n / (n - 1)) t(.975, n - 1)), drawn elsewhere."""
    first, second = (one[:, 0] for one in two_runs(5, n, ratio=1.2))
    tail = stats.norm.sf(math.sqrt(n / (n - 1)) * stats.t.ppf(0.975, n - 1))

    def difference(one: Array, other: Array, axis: int) -> Array:
        return np.asarray(np.sqrt((one**2).mean(axis=axis)) - np.sqrt((other**2).mean(axis=axis)))

    drawn = {"n_resamples": 99_999, "batch": 1_000, "rng": stream(0, "test")}
    expected = stats.bootstrap(
        (first, second), difference, paired=True, method="percentile", confidence_level=1 - 2 * tail, **drawn
    ).confidence_interval
    found = paired_bootstrap(first**2, second**2)
    assert found.interval == pytest.approx(expected, abs=0.05 * (expected.high - expected.low))


def test_of_many_examples_it_is_the_t_test() -> None:
    """The mean of 2,000 differences of losses is normal, so that p is that of SciPy's paired t-test."""
    first, second = (np.abs(one[:, 0]) for one in two_runs(6, 2_000, ratio=1.02))
    expected = stats.ttest_rel(first, second)
    found = paired_bootstrap(first, second, take_root=False)
    assert 0.02 < expected.pvalue < 0.9
    assert found.p == pytest.approx(expected.pvalue, abs=0.02)
    assert found.interval == pytest.approx(expected.confidence_interval(), rel=0.05)


def test_numbers_are_the_same_tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The draws have a stream of their own, whatever number of them is made at a time; plain floats come back."""
    losses = [one**2 for one in two_runs(7, 20)]
    found = paired_bootstrap(*losses)
    assert paired_bootstrap(*losses) == found
    monkeypatch.setattr(bootstrap, "BATCH_LOSSES", 20 * 700)
    assert paired_bootstrap(*losses) == found
    assert {type(one) for one in (found.first, found.second, found.difference, *found.interval, found.p)} == {float}


def test_what_cannot_be_drawn_is_refused() -> None:
    """Losses of different shapes and too few examples are refused."""
    first, second = (one**2 for one in two_runs(8, 5))
    assert paired_bootstrap(first, second).p > 0
    with pytest.raises(ValueError, match=r"\(5, 1\) cannot be paired with \(4, 1\)"):
        paired_bootstrap(first, second[1:])
    with pytest.raises(ValueError, match="needs 5 examples, got 4"):
        paired_bootstrap(first[1:], second[1:])


@pytest.mark.parametrize("first", [1.0, 1e-9, 1e9])
def test_errors_are_the_same_up_to_a_ten_thousand_millionth_of_their_sum(first: float) -> None:
    """1.5e-10 apart is rounding; 3e-10 is a difference, whichever is the larger."""
    losses = np.full(8, first)
    for same, apart in ((1 + 1.5e-10, 1 + 3e-10), (1 - 1.5e-10, 1 - 3e-10)):
        assert paired_bootstrap(losses, losses * same, take_root=False).p == 1.0
        assert paired_bootstrap(losses, losses * apart, take_root=False).p < 0.05
