"""Continuous ranked probability score (CRPS) of a normal distribution and of a mixture.

CRPS = integral of (F(x) - [x >= y])^2 dx, in the unit of the target; for a sure prediction it is the absolute error.
With A(m, v) = E|X| for X ~ N(m, v):

    A(m, v)          2 sqrt(v) phi(m / sqrt v) + m (2 Phi(m / sqrt v) - 1),    A(m, 0) = |m|
    N(m, s^2)        A(y - m, s^2) - s / sqrt(pi)
    mixture of T     mean_t A(y - m_t, s_t^2) - 1/2 mean_tu A(m_t - m_u, s_t^2 + s_u^2)

Gneiting & Raftery 2007, doi:10.1198/016214506000001437; Grimit et al. 2006, doi:10.1256/qj.05.235 (mixture).
"""

import numpy as np

from dropout_cli.core.types import Array

MAX_PAIRS = 1 << 21
"""The most pairs of components that are in memory at a time."""


def normal_crps(mean: Array, sd: Array, true: Array) -> Array:
    """Return the CRPS of normal distributions, shaped as the arguments.

    Args:
        mean: Their means.
        sd: Their standard deviations, at least 0.
        true: The true values.
    """
    return np.asarray(_mean_absolute(true - mean, sd) - sd / np.sqrt(np.pi))


def mixture_crps(means: Array, sds: Array, true: Array) -> Array:
    """Return the (N,) CRPS of mixtures of normal distributions with equal weights.

    The time grows with the square of T.

    Args:
        means: (T, N) means of the components.
        sds: (T, N) standard deviations of the components, at least 0.
        true: (N,) true values.
    """
    count, examples = means.shape
    score = _mean_absolute(true - means, sds).mean(axis=0)
    step = max(1, MAX_PAIRS // count)
    for start in range(0, examples, step):
        m, s = means[:, start : start + step], sds[:, start : start + step]
        apart = np.zeros(m.shape[1])
        for t in range(count):
            # Each pair once: those with u > t count twice, and the pair (t, t) counts once.
            apart += 2 * _mean_absolute(m[t] - m[t + 1 :], np.hypot(s[t], s[t + 1 :])).sum(axis=0)
            apart += 2 * s[t] / np.sqrt(np.pi)
        score[start : start + step] -= apart / (2 * count**2)
    return np.asarray(score)


def _mean_absolute(m: Array, sd: Array) -> Array:
    """Return E|X| for X ~ N(m, sd^2)."""
    from scipy.special import ndtr

    z = np.divide(m, sd, out=np.zeros(np.broadcast(m, sd).shape), where=sd > 0)
    spread = 2 * sd * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) + m * (2 * ndtr(z) - 1)
    return np.where(sd > 0, spread, np.abs(m))
