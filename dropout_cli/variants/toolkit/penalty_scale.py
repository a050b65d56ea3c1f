"""The scale of a penalty that is a divergence from a prior, beside a loss that is not the whole log-likelihood.

The bound that variational training lowers is, per example, the negative log-likelihood + KL / N, in nats. The penalty
is KL / N times s, the number by which the loss is the negative log-likelihood times s and a constant:

    cross-entropy                           s = 1
    squared error, a mean over T targets    |y - f|^2 / T = 2 / (tau T) (tau / 2) |y - f|^2,   s = 2 / (tau T)
    Gaussian likelihood, the same mean      s = 1 / T

tau is the precision of the noise, 1 / variance in standardized targets; a squared error does not say it.
"""

from dropout_cli.variants.toolkit.base import Location

USUAL_PRECISION = 2.0
"""With this precision a squared error of one target is the negative log-likelihood itself."""


def penalty_scale(location: Location, noise_precision: float) -> float:
    """Return s; `noise_precision` is tau."""
    return (2 / noise_precision if location.squared else 1.0) / location.targets
