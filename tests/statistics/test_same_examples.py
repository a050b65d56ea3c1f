"""Intervals of two networks on the same examples: coverage, and agreement with the tests."""

import numpy as np
import pytest

from dropout_cli import statistics
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array


def right(first_only: int, second_only: int, n: int) -> tuple[Array, Array]:
    """Return which of n examples each network has right; both have the rest right."""
    first, second = np.ones(n, bool), np.ones(n, bool)
    first[:second_only] = False
    second[second_only : second_only + first_only] = False
    return first, second


@pytest.mark.parametrize("n", [50, 1000])
def test_the_interval_excludes_0_where_mcnemars_exact_test_is_significant(n: int) -> None:
    """For up to 12 examples on one side, but for at most two numbers on the other side, at the border."""
    for c in range(13):
        found = [statistics.accuracy_difference_interval(*right(b, c, n)).low > 0 for b in range(c, 30)]
        exact = [statistics.mcnemar(*right(b, c, n)).p < 0.05 for b in range(c, 30)]
        assert sum(one != other for one, other in zip(found, exact, strict=True)) <= 2
        assert found == sorted(found)  # more wins never undo a verdict


@pytest.mark.parametrize(("p", "q"), [(0.01, 0.01), (0.1, 0.05), (0.87, 0.0), (0.3, 0.3)])
@pytest.mark.parametrize("n", [60, 400])
def test_the_interval_of_a_difference_covers_it(p: float, q: float, n: int) -> None:
    """In at least 95 % of 4,000 samples, less five standard errors, .017."""
    drawn = stream(0, "test:paired").multinomial(n, [p, q, 1 - p - q], size=4_000)
    inside = 0
    for b, c, _ in drawn.tolist():
        low, high = statistics.accuracy_difference_interval(*right(b, c, n))
        inside += low <= p - q <= high
    assert inside / len(drawn) > 0.95 - 0.017


def test_equal_networks_have_an_interval_with_a_width() -> None:
    """No discordant example does not prove equality; swapping the networks swaps the ends."""
    low, high = statistics.accuracy_difference_interval(*right(0, 0, 100))
    assert low == -high and 0.01 < high < 0.05
    one, other = right(7, 3, 100)
    low, high = statistics.accuracy_difference_interval(one, other)
    assert statistics.accuracy_difference_interval(other, one) == pytest.approx((-high, -low))


def test_the_normal_interval_of_many_examples_is_that_of_the_bootstrap() -> None:
    """Ends agree to 3 % of the width, 2.7 standard errors of a percentile of 9,999 resamples, for two targets, too."""
    rng = stream(0, "test:losses")
    first = rng.standard_normal((5_000, 2)) ** 2
    second = (0.7 * np.sqrt(first) + 0.8 * np.abs(rng.standard_normal((5_000, 2)))) ** 2
    large = statistics.rmse_difference_interval(first, second)  # 10,000 losses
    drawn = statistics.paired_bootstrap(first, second).interval
    np.testing.assert_allclose(large, drawn, atol=0.03 * (drawn.high - drawn.low))
    few = statistics.rmse_difference_interval(first[:50], second[:50])
    assert few == statistics.paired_bootstrap(first[:50], second[:50]).interval
