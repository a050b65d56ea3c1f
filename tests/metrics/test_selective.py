"""Selective prediction: worked numbers, ties, and bounds that hold for any losses."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_cli.core.rng import stream
from dropout_cli.metrics.selective import RiskCoverage

CONFIDENCE = np.array([0.99, 0.97, 0.9, 0.9, 0.8, 0.7, 0.6, 0.55, 0.5, 0.4])
ERRORS = np.array([0, 0, 0, 1, 0, 0, 1, 0, 1, 1])


def test_the_worked_example() -> None:
    """Ten examples, two of which have the same confidence."""
    curve = RiskCoverage.of(CONFIDENCE, ERRORS)
    assert curve.aurc == pytest.approx(0.20523810, abs=5e-9)
    assert curve.augrc == pytest.approx(0.145, rel=1e-14)
    assert curve.coverage_at(0.25) == 0.8
    assert curve.coverages.tolist() == [0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert curve.risks.tolist() == [0, 0, 1 / 4, 1 / 5, 1 / 6, 2 / 7, 2 / 8, 3 / 9, 4 / 10]


def test_the_coverage_at_a_risk_is_the_largest_and_not_the_first() -> None:
    """The curve crosses .25 at 40 % and again at 80 %; a risk that no share has gives a coverage of 0."""
    curve = RiskCoverage.of(CONFIDENCE, ERRORS)
    assert curve.coverage_at(0.24) == 0.6 and curve.coverage_at(0.4) == 1
    wrong_first = RiskCoverage.of(np.array([3, 2, 1]), np.array([1, 0, 0]))
    assert wrong_first.coverage_at(0.3) == 0 and wrong_first.last_block(0.3) is None
    assert wrong_first.coverage_at(1 / 3) == 1


def test_the_excess_over_the_best_order_has_its_closed_form() -> None:
    """With K mistakes among N, the best order has AURC (1 / N) sum_j j / (N - K + j), j = 1 ... K."""
    curve = RiskCoverage.of(CONFIDENCE, ERRORS)
    best = sum(j / (6 + j) for j in range(1, 5)) / 10
    assert curve.e_aurc == pytest.approx(curve.aurc - best, rel=1e-14)
    assert RiskCoverage.of(-ERRORS.astype(float), ERRORS).e_aurc < curve.e_aurc


def test_a_tie_counts_as_the_mean_over_all_its_orders() -> None:
    """AURC and AUGRC of five examples, three of them tied, are the means over the orders without ties."""
    confidence, losses = np.array([0.9, 0.5, 0.5, 0.5, 0.1]), np.array([1.0, 0.0, 4.0, 2.0, 3.0])
    curve = RiskCoverage.of(confidence, losses)
    orders = [[0, *middle, 4] for middle in itertools.permutations((1, 2, 3))]
    broken = [RiskCoverage.of(-np.arange(5), losses[order]) for order in orders]
    assert curve.aurc == pytest.approx(np.mean([one.aurc for one in broken]), rel=1e-14)
    assert curve.augrc == pytest.approx(np.mean([one.augrc for one in broken]), rel=1e-14)


numbers = st.floats(0, 1e6)


@given(st.lists(st.tuples(st.integers(0, 5), numbers), min_size=1, max_size=30))
def test_the_order_of_a_file_does_not_matter(examples: list[tuple[int, float]]) -> None:
    """Shuffled examples have the same curve, whose end is the mean loss; no order is better than the best one."""
    confidence, losses = (np.array(column, np.float64) for column in zip(*examples, strict=True))
    curve = RiskCoverage.of(confidence, losses)
    order = stream(len(examples), "test:order").permutation(len(examples))
    other = RiskCoverage.of(confidence[order], losses[order])
    np.testing.assert_allclose(curve.risks, other.risks, rtol=1e-12)
    assert curve.aurc == pytest.approx(other.aurc, rel=1e-12)
    assert len(curve.ends) == len(set(confidence)) and curve.ends[-1] == len(examples)
    assert curve.full_risk == pytest.approx(losses.mean(), rel=1e-12)
    assert curve.e_aurc >= -1e-12 * losses.max()
    assert curve.coverage_at(curve.full_risk) == 1


def test_equal_confidence_is_no_choice() -> None:
    """All examples tied: one point, and the areas of a constant risk."""
    curve = RiskCoverage.of(np.ones(4), np.array([0, 0, 1, 0]))
    assert curve.ends.tolist() == [4] and curve.risks.tolist() == [0.25]
    assert curve.aurc == 0.25 and curve.augrc == pytest.approx(0.25 * np.mean([1, 2, 3, 4]) / 4)
    assert curve.coverage_at(0.2) == 0


def test_a_sample_of_blocks_keeps_both_ends() -> None:
    """At most so many whole blocks, rising; all of them if there are no more."""
    curve = RiskCoverage.of(np.repeat(np.arange(5000), 2), np.zeros(10_000))
    kept = curve.sample_blocks(1000)
    assert len(kept) <= 1000 and kept[0] == 0 and kept[-1] == 4999 and (np.diff(kept) > 0).all()
    assert np.diff(curve.coverages[kept]).max() < 0.003
    assert curve.sample_blocks(5000).tolist() == list(range(5000))


@pytest.mark.parametrize(("confidence", "losses"), [([], []), ([np.nan], [0.0]), ([1.0], [np.inf])])
def test_numbers_that_have_no_order_are_refused(confidence: list[float], losses: list[float]) -> None:
    """No examples, NaN and infinities."""
    with pytest.raises(ValueError, match="at least one example, and finite numbers"):
        RiskCoverage.of(np.array(confidence), np.array(losses))
