"""Noise of a regression target beside the spread of noisy passes.

It is estimated on held-out examples.

The passes have variance v around their mean m. The remaining noise is one variance s2 for all examples. It is the one
that maximizes the likelihood of the targets, so that both together are as wide as the errors:

    Gaussian        y ~ N(m, v + s2)
    log-mean-exp    y ~ mean_t N(m_t, s2),  -ln p = -logsumexp_t(-(y - m_t)^2 / (2 s2)) + ln T + ln(2 pi s2) / 2

The second is the likelihood of Gal & Ghahramani 2016 (arXiv:1506.02142), whose s2 is 1 / tau. Estimating s2 from the
errors of the prediction without noise would count v twice. If v is larger than the squared errors, no s2 fits.

With fewer passes the mean is less exact and shows less of their spread. The variance missing in total, 2 v / T for T
passes, is counted as noise: s2_T = s2_R + 2 v (1 / T - 1 / R), estimated with R passes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array

STEPS = 60  # size of the logarithmic grid of variances at which the search starts


@dataclass(frozen=True)
class PassNoise:
    """The noise estimated with R passes: one number per target, in the targets' own units."""

    passes: int
    """R, the number of passes."""
    noise_sd: tuple[float, ...]
    """sqrt(s2_R)."""
    model_sd: tuple[float, ...]
    """sqrt(v), v being the mean over examples, with divisor R - 1."""
    rmse: tuple[float, ...]
    """Root mean squared error of the mean of the passes."""

    def variance(self, count: int, smallest: Array) -> Array:
        """Return s2 for a number of passes, one value per target.

        Args:
            count: Number of passes.
            smallest: (targets,) floor of the result.
        """
        missing = 2 * np.square(self.model_sd) * (1 / count - 1 / self.passes)
        return np.asarray(np.maximum(np.square(self.noise_sd) + missing, smallest))


def fit_gaussian_noise(errors: Array, variances: Array, smallest: float) -> float:
    """Return the s2 of the Gaussian likelihood.

    Args:
        errors: (N,) errors of the means of the passes.
        variances: (N,) variances of the passes.
        smallest: Floor of the result, above 0.
    """

    def loss(s2: float) -> float:
        total = variances + s2
        return float(np.mean(np.log(total) + errors**2 / total))

    return _best(loss, smallest, float(np.max(errors**2)))


def fit_mixture_noise(errors: Array, smallest: float) -> float:
    """Return the s2 of the mixture of passes.

    Args:
        errors: (T, N) errors of each pass.
        smallest: Floor of the result, above 0.
    """
    squares = errors**2

    def loss(s2: float) -> float:
        exponents = squares / (-2 * s2)
        # Subtracting the highest exponent keeps np.exp from returning 0 for all passes of an example.
        highest = exponents.max(axis=0)
        each = highest + np.log(np.exp(exponents - highest).mean(axis=0))
        return float(np.log(s2) / 2 - each.mean())

    return _best(loss, smallest, float(np.max(squares)))


def _best(loss: Callable[[float], float], low: float, high: float) -> float:
    """Return the argument between `low` and `high` with the smallest loss."""
    from scipy.optimize import minimize_scalar

    if high <= low:
        return low
    grid = np.linspace(np.log(low), np.log(high), STEPS)
    # The loss may have several minima: the grid finds the region of the best one, the bounded search refines it.
    at = int(np.argmin([loss(float(np.exp(log_s2))) for log_s2 in grid]))
    bounds = (grid[max(0, at - 1)], grid[min(STEPS - 1, at + 1)])
    result = minimize_scalar(lambda log_s2: loss(float(np.exp(log_s2))), bounds=bounds, method="bounded")
    best = float(np.exp(result.x))
    return best if loss(best) < loss(float(np.exp(grid[at]))) else float(np.exp(grid[at]))
