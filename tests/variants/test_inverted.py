"""Inverted dropout: mean 1, variance rate / keep, and what follows from it."""

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.variants.gaussian import Gaussian
from dropout_cli.variants.inverted import Inverted
from tests.moments import check_moments


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_noise_has_mean_one_and_variance_rate_over_keep(rate: float) -> None:
    """E = 1 and Var = r / q."""
    check_moments(Inverted(), rate, mean=1.0, variance=rate / (1 - rate))


def test_noise_is_zero_or_one_over_keep() -> None:
    """Nothing between."""
    noise = Inverted().draw((1000,), 0.25, stream(0, "test"), np.dtype(np.float32))
    assert set(noise.tolist()) == {0.0, float(np.float32(1 / 0.75))}


def regression() -> tuple[Array, Array, Array, Array]:
    """X (4, 3), y, w, and all 2^12 masks of X."""
    rng = stream(0, "test:ridge")
    x, y, w = rng.standard_normal((4, 3)), rng.standard_normal(4), rng.standard_normal(3)
    return x, y, w, (np.arange(2**12)[:, None] >> np.arange(12) & 1).reshape(-1, 4, 3)


def test_dropout_on_the_inputs_of_linear_regression_is_ridge() -> None:
    """E |y - X (m / q) w|^2 = |y - X w|^2 + (r / q) |Gamma w|^2, Gamma = diag(X'X)^(1/2), all masks enumerated."""
    x, y, w, masks = regression()
    r = 0.3
    q = 1 - r
    gamma_w = np.sum((x**2).sum(axis=0) * w**2)
    chance = np.prod(np.where(masks, q, r), axis=(1, 2))
    inverted = chance @ np.sum((y - (x * masks / q) @ w) ** 2, axis=1)
    assert inverted == pytest.approx(np.sum((y - x @ w) ** 2) + r / q * gamma_w, rel=1e-12)
    classic = chance @ np.sum((y - (x * masks) @ w) ** 2, axis=1)
    assert classic == pytest.approx(np.sum((y - q * x @ w) ** 2) + q * r * gamma_w, rel=1e-12)


@pytest.mark.parametrize("variant", [Inverted(), Gaussian()])
def test_drawn_noise_gives_the_same_ridge(variant: Inverted | Gaussian) -> None:
    """By 10^5 draws of the variant itself, Gaussian noise too, within 5 standard errors."""
    x, y, w, _ = regression()
    r, draws = 0.3, 10**5
    noise = variant.draw((draws, 4, 3), r, stream(0, "test:draws"), np.dtype(np.float64))
    losses = np.sum((y - (x * noise) @ w) ** 2, axis=1)
    expected = np.sum((y - x @ w) ** 2) + r / (1 - r) * np.sum((x**2).sum(axis=0) * w**2)
    assert abs(losses.mean() - expected) < 5 * losses.std() / np.sqrt(draws)
