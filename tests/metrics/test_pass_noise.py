"""The noise beside noisy passes: what is likeliest, for any number of passes, and the two likelihoods."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import RegressionTargets
from dropout_cli.metrics import pass_noise
from dropout_cli.tasks import Regression
from dropout_cli.tasks.regression import NOISE_PASSES

N = 20_000


def drawn(name: str, *shape: int) -> Array:
    """Standard normal numbers."""
    return stream(0, f"test:{name}").standard_normal(shape)


def test_the_gaussian_noise_is_what_the_passes_leave_of_the_errors() -> None:
    """Errors of variance v_i + .5, v_i from .1 to 2: .5 within 5 standard errors; and the floor where v is enough."""
    v = np.linspace(0.1, 2, N)
    errors = np.sqrt(v + 0.5) * drawn("errors", N)
    information = np.sum(1 / (v + 0.5) ** 2) / 2
    assert abs(pass_noise.fit_gaussian_noise(errors, v, 1e-6) - 0.5) < 5 / np.sqrt(information)
    assert pass_noise.fit_gaussian_noise(0.1 * errors, v, 1e-6) == pytest.approx(1e-6)


def test_the_least_noise_that_is_allowed_does_not_move_a_best_one_above_it() -> None:
    """This holds for a limit far below the best noise and 2 % below it; a limit above it is itself the result."""
    v = np.linspace(0.1, 2, N)
    errors = np.sqrt(v + 0.5) * drawn("errors", N)
    best = pass_noise.fit_gaussian_noise(errors, v, 1e-6)
    assert pass_noise.fit_gaussian_noise(errors, v, 0.98 * best) == pytest.approx(best, rel=1e-4)
    assert pass_noise.fit_gaussian_noise(errors, v, 1.02 * best) == pytest.approx(1.02 * best)


def test_the_noise_of_the_mixture_is_the_likeliest() -> None:
    """Below and above it the mixture's likelihood is smaller; it is less than that of the Gaussian for few passes."""
    errors = 0.5 * drawn("target", 500) - drawn("passes", 20, 500)

    def loss(s2: float) -> float:
        return float(-logsumexp(norm(0, np.sqrt(s2)).logpdf(errors), axis=0).mean())

    found = pass_noise.fit_mixture_noise(errors, 1e-6)
    assert loss(found) < min(loss(found * 1.02), loss(found / 1.02))


QUANTITIES = RegressionTargets(("y",), np.array([3.0]), np.array([2.0]))


@pytest.mark.parametrize("count", [1, 2, 5, 50, 400])
def test_the_total_variance_is_that_of_the_errors_for_any_number_of_passes(count: int) -> None:
    """y = f + eps and passes f + .5 eps, standardized: E (y - mean of T)^2 = E (model^2 + noise^2), whatever T."""
    truth = drawn("truth", N)

    def passes(name: str, count: int) -> Array:
        return np.array([truth[:, None] + 0.5 * drawn(f"{name}{t}", N, 1) for t in range(count)])

    labels = 2 * (truth + drawn("held out", N))[:, None] + 3
    task = Regression(QUANTITIES, False).fit_noise(lambda count: passes("held out", count), labels)
    labels = 2 * (truth + drawn("new", N))[:, None] + 3
    combined = task.combine_passes(passes("new", count))
    said = combined.predictions["monte_carlo"]
    squares = (labels - said["mean"]) ** 2
    assert abs((said["sd"] ** 2).mean() / squares.mean() - 1) < 5 * np.sqrt(2 * 2 / N)
    np.testing.assert_allclose(
        said["sd"] ** 2, combined.uncertainties["model_sd"] ** 2 + combined.uncertainties["noise_sd"] ** 2
    )


def test_log_mean_exp_is_the_papers_likelihood() -> None:
    """-logsumexp_t(-(y - f_t)^2 / (2 s2)) + ln T + ln(2 pi s2) / 2 in the target's own units, beside the Gaussian."""
    outputs, labels = drawn("outputs", 7, 30, 1), 3 + 2 * drawn("labels", 30, 1)
    task = Regression(QUANTITIES, False, noise_sd=(1.5,), mixture_sd=(0.7,))
    found = task.combine_passes(outputs, labels).scores["nll_log_mean_exp"]
    f = 3 + 2 * outputs
    expected = -logsumexp(-((labels - f) ** 2) / (2 * 0.49), axis=0) + np.log(7) + np.log(2 * np.pi * 0.49) / 2
    assert found == pytest.approx(expected.mean(), rel=1e-12)
    assert task.combine_passes(outputs).scores == {}


def test_passes_that_spread_more_than_their_mean_errs_are_told() -> None:
    """No noise makes their sd right: it is at its least, and the target is named."""
    truth = drawn("truth", 200)
    outputs = [truth[:, None] + 2 * drawn(f"pass{t}", 200, 1) for t in range(NOISE_PASSES)]
    task = Regression(QUANTITIES, False).fit_noise(lambda count: outputs[:count], 2 * truth[:, None] + 3)
    assert len(task.notices()) == 1 and "'y'" in task.notices()[0]
