"""The noise of a target beside several noisy passes of a network, estimated on examples that were held out.

The passes spread with variance v around their mean m, and what they leave out is one variance s2 for all examples. It
is the one under which the targets are most likely, so that the two together are as wide as the errors are:

    Gaussian        y ~ N(m, v + s2)
    log-mean-exp    y ~ mean_t N(m_t, s2),  -ln p = -logsumexp_t(-(y - m_t)^2 / (2 s2)) + ln T + ln(2 pi s2) / 2

The second is the likelihood of Gal & Ghahramani 2016 (arXiv:1506.02142), whose s2 is 1 / tau. The errors of the
prediction without noise would count v twice. Where v is larger than the squared errors, no s2 makes it right.

Fewer passes have a mean that is off by more, and show less of their spread. What is short in all, 2 v / T for T
passes, is counted as noise: s2_T = s2_R + 2 v (1 / T - 1 / R), estimated with R of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array

STEPS = 60
"""The size of the logarithmic grid of variances in which the search for the best one begins."""


@dataclass(frozen=True)
class PassNoise:
    """The noise that was estimated with R passes: a number per target, in the targets' own units."""

    passes: int
    """R."""
    noise_sd: tuple[float, ...]
    """sqrt(s2_R)."""
    model_sd: tuple[float, ...]
    """sqrt(v), v the mean over examples, with divisor R - 1."""
    rmse: tuple[float, ...]
    """The root mean squared error of the mean of the passes."""

    def variance(self, count: int, smallest: Array) -> Array:
        """Return s2 for `count` passes, one per target, at least `smallest`."""
        missing = 2 * np.square(self.model_sd) * (1 / count - 1 / self.passes)
        return np.asarray(np.maximum(np.square(self.noise_sd) + missing, smallest))


def gaussian(errors: Array, variances: Array, smallest: float) -> float:
    """Return s2 from errors (N,) of the means and the variances (N,) of the passes; at least `smallest` > 0."""

    def loss(s2: float) -> float:
        total = variances + s2
        return float(np.mean(np.log(total) + errors**2 / total))

    return _best(loss, smallest, float(np.max(errors**2)))


def log_mean_exp(errors: Array, smallest: float) -> float:
    """Return s2 of the mixture from the errors (T, N) of each pass; at least `smallest` > 0."""
    squares = errors**2

    def loss(s2: float) -> float:
        exponents = squares / (-2 * s2)
        highest = exponents.max(axis=0)
        each = highest + np.log(np.exp(exponents - highest).mean(axis=0))
        return float(np.log(s2) / 2 - each.mean())

    return _best(loss, smallest, float(np.max(squares)))


def _best(loss: Callable[[float], float], low: float, high: float) -> float:
    """Return the argument between `low` and `high` at which the loss is least."""
    from scipy.optimize import minimize_scalar

    if high <= low:
        return low
    grid = np.linspace(np.log(low), np.log(high), STEPS)
    at = int(np.argmin([loss(float(np.exp(one))) for one in grid]))
    around = (grid[max(0, at - 1)], grid[min(STEPS - 1, at + 1)])
    found = minimize_scalar(lambda one: loss(float(np.exp(one))), bounds=around, method="bounded")
    best = float(np.exp(found.x))
    return best if loss(best) < loss(float(np.exp(grid[at]))) else float(np.exp(grid[at]))
