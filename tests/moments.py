"""Mean and variance of a noise against what its law says, with bounds from the law's own variance."""

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.variants.toolkit.activation_noise import ActivationNoise

DRAWS = 10**6


def check_moments(law: ActivationNoise, rate: float, *, mean: float, variance: float) -> None:
    """Assert that the multiplier's mean and variance lie within 5 standard errors of those given.

    The standard error of a variance comes from the sample's own fourth moment.
    """
    sample = law.draw((DRAWS,), rate, stream(3, "test:moments"), np.dtype(np.float64))
    assert abs(sample.mean() - mean) <= 5 * np.sqrt(variance / DRAWS)
    squares = (sample - mean) ** 2
    assert abs(squares.mean() - variance) <= 5 * squares.std() / np.sqrt(DRAWS) + 1e-12
