"""Alpha dropout keeps mean 0 and variance 1 of a population, and needs SELU."""

from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.rng import Noise, stream
from dropout_cli.variants import Location
from dropout_cli.variants.alpha import FLOOR, Alpha, alpha_affine
from dropout_cli.variants.toolkit.activation_noise import NoisyActivation

DRAWS = 10**6


def layer(rate: float) -> NoisyActivation:
    """The noise alone."""
    place = Location(path="a", kind="hidden", index=0, count=1, fan_in=1, examples=1, steps=1)
    return NoisyActivation(Alpha(rate=rate), rate, place)


def test_constants_are_those_of_the_paper() -> None:
    """At r = .1: A = .92128, b = .16197; a' = -scale alpha."""
    assert pytest.approx(-1.7580993408473766, rel=1e-15) == FLOOR
    np.testing.assert_allclose(alpha_affine(0.1), (0.92128, 0.16197), atol=5e-5)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.5])
def test_a_normal_population_keeps_its_mean_and_variance(rate: float) -> None:
    """N(0, 1) in, mean 0 and variance 1 out, within 5 standard errors."""
    x = stream(0, "test:x").standard_normal((DRAWS, 1))
    y = layer(rate).forward(x, noise=Noise(0, 0))
    assert abs(y.mean()) < 5 * y.std() / np.sqrt(DRAWS)
    squares = (y - y.mean()) ** 2
    assert abs(squares.mean() - 1) < 5 * squares.std() / np.sqrt(DRAWS)


@pytest.mark.parametrize("value", [-1.0, 0.0, 2.0])
def test_given_a_value_the_moments_are_those_of_the_formula(value: float) -> None:
    """Mean A q a (b makes up for a'), variance A^2 q r (a - a')^2."""
    rate = 0.1
    q, (scale, _) = 1 - rate, alpha_affine(rate)
    y = layer(rate).forward(np.full((DRAWS, 1), value), noise=Noise(0, 0))
    variance = scale**2 * q * rate * (value - FLOOR) ** 2
    assert abs(y.mean() - scale * q * value) < 5 * np.sqrt(variance / DRAWS) + 1e-5
    squares = (y - scale * q * value) ** 2
    assert abs(squares.mean() - variance) < 5 * squares.std() / np.sqrt(DRAWS) + 1e-4 * variance
    assert set(np.round(np.unique(y), 6)) == {
        round(scale * value + alpha_affine(rate)[1], 6),
        round(scale * FLOOR + alpha_affine(rate)[1], 6),
    }


def test_without_selu_it_is_refused(tmp_path: Path) -> None:
    """The error says what would be possible."""
    (tmp_path / "a.yaml").write_text("dataset: digits\ndropout: alpha\n")
    with pytest.raises(
        ConfigError, match=r"alpha needs architecture.activation: selu, got relu. The variant inverted works with"
    ):
        config.load_config(tmp_path / "a.yaml")
