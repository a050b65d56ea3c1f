"""The scale of a KL penalty next to a loss that is not the exact log-likelihood.

The bound that variational training lowers is, per example, the negative log-likelihood + KL / N, in nats. The penalty
is KL / N times s, where the loss equals s times the negative log-likelihood, plus a constant:

    cross-entropy                           s = 1
    squared error, a mean over T targets    |y - f|^2 / T = 2 / (tau T) (tau / 2) |y - f|^2,   s = 2 / (tau T)
    Gaussian likelihood, the same mean      s = 1 / T

tau is the precision of the noise, 1 / variance in standardized targets; a squared error does not define it.
"""

from dropout_cli.variants.toolkit.base import Location

USUAL_PRECISION = 2.0
"""With this precision, the squared error of one target equals the negative log-likelihood."""


def penalty_scale(location: Location, noise_precision: float) -> float:
    """Return the factor s that gives a KL penalty the scale of the loss.

    Args:
        location: The location in the network, with the loss and the number of targets.
        noise_precision: tau, 1 / variance of the noise of standardized targets; used for a squared error only.

    Returns:
        s. The term of the loss is s KL / N, with KL in nats and N training examples.
    """
    return (2 / noise_precision if location.squared else 1.0) / location.targets
