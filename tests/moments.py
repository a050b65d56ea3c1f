"""Compare mean and variance of a noise with those of its distribution."""

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.variants.toolkit.activation_noise import ActivationNoise

DRAWS = 10**6


def check_moments(variant: ActivationNoise, rate: float, *, mean: float, variance: float) -> None:
    """Assert that mean and variance of the noise are within 5 standard errors.

    The standard error of the variance comes from the fourth moment of the sample.
    """
    sample = variant.draw((DRAWS,), rate, stream(3, "test:moments"), np.dtype(np.float64))
    assert abs(sample.mean() - mean) <= 5 * np.sqrt(variance / DRAWS)
    squares = (sample - mean) ** 2
    assert abs(squares.mean() - variance) <= 5 * squares.std() / np.sqrt(DRAWS) + 1e-12
