"""Scores of predicted distributions: published numbers, integrals, and inverses."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.metrics import distribution_scores as scores
from dropout_cli.metrics.distribution_scores import crps

MEANS, SDS, TRUE = np.array([[0.0], [1.0], [2.0]]), np.array([[0.5], [0.5], [1.0]]), np.array([1.3])


def random_mixtures(components: int, examples: int) -> tuple[Array, Array, Array]:
    """Means, standard deviations, of which the first are 0, and true values."""
    rng = stream(0, "test:mixtures")
    sds = rng.uniform(0.1, 2, (components, examples))
    sds[0] = 0
    return rng.normal(size=(components, examples)), sds, rng.normal(size=examples) * 2


def test_worked_numbers_of_the_crps() -> None:
    """A normal distribution, a mixture, and its components without width (scoringrules 0.10, properscoring 0.1)."""
    normal = scores.normal_crps(np.array([0.4]), np.array([0.7]), TRUE)
    np.testing.assert_allclose(normal, 0.57076708, atol=5e-9)
    np.testing.assert_allclose(scores.mixture_crps(MEANS, SDS, TRUE), 0.31437233, atol=5e-9)
    np.testing.assert_allclose(scores.mixture_crps(MEANS, 0 * SDS, TRUE), 0.32222222, atol=5e-9)


def test_worked_numbers_of_intervals_and_mixtures() -> None:
    """Interval score 13 (scoringrules); PIT and quantiles of the mixture."""
    assert scores.interval_score(np.zeros(1), np.ones(1), TRUE)[0] == pytest.approx(13)
    np.testing.assert_allclose(scores.mixture_cdf(MEANS, SDS, TRUE), 0.65434978, atol=5e-9)
    ends = [scores.mixture_quantile(MEANS, SDS, level)[0] for level in (0.025, 0.975)]
    np.testing.assert_allclose(ends, [-0.732037, 3.439535], atol=5e-7)


def test_the_crps_of_a_mixture_is_its_integral() -> None:
    """It is the integral of (F(x) - [x >= y])^2 for mixtures of normal distributions and points."""
    means, sds, true = random_mixtures(5, 4)
    for i, found in enumerate(scores.mixture_crps(means, sds, true)):
        m, s, y = means[:, [i]], sds[:, [i]], true[i]

        def squared(x: float, m: Array = m, s: Array = s, y: float = y) -> float:
            return float((scores.mixture_cdf(m, s, np.array([x]))[0] - (x >= y)) ** 2)

        jumps = sorted({float(y), *m[s == 0].tolist()})
        pieces = [-30.0, *jumps, 30.0]
        expected = sum(integrate.quad(squared, a, b, limit=200, epsabs=1e-9)[0] for a, b in pairwise(pieces))
        assert found == pytest.approx(expected, abs=1e-7)


def test_a_mixture_of_one_component_is_normal() -> None:
    """CRPS and quantiles are those of the normal distribution; without width, the CRPS is the absolute error."""
    means, sds, true = random_mixtures(3, 50)
    means, sds = means[-1:], sds[-1:]
    expected = scores.normal_crps(means[0], sds[0], true)
    np.testing.assert_allclose(scores.mixture_crps(means, sds, true), expected, rtol=1e-12)
    np.testing.assert_allclose(scores.mixture_quantile(means, sds, 0.9), stats.norm(means[0], sds[0]).ppf(0.9))
    np.testing.assert_allclose(scores.mixture_crps(means, 0 * sds, true), np.abs(true - means[0]))


def test_pieces_of_a_large_mixture_give_the_same_crps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of pairs in memory does not change the result."""
    arguments = random_mixtures(7, 30)
    whole = scores.mixture_crps(*arguments)
    monkeypatch.setattr(crps, "MAX_PAIRS", 20)
    np.testing.assert_array_equal(scores.mixture_crps(*arguments), whole)


def test_quantiles_invert_the_distribution_function() -> None:
    """F(quantile(p)) = p; at a component without width, F jumps over p there."""
    means, sds, _ = random_mixtures(6, 40)
    for level in (0.001, 0.025, 0.5, 0.8, 0.999):
        found = scores.mixture_quantile(means[1:], sds[1:], level)
        np.testing.assert_allclose(scores.mixture_cdf(means[1:], sds[1:], found), level, atol=1e-12)
        with_points = scores.mixture_quantile(means, sds, level)
        below, above = (scores.mixture_cdf(means, sds, with_points + step) for step in (-1e-9, 1e-9))
        assert ((below <= level + 1e-8) & (level - 1e-8 <= above)).all()


def test_the_calibration_curve_counts_standardized_errors() -> None:
    """The share of |y - m| / s <= Phi^-1((1 + e) / 2), and the mean gap to e."""
    rng = stream(0, "test:curve")
    mean, sd, true = rng.normal(size=80), rng.uniform(0.5, 2, 80), rng.normal(size=80)
    pit, expected = scores.normal_cdf(mean, sd, true), scores.EXPECTED_COVERAGES
    shares = [np.mean(np.abs(true - mean) / sd <= stats.norm.ppf((1 + e) / 2)) for e in expected]
    np.testing.assert_array_equal(scores.central_coverage(pit), shares)
    assert scores.miscalibration(pit) == pytest.approx(np.abs(shares - expected).mean())
    np.testing.assert_array_equal(scores.central_coverage(np.array([0.5, 1.0]), np.array([0.0, 1.0])), [0.5, 1.0])
    assert len(expected) == 100 and (expected[0], expected[-1]) == (0, 1)


def test_true_distributions_are_calibrated() -> None:
    """Their PIT is uniform, within the 99.9 % bound of Kolmogorov and Smirnov; wrong widths are outside."""
    rng, n = stream(0, "test:calibrated"), 2_000
    chosen = rng.integers(0, 3, n)
    means, sds = np.tile([[0.0], [1.0], [2.0]], n), np.tile([[0.5], [0.5], [1.0]], n)
    true = rng.normal(means[chosen, 0], sds[chosen, 0])
    bound = stats.kstwo.ppf(0.999, n)
    assert stats.kstest(scores.mixture_cdf(means, sds, true), "uniform").statistic < bound
    assert stats.kstest(scores.mixture_cdf(means, 2 * sds, true), "uniform").statistic > bound


def test_sharpness_is_the_root_of_the_mean_variance() -> None:
    """Variances 1 and 7: 2."""
    assert scores.sharpness(np.array([1.0, 7.0])) == 2
