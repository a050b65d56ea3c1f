"""The ECE that a perfectly calibrated model has by chance."""

from itertools import product

import numpy as np
import pytest

from dropout_cli import metrics
from dropout_cli.core.types import Array
from dropout_cli.metrics.ece_by_chance import WIDE, expected_gap
from dropout_cli.metrics.formulas.classification import ece, ece_if_calibrated


def softmax(n: int, classes: int, spread: float) -> Array:
    """Probabilities (n, classes) of Gaussian logits."""
    p = np.exp(spread * np.random.default_rng(n).normal(size=(n, classes)))
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def by_convolution(confidence: Array) -> float:
    """E|S - E S| from the exact distribution of S, one example after the other."""
    chances = np.ones(1)
    for one in confidence:
        chances = np.convolve(chances, [1 - one, one])
    return float(np.sum(chances * np.abs(np.arange(len(chances)) - confidence.sum())))


@pytest.mark.parametrize("confidence", [[0.5], [0.9, 0.35], [1.0], [0.99] * 8, [0.2, 0.5, 0.7, 1.0, 0.001]])
def test_the_mean_gap_is_that_over_all_outcomes(confidence: list[float]) -> None:
    """Every pattern of right and wrong predictions is weighted by its probability."""
    c = np.array(confidence)
    outcomes = np.array(list(product([0, 1], repeat=len(c))))
    weights = np.prod(np.where(outcomes, c, 1 - c), axis=1)
    assert expected_gap(c) == pytest.approx(np.sum(weights * np.abs(outcomes.sum(axis=1) - c.sum())), abs=1e-12)


@pytest.mark.parametrize("n", [30, 300, 500])
def test_the_mean_gap_is_that_of_the_exact_distribution(n: int) -> None:
    """Also where S has hundreds of values, and only those around its mean are computed."""
    c = np.random.default_rng(n).uniform(0.2, 1.0, n)
    assert float(np.sum(c * (1 - c))) < WIDE
    assert expected_gap(c) == pytest.approx(by_convolution(c), rel=1e-9)


def test_a_wide_sum_is_taken_as_a_gaussian() -> None:
    """Just above the bound the two agree to 1 in 1,000."""
    c = np.random.default_rng(0).uniform(0.2, 1.0, 600)
    assert WIDE < float(np.sum(c * (1 - c))) < 1.2 * WIDE
    assert expected_gap(c) == pytest.approx(by_convolution(c), rel=1e-3)


@pytest.mark.parametrize(("n", "classes", "spread"), [(40, 3, 1.0), (360, 10, 5.0), (2000, 10, 1.0), (500, 2, 3.0)])
def test_it_is_the_mean_ece_of_labels_drawn_from_the_probabilities(n: int, classes: int, spread: float) -> None:
    """Within 5 standard errors of 1,000 draws."""
    probs = softmax(n, classes, spread)
    rng, edges = np.random.default_rng(1), probs.cumsum(axis=1)[:, :-1]
    names = [str(c) for c in range(classes)]
    drawn = [
        ece(metrics.ClassPredictions.of(probs, (rng.random((n, 1)) > edges).sum(axis=1), names)) for _ in range(1_000)
    ]
    found = ece_if_calibrated(metrics.ClassPredictions.of(probs, np.zeros(n, np.intp), names))
    assert abs(found - np.mean(drawn)) < 5 * np.std(drawn) / np.sqrt(len(drawn))


def test_it_does_not_depend_on_the_labels() -> None:
    """It is the gap that is expected for these probabilities."""
    probs, names = softmax(50, 4, 2.0), list("abcd")
    found = {ece_if_calibrated(metrics.ClassPredictions.of(probs, np.full(50, c), names)) for c in range(4)}
    assert len(found) == 1


def test_a_model_that_is_sure_of_everything_would_have_none() -> None:
    """Also where float32 rounds a probability to a little more than 1."""
    probs = np.array([[np.nextafter(np.float32(1), np.float32(2)), 0.0]] * 5, np.float32)
    assert ece_if_calibrated(metrics.ClassPredictions.of(probs, np.zeros(5, np.intp), ["a", "b"])) == 0


def test_a_summary_has_it_beside_the_ece_and_runs_are_not_compared_by_it() -> None:
    """Smaller is not better: it depends on how sure a model is, not on whether it is right."""
    scores = list(metrics.score_classes(softmax(20, 3, 1.0), np.zeros(20, np.intp), list("abc")))
    assert scores[scores.index("ece") + 1] == "ece_if_calibrated"
    assert "ece_if_calibrated" in metrics.displayed_metrics("classification")
    assert "test.ece_if_calibrated" not in metrics.METRICS
