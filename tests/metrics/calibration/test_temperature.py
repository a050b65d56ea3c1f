"""Temperature scaling."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from dropout_cli.core.types import Array
from dropout_cli.metrics.calibration.temperature import MAX_TEMPERATURE, apply_temperature, fit_temperature

MARGIN_2 = np.array([[2.0, 0.0]] * 4)


def mean_loss(logits: Array, labels: Array, temperature: float = 1.0) -> float:
    """Return the mean negative log-likelihood at a temperature."""
    return float(-apply_temperature(logits, temperature)[np.arange(len(labels)), labels].mean())


def test_the_temperature_of_four_examples() -> None:
    """The worked example: margin 2, three of four right: T = 2 / ln 3."""
    found = fit_temperature(MARGIN_2, np.array([0, 0, 0, 1]))
    assert found.temperature == pytest.approx(2 / math.log(3), rel=1e-9) and found.outcome == "minimum"
    assert (found.nll_before, found.nll_after) == pytest.approx((0.626928, 0.562335), abs=1e-6)


@given(st.integers(0, 100_000), st.integers(1, 50), st.integers(1, 6), st.floats(0.001, 1000), st.floats(0, 3))
def test_temperature_never_worsens_the_likelihood_of_its_examples(
    seed: int, n: int, classes: int, scale: float, signal: float
) -> None:
    """For logits of any size, better and worse than chance; and no temperature of a fine grid is better."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    logits = scale * (rng.normal(size=(n, classes)) + (signal - 1) * np.eye(classes)[labels])
    found = fit_temperature(logits, labels)
    before, after = mean_loss(logits, labels), mean_loss(logits, labels, found.temperature)
    assert after <= before * (1 + 1e-12) and found.nll_after <= found.nll_before
    assert (found.nll_before, found.nll_after) == pytest.approx((before, after), rel=1e-9, abs=1e-12)
    if found.outcome != "all right":
        grid = min(mean_loss(logits, labels, temperature) for temperature in np.exp(np.linspace(-10, 10, 81)))
        assert after <= grid * (1 + 1e-9)


def test_the_temperature_is_that_of_a_bounded_search() -> None:
    """A search by the loss alone, as scikit-learn's, ends at the same place up to its tolerance."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 400)
    logits = 3 * (rng.normal(size=(400, 5)) + np.eye(5)[labels])
    searched = optimize.minimize_scalar(
        lambda log_beta: mean_loss(logits, labels, math.exp(-log_beta)), bounds=(-10, 10), method="bounded"
    )
    assert fit_temperature(logits, labels).temperature == pytest.approx(math.exp(-searched.x), rel=1e-4)


def test_logarithms_of_probabilities_have_the_temperature_of_their_logits() -> None:
    """They differ by a number per example, which the softmax removes."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 100)
    logits = rng.normal(size=(100, 3)) + np.eye(3)[labels]
    shifted = apply_temperature(logits, 1.0)
    assert fit_temperature(logits, labels).temperature == pytest.approx(fit_temperature(shifted, labels).temperature)


def test_if_all_examples_are_right_there_is_no_best_temperature() -> None:
    """The loss falls without end, so 1 is kept; equal logits, too, have none."""
    found = fit_temperature(MARGIN_2, np.zeros(4, np.intp))
    assert found.outcome == "all right" and found.temperature == 1 and found.nll_after == found.nll_before
    flat = fit_temperature(np.zeros((4, 2)), np.array([0, 1, 0, 1]))
    assert flat.outcome == "no gain" and flat.temperature == 1


def test_outputs_that_are_worse_than_chance_get_the_largest_temperature() -> None:
    """Equal probabilities would be better than any finite temperature."""
    found = fit_temperature(MARGIN_2, np.array([1, 1, 1, 0]))
    assert found.outcome == "at the bound" and found.temperature == pytest.approx(MAX_TEMPERATURE)
    assert found.nll_after == pytest.approx(math.log(2), abs=1e-4) and found.nll_after < found.nll_before


def test_a_fitted_temperature_is_not_fitted_again() -> None:
    """The logits at their best temperature keep 1."""
    labels = np.array([0, 0, 0, 1])
    best = MARGIN_2 / fit_temperature(MARGIN_2, labels).temperature
    again = fit_temperature(best, labels)
    assert again.temperature == pytest.approx(1, abs=1e-6)


def test_the_order_of_the_classes_stays() -> None:
    """Also at the largest temperature, and for logits that are far apart."""
    logits = np.random.default_rng(2).normal(size=(50, 10)) * 300
    for temperature in (0.05, 1.7, MAX_TEMPERATURE):
        assert np.array_equal(apply_temperature(logits, temperature).argsort(axis=1), logits.argsort(axis=1))
