"""Bootstrap intervals of calibration."""

import numpy as np
import pytest
from scipy import stats

from dropout_cli.core.types import Array
from dropout_cli.metrics.calibration.bins import bin_means, equal_mass_bins
from dropout_cli.metrics.calibration.ece import binned_ece
from dropout_cli.metrics.calibration.resampling import bootstrap_intervals

SAMPLES, EXAMPLES = 200, 500
LEAST = int(stats.binom.ppf(1e-4, SAMPLES, 0.95))
"""An interval that covers 95 % covers so many of the samples, except once in 10,000 times."""


def sample(seed: int, gap: float) -> tuple[Array, Array]:
    """Return confidences and outcomes of a model that is too sure by `gap`; its true ECE is `gap` in all bins."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.3, 0.95, EXAMPLES)
    return confidence, rng.random(EXAMPLES) < confidence - gap


@pytest.mark.parametrize("gap", [0.0, 0.02, 0.1])
def test_the_interval_of_the_debiased_ece_covers_the_truth(gap: float) -> None:
    """In at least 95 % of all samples, also for a perfectly calibrated model."""
    covered = 0
    for seed in range(SAMPLES):
        confidence, right = sample(seed, gap)
        low, high = bootstrap_intervals(confidence, right, equal_mass_bins(confidence), resamples=300).debiased_ece
        covered += low <= gap <= high
    assert covered >= LEAST


def test_percentiles_of_a_resampled_ece_do_not_cover_the_truth() -> None:
    """A resample adds the bias of the sample a second time; the check above would see it."""
    covered = 0
    for seed in range(40):
        confidence, right = sample(seed, 0.02)
        rng = np.random.default_rng(seed)
        bins = equal_mass_bins(confidence)
        drawn = []
        for _ in range(200):
            some = rng.integers(0, EXAMPLES, EXAMPLES)
            drawn.append(binned_ece(bin_means(confidence[some], right[some], bins[some])))
        low, high = np.quantile(drawn, [0.025, 0.975])
        covered += low <= 0.02 <= high
    assert covered < stats.binom.ppf(1e-4, 40, 0.95)


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution_for_many_examples() -> None:
    """Its ends are within 5 standard errors of a quantile of 1,000 resamples."""
    confidence, right = sample(0, 0.0)
    losses = np.random.default_rng(0).exponential(size=EXAMPLES)
    low, high = bootstrap_intervals(confidence, right, equal_mass_bins(confidence), losses).means[0]
    sd = losses.std() / np.sqrt(EXAMPLES)
    quantile_error = np.sqrt(0.025 * 0.975 / 1_000) / stats.norm.pdf(1.96) * sd
    skewness = 2 / np.sqrt(EXAMPLES)  # of the mean of exponential losses; it moves both ends by (z^2 - 1) / 6 of it
    allowed = 5 * quantile_error + skewness * (1.96**2 - 1) / 6 * sd
    assert abs(low - (losses.mean() - 1.96 * sd)) < allowed and abs(high - (losses.mean() + 1.96 * sd)) < allowed


def test_equal_predictions_give_equal_intervals() -> None:
    """The resamples have a stream of their own."""
    confidence, right = sample(1, 0.0)
    bins = equal_mass_bins(confidence)
    assert bootstrap_intervals(confidence, right, bins) == bootstrap_intervals(confidence, right, bins)


def test_one_example_has_no_interval() -> None:
    """Its ends are not numbers."""
    found = bootstrap_intervals(np.array([0.9]), np.array([True]), np.array([0]), np.array([0.1]))
    assert np.all(np.isnan([*found.debiased_ece, *found.means[0]]))


def test_two_examples_have_an_interval() -> None:
    """It holds its estimate."""
    found = bootstrap_intervals(np.array([0.9, 0.6]), np.array([True, False]), np.array([0, 0]), np.array([0.1, 0.9]))
    assert found.means[0] == (0.1, 0.9) and found.debiased_ece.low <= found.debiased_ece.high
