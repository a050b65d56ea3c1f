"""Variational dropout: moments, gradients of alpha, and a KL that pulls it up."""

import math
from typing import Any

import numpy as np
import pytest

from dropout_cli.core.rng import Noise, stream
from dropout_cli.nn.initializers import Glorot
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.variants import Location
from dropout_cli.variants.variational import (
    C1,
    C2,
    C3,
    UnitNoise,
    Variational,
    VariationalLinear,
    variational_kl,
    variational_kl_slope,
)
from tests.gradients import check_layer

PLACE = Location(path="a", kind="hidden", index=0, count=1, fan_in=4, examples=50, steps=1080)
CASES = [("unit", "layer"), ("unit", "unit"), ("weight", "layer"), ("weight", "unit"), ("weight", "weight")]


def linear() -> Dense:
    """Four inputs, three outputs."""
    return Dense("a", 4, 3, Glorot(bias_sd=0.5), seed=0, dtype=np.dtype(np.float64))


def layer(mode: Any, share: Any = "layer", rate: float = 0.3) -> Layer:
    """The noisy layer of that mode."""
    variant = Variational(mode=mode, share=share, rate=rate)
    return UnitNoise(variant, linear(), PLACE) if mode == "unit" else VariationalLinear(variant, linear(), PLACE)


@pytest.mark.parametrize(("mode", "share"), CASES)
def test_gradients_hold_with_the_penalty(mode: str, share: str) -> None:
    """Central differences for x, weights and every alpha, however it is shared; noise on and off."""
    x = stream(0, "test:x").standard_normal((6, 4))
    check_layer(lambda: layer(mode, share), x, noise=lambda: Noise(0, 1), train=True)
    check_layer(lambda: layer(mode, share), x)


def test_unit_noise_has_mean_one_and_variance_alpha() -> None:
    """E = 1 and Var = r / q over 10^6 draws."""
    draws = 250_000
    y = layer("unit").forward(np.ones((draws, 4)), noise=Noise(0, 0))
    variance = 0.3 / 0.7
    assert abs(y.mean() - 1) < 5 * math.sqrt(variance / y.size)
    squares = (y - 1) ** 2
    assert abs(squares.mean() - variance) < 5 * squares.std() / math.sqrt(y.size)


def test_weight_noise_has_the_moments_of_noise_on_every_weight() -> None:
    """Mean x W + b, variance (x^2)(alpha W^2), within 5 standard errors over 10^6 examples of one x; b is not noisy."""
    draws, plain = 10**6, linear()
    x = stream(0, "test:x").standard_normal((1, 4))
    z = layer("weight").forward(np.repeat(x, draws, axis=0), noise=Noise(0, 0))
    variance = ((x**2) @ (0.3 / 0.7 * plain.W.value**2))[0] + 1e-8
    assert np.all(np.abs(z.mean(axis=0) - plain.forward(x)[0]) < 5 * np.sqrt(variance / draws))
    squares = (z - plain.forward(x)) ** 2
    assert np.all(np.abs(squares.mean(axis=0) - variance) < 5 * squares.std(axis=0) / math.sqrt(draws))


def test_the_local_reparameterization_has_the_moments_of_exact_draws_of_every_weight() -> None:
    """10^5 examples of one x, each with weights W (.) (1 + sqrt(alpha) eps) of its own; within 5 standard errors."""
    draws, plain, alpha = 10**5, linear(), 0.3 / 0.7
    x = stream(0, "test:x").standard_normal((1, 4))
    eps = stream(0, "test:weights").standard_normal((draws, 4, 3))
    z = np.einsum("i,nio->no", x[0], plain.W.value * (1 + math.sqrt(alpha) * eps)) + plain.b.value
    made = VariationalLinear(Variational(mode="weight", rate=0.3), plain, PLACE)
    mean, sd = (one[0] for one in made.moments(x))
    assert np.all(np.abs(z.mean(axis=0) - mean) < 5 * sd / math.sqrt(draws))
    squares = (z - mean) ** 2
    assert np.all(np.abs(squares.mean(axis=0) - sd**2) < 5 * squares.std(axis=0) / math.sqrt(draws))


def test_the_divergence_pulls_alpha_up_and_is_not_negative() -> None:
    """d(-KL) / d ln alpha lies in [.39, .63] for every alpha in (0, 1]."""
    alpha = np.linspace(1e-6, 1, 100_001)
    assert -variational_kl_slope(alpha).max() >= 0.385 and -variational_kl_slope(alpha).min() <= 0.635
    assert variational_kl(alpha).min() > 0


def test_the_polynomial_agrees_with_molchanovs_form() -> None:
    """Kingma's without its constant minus Molchanov's -KL is .66 +- .03 for alpha in [1e-3, 1]."""
    alpha = np.geomspace(1e-3, 1, 1000)
    kingma = 0.5 * np.log(alpha) + C1 * alpha + C2 * alpha**2 + C3 * alpha**3
    k1, k2, k3 = 0.63576, 1.87320, 1.48695
    la = np.log(alpha)
    molchanov = k1 / (1 + np.exp(-(k2 + k3 * la))) - 0.5 * np.log1p(np.exp(-la)) - k1
    assert np.all(np.abs(kingma - molchanov - 0.66) < 0.03)


def test_a_shared_alpha_counts_once_for_each_that_shares_it() -> None:
    """At equal alphas the penalty does not depend on how they are shared: 12 weights or 4 units, over N."""
    kl = float(variational_kl(np.array(0.3 / 0.7)))
    for mode, share in CASES:
        count = 4 if mode == "unit" else 12
        assert layer(mode, share).penalty() == pytest.approx(count * kl / 50, rel=1e-12)


def test_a_rate_above_a_half_and_an_alpha_per_weight_in_mode_unit_are_refused() -> None:
    """The second when the variant is made, the first by its bounds in a config."""
    with pytest.raises(ValueError, match="share: one alpha per weight needs mode: weight"):
        Variational(mode="unit", share="weight")


def test_the_column_is_the_mean_of_alpha_over_the_layer() -> None:
    """At the start rate / (1 - rate), however alpha is shared."""
    for mode, share in CASES:
        made = layer(mode, share)
        assert made.columns() == {"a/dropout/alpha": pytest.approx(0.3 / 0.7)}
        (log,) = [one for name, one in made.parameters().items() if name == "a/dropout/log_alpha"]
        log.value[0] = 0.0
        assert made.columns()["a/dropout/alpha"] == pytest.approx(float(np.exp(log.value).mean()))


@pytest.mark.parametrize("mode", ["unit", "weight"])
def test_the_variance_stays_between_a_trace_and_one(mode: str) -> None:
    """log alpha is clipped to [-8, 0]: the posterior is not known for more noise than signal (Kingma et al. 2015)."""
    found = [one.bounds for one in layer(mode).parameters().values() if one.bounds is not None]
    assert found == [(-8.0, 0.0)]
