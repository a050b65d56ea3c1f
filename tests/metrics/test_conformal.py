"""Split conformal prediction: the threshold, its coverage, intervals and sets."""

import math

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.metrics import conformal


@pytest.mark.parametrize(("coverage", "smallest"), [(0.95, 19), (0.9, 9), (0.99, 99), (0.5, 1), (0.3, 1), (0.8, 4)])
def test_too_few_examples_have_an_infinite_threshold(coverage: float, smallest: int) -> None:
    """From coverage / (1 - coverage) examples on, the threshold is a score: with so few, the largest."""
    assert conformal.min_conformal_examples(coverage) == smallest
    assert conformal.conformal_threshold(np.arange(float(smallest)), coverage) == smallest - 1
    assert conformal.conformal_threshold(np.arange(smallest - 1.0), coverage) == math.inf


def test_rounding_does_not_raise_the_rank() -> None:
    """100 * .29 is 28.999999999999996 and 100 * .07 is 7.000000000000001: ranks 29 and 7."""
    scores = np.arange(99.0)
    assert conformal.conformal_threshold(scores, 0.29) == 28
    assert 100 * 0.07 > 7 and conformal.conformal_threshold(scores, 0.07) == 6


@pytest.mark.parametrize(("n", "coverage"), [(19, 0.95), (50, 0.9), (50, 0.95), (30, 0.5)])
def test_the_coverage_of_exchangeable_scores_is_k_over_n_plus_1(n: int, coverage: float) -> None:
    """Within 4 binomial standard errors of 20,000 draws of n held-out scores and a new one."""
    draws = 20_000
    scores = stream(0, f"test:conformal:{coverage}", n).exponential(size=(draws, n + 1))
    held = np.mean([one[-1] <= conformal.conformal_threshold(one[:-1], coverage) for one in scores])
    expected = math.ceil((n + 1) * coverage - 1e-9) / (n + 1)
    assert abs(held - expected) < 4 * math.sqrt(expected * (1 - expected) / draws)


def test_intervals_contain_the_true_values_with_small_scores() -> None:
    """y is in the interval just if |y - m| / s is at most the threshold; an infinite threshold contains all."""
    rng = stream(0, "test:intervals")
    mean, sd, true = rng.normal(size=200), rng.uniform(0.1, 3, 200), rng.normal(size=200) * 3
    lower, upper = conformal.conformal_intervals(mean, sd, 1.3)
    np.testing.assert_array_equal((lower <= true) & (true <= upper), np.abs(true - mean) / sd <= 1.3)
    lower, upper = conformal.conformal_intervals(mean, sd, math.inf)
    assert (lower == -math.inf).all() and (upper == math.inf).all()


def test_sets_have_the_classes_of_a_small_score() -> None:
    """They are those with 1 - p_c <= q, the likeliest first, as MAPIE's; a set may be empty."""
    probs = np.array([[0.7, 0.2, 0.1], [0.35, 0.25, 0.4], [1.0, 0.0, 0.0], [0.45, 0.05, 0.5]])
    with np.errstate(divide="ignore"):
        scores = conformal.conformal_class_scores(np.log(probs))
    q = 1 - 0.36
    found = conformal.conformal_sets(scores, -math.log(1 - q), ("a", "b", "c"))
    assert found == [("a",), ("c",), ("a",), ("c", "a")]
    assert conformal.conformal_sets(scores, -math.log(0.6), ("a", "b", "c"))[1] == ()
    assert all(len(one) == 3 for one in conformal.conformal_sets(scores, math.inf, ("a", "b", "c")))


def test_scores_order_sure_predictions() -> None:
    """Log-probabilities that round to 1 and to 0 as probabilities still have different scores."""
    scores = conformal.conformal_class_scores(np.array([[-1e-20, -46.0], [-1e-21, -48.0]]))
    assert scores[0, 0] > scores[1, 0] > 0 and scores[0, 1] < scores[1, 1]
