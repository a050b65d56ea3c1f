"""Forms of the expected calibration error."""

import math

import numpy as np
import pytest

from dropout_cli.core.types import Array
from dropout_cli.metrics.calibration.bins import bin_means, equal_mass_bins, equal_width_bins
from dropout_cli.metrics.calibration.ece import (
    binned_ece,
    classwise_ece,
    debiased_squared_ece,
    root_of_square,
    squared_ece,
    sweep_ece,
)
from dropout_cli.metrics.ece_by_chance import ece_by_chance, expected_range

HAND = np.array([0.55, 0.6, 0.65, 0.8, 0.95, 1]), np.array([1, 0, 1, 1, 1, 0])


def calibrated(n: int, seed: int) -> tuple[Array, Array]:
    """Return confidences and labels that are drawn from them."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.1, 1, n)
    return confidence, rng.random(n) < confidence


def test_the_ece_of_ten_examples() -> None:
    """The worked example: .11 in five bins that are closed on the right."""
    confidence = np.array([0.2, 0.2, 0.4, 0.4, 0.6, 0.6, 0.8, 1, 1, 0.3])
    right = np.array([0, 1, 0, 0, 1, 0, 1, 1, 1, 1])
    assert binned_ece(bin_means(confidence, right, equal_width_bins(confidence, 5))) == pytest.approx(0.11)


def test_the_ece_of_six_examples() -> None:
    """The worked example: .275 in five bins of equal width and in three of equal mass, whose debiased square is < 0."""
    confidence, right = HAND
    mass = bin_means(confidence, right, equal_mass_bins(confidence, 3))
    assert binned_ece(bin_means(confidence, right, equal_width_bins(confidence, 5))) == pytest.approx(0.275)
    assert binned_ece(mass) == pytest.approx(0.275)
    assert debiased_squared_ece(mass) == pytest.approx(-0.064375)
    assert root_of_square(debiased_squared_ece(mass)) == 0


def test_the_debiased_square_is_0_on_average_for_a_calibrated_model() -> None:
    """Within 5 standard errors of 2,000 samples; the plain square is not."""
    debiased, plain = [], []
    for seed in range(2_000):
        rng = np.random.default_rng(seed)
        level = rng.choice([0.2, 0.4, 0.6, 0.8, 0.95], 300)
        right = rng.random(300) < level
        bins = bin_means(level, right, equal_mass_bins(level))
        debiased.append(debiased_squared_ece(bins))
        plain.append(squared_ece(bins))
    assert abs(np.mean(debiased)) < 5 * np.std(debiased) / np.sqrt(len(debiased))
    assert np.mean(plain) > 20 * np.std(plain) / np.sqrt(len(plain))


def test_a_bin_with_one_example_has_no_debiased_square() -> None:
    """One example has no variance."""
    assert math.isnan(debiased_squared_ece(bin_means(np.array([0.7]), np.array([1]), np.array([0]))))
    assert math.isnan(root_of_square(math.nan))


def test_the_class_wise_ece_is_the_mean_of_the_classes() -> None:
    """Two examples, three classes; every probability is alone in its bin."""
    p = np.array([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1]])
    expected = np.mean([(0.3 + 0.3) / 2, (0.2 + 0.4) / 2, 0.1])
    assert classwise_ece(p, np.array([0, 1])) == pytest.approx(expected)


def test_the_sweep_stops_before_accuracy_falls() -> None:
    """Two bins have accuracies .5 and 1; with three, the third would fall."""
    confidence, right = HAND
    assert bin_means(confidence, right, equal_mass_bins(confidence, 2)).accuracy.tolist() == pytest.approx(
        [2 / 3, 2 / 3]
    )
    error, count = sweep_ece(confidence, right)
    assert count == 2
    assert error == pytest.approx(binned_ece(bin_means(confidence, right, equal_mass_bins(confidence, 2))))
    assert sweep_ece(np.array([0.9]), np.array([True])) == pytest.approx((0.1, 1))


@pytest.mark.parametrize("n", [100, 1000])
def test_the_ece_by_chance_has_the_mean_and_sd_of_simulated_ones(n: int) -> None:
    """Within 5 standard errors of 2,000 draws of the labels."""
    confidence, _ = calibrated(n, 0)
    bins = equal_width_bins(confidence)
    rng = np.random.default_rng(1)
    drawn = np.array([binned_ece(bin_means(confidence, rng.random(n) < confidence, bins)) for _ in range(2_000)])
    mean, sd = ece_by_chance(confidence, bins)
    standard_error = np.std(drawn) / math.sqrt(len(drawn))
    assert abs(np.mean(drawn) - mean) < 5 * standard_error
    # The relative standard error of a standard deviation is sqrt((kurtosis + 2) / (4 n)); the kurtosis is near 0.
    assert abs(np.std(drawn) / sd - 1) < 5 * math.sqrt(2 / (4 * len(drawn))) + 0.5 / math.sqrt(len(drawn))


@pytest.mark.parametrize(("n", "mean"), [(100, 0.119), (1000, 0.0389), (10_000, 0.0123)])
def test_the_ece_by_chance_is_that_of_the_reference(n: int, mean: float) -> None:
    """Confidences are uniform on (.1, 1); their draw moves the mean by less than 5 %."""
    confidence, _ = calibrated(n, 3)
    assert ece_by_chance(confidence, equal_width_bins(confidence)).mean == pytest.approx(mean, rel=0.05)


@pytest.mark.parametrize("n", [1, 3, 40, 700])
def test_the_range_by_chance_holds_95_percent_of_all_cases(n: int) -> None:
    """At least so many for few examples, where the number of right ones is discrete."""
    from scipy import stats

    rng = np.random.default_rng(n)
    confidence = rng.uniform(0.3, 1, n)
    low, high = expected_range(confidence)
    drawn = (rng.random((4_000, n)) < confidence).sum(axis=1)
    inside = int(np.sum((drawn >= low) & (drawn <= high)))
    assert inside >= stats.binom.ppf(1e-6, 4_000, 0.95)
    assert 0 <= low <= high <= n


def test_the_range_by_chance_of_certain_predictions_is_a_point() -> None:
    """They are right if the model is calibrated."""
    assert expected_range(np.ones(5)) == (5, 5)
