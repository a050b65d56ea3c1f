"""Distribution functions and quantiles of normal distributions and of mixtures of them.

The distribution function at the true value is the probability integral transform (PIT). If the predicted distributions
are right, it is uniform between 0 and 1. A component of standard deviation 0 counts one half at its mean.
"""

import numpy as np

from dropout_cli.core.types import Array

HALVINGS = 60
"""Steps of the bisection: they shrink the first bracket by 1e-18."""


def normal_cdf(mean: Array, sd: Array, x: Array) -> Array:
    """Return P(X <= x) for normal distributions, shaped as the arguments.

    Args:
        mean: Their means.
        sd: Their standard deviations, at least 0.
        x: Where the function is evaluated; the true values for the PIT.
    """
    from scipy.special import ndtr

    apart = x - mean
    z = np.divide(apart, sd, out=np.zeros(np.broadcast(apart, sd).shape), where=sd > 0)
    return np.asarray(np.where(sd > 0, ndtr(z), (1 + np.sign(apart)) / 2))


def mixture_cdf(means: Array, sds: Array, x: Array) -> Array:
    """Return the (N,) P(X <= x) of mixtures with equal weights.

    Args:
        means: (T, N) means of the components.
        sds: (T, N) standard deviations of the components, at least 0.
        x: (N,) where the function is evaluated; the true values for the PIT.
    """
    return np.asarray(normal_cdf(means, sds, x).mean(axis=0))


def normal_quantile(mean: Array, sd: Array, level: float) -> Array:
    """Return a quantile of normal distributions, shaped as the arguments.

    Args:
        mean: Their means.
        sd: Their standard deviations, at least 0.
        level: Between 0 and 1.
    """
    from scipy.special import ndtri

    return np.asarray(mean + sd * ndtri(level))


def mixture_quantile(means: Array, sds: Array, level: float) -> Array:
    """Return the (N,) quantile of mixtures with equal weights, by bisection.

    Args:
        means: (T, N) means of the components.
        sds: (T, N) standard deviations of the components, at least 0.
        level: Between 0 and 1.
    """
    # The quantile lies between the smallest and the largest quantile of the components.
    each = normal_quantile(means, sds, level)
    low, high = each.min(axis=0), each.max(axis=0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = mixture_cdf(means, sds, middle) >= level
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray((low + high) / 2)
