"""Data of reliability diagrams."""

import numpy as np
import pytest

from dropout_cli.metrics.calibration.bins import bin_means, equal_width_bins
from dropout_cli.metrics.calibration.ece import binned_ece
from dropout_cli.metrics.calibration.measures import measure_calibration, top_label
from dropout_cli.metrics.calibration.reliability import reliability_columns
from dropout_cli.metrics.predictions import ClassPredictions
from dropout_cli.statistics import wilson_interval


def test_a_diagram_has_no_empty_bins_and_its_gaps_add_up_to_the_ece() -> None:
    """Points are at the mean confidence of their bin, within its edges."""
    rng = np.random.default_rng(0)
    confidence = rng.choice([0.35, 0.36, 0.9, 0.97, 1.0], 200)
    right = rng.random(200) < confidence
    found = {name: np.array(values) for name, values in reliability_columns(confidence, right).items()}
    assert len(found["share"]) == 3 and found["examples"].min() > 0 and found["share"].sum() == pytest.approx(1)
    assert np.all(found["above"] < found["confidence"]) and np.all(found["confidence"] <= found["up_to"] + 1e-12)
    gap = np.sum(found["share"] * np.abs(found["accuracy"] - found["confidence"]))
    assert gap == pytest.approx(binned_ece(bin_means(confidence, right, equal_width_bins(confidence))))
    low, high = wilson_interval(int(right[confidence < 0.5].sum()), int(np.sum(confidence < 0.5)))
    assert (found["accuracy_low"][0], found["accuracy_high"][0]) == pytest.approx((low, high))


def test_the_null_band_holds_the_accuracy_of_a_calibrated_model() -> None:
    """In at least 95 % of all bins of 80 samples, except once in 10,000 times."""
    from scipy import stats

    inside = total = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        confidence = rng.uniform(0.2, 1, 150)
        found = reliability_columns(confidence, rng.random(150) < confidence)
        held = [
            low - 1e-9 <= accuracy <= high + 1e-9
            for low, accuracy, high in zip(found["band_low"], found["accuracy"], found["band_high"], strict=True)
        ]
        inside, total = inside + sum(held), total + len(held)
    assert inside >= stats.binom.ppf(1e-4, total, 0.95)


def test_all_measures_of_one_class_are_perfect() -> None:
    """Its probability is 1, and always right; there is nothing left to chance."""
    given = ClassPredictions.of(np.ones((4, 1)), np.zeros(4, np.intp), ["only"])
    found = measure_calibration(given)
    assert (found.ece, found.classwise_ece, found.brier, found.nll, found.debiased_ece) == (0, 0, 0, 0, 0)
    assert found.by_chance == (0, 0)


def test_the_measures_of_three_examples() -> None:
    """The worked Brier score .52; the tied classes of the last example give the first one."""
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.4, 0.4, 0.2]])
    given = ClassPredictions.of(p, np.array([0, 2, 1]), list("abc"))
    found = measure_calibration(given)
    assert found.brier == pytest.approx(0.52)
    assert found.corp.miscalibration - found.corp.discrimination + found.corp.uncertainty == pytest.approx(0.52)
    assert [values.tolist() for values in top_label(given)] == [[0.7, 0.6, 0.4], [True, False, False]]
    assert found.mean_gap == pytest.approx(1 / 3 - 1.7 / 3)


def test_one_example_has_no_debiased_error_and_no_intervals() -> None:
    """JSON has None in their place."""
    found = measure_calibration(ClassPredictions.of(np.array([[0.7, 0.3]]), np.array([0]), list("ab"))).as_json()
    assert (
        found["debiased_ece"] is None and found["nll_interval"] == [None, None] and found["ece"] == pytest.approx(0.3)
    )
