"""Gaussian dropout has the first two moments of inverted dropout, and a bell in place of two spikes."""

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.variants.gaussian import Gaussian
from tests.moments import check_moments


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_noise_has_mean_one_and_variance_rate_over_keep(rate: float) -> None:
    """E = 1 and Var = r / q, not standard deviation r / q."""
    check_moments(Gaussian(), rate, mean=1.0, variance=rate / (1 - rate))


def test_negative_multipliers_are_not_clipped() -> None:
    """At rate .5 the standard deviation is 1: a share of Phi(-1) = .1587 is negative."""
    noise = Gaussian().draw((100_000,), 0.5, stream(0, "test"), np.dtype(np.float32))
    assert abs(np.mean(noise < 0) - 0.15866) < 5 * np.sqrt(0.15866 * 0.84134 / 100_000)
