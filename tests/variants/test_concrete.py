"""Concrete dropout: the relaxed noise against quadrature, its limit, its gradient, its penalty."""

import math

import numpy as np
import pytest

from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.backend.noise_tables import draw_logistic
from dropout_cli.nn.initializers import Glorot
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.variants import Location
from dropout_cli.variants.concrete import Concrete, ConcreteLinear
from dropout_cli.variants.concrete_naive import ConcreteNaive, NaiveNoise
from dropout_cli.variants.toolkit.concrete_distribution import TEMPERATURE, logit, relaxed_bernoulli
from tests.gradients import check_layer

FLOAT64 = np.dtype(np.float64)
DRAWS = 10**6


def place(**changes: float) -> Location:
    """A hidden place of a network trained for 1,080 steps."""
    settings: dict[str, float] = {"fan_in": 4, "examples": 50, "steps": 1080} | changes
    return Location(path="a", kind="hidden", index=0, count=1, **settings)  # type: ignore[arg-type]


def linear() -> Dense:
    """Four inputs, three outputs."""
    return Dense("a", 4, 3, Glorot(bias_sd=0.5), seed=0, dtype=FLOAT64)


def multiplier(p: float, u: Array) -> Array:
    """(1 - d) / (1 - p) at given u, written out."""
    d = 1 / (1 + np.exp(-(logit(p) + np.log(u / (1 - u))) / TEMPERATURE))
    return np.asarray((1 - d) / (1 - p))


@pytest.mark.parametrize(("p", "mean"), [(0.1, 0.99869), (0.7, 1.00453)])
def test_the_noise_has_the_moments_of_quadrature_not_of_bernoulli(p: float, mean: float) -> None:
    """Mean and variance over u by the midpoint rule, within 5 standard errors; the mean is not 1."""
    with np.errstate(over="ignore"):
        exact = multiplier(p, (np.arange(400_000) + 0.5) / 400_000)
    assert exact.mean() == pytest.approx(mean, abs=5e-5)
    sample = (1 - relaxed_bernoulli(logit(p), (DRAWS,), stream(0, "test"), FLOAT64)) / (1 - p)
    assert abs(sample.mean() - exact.mean()) < 5 * exact.std() / math.sqrt(DRAWS)
    squares = (sample - exact.mean()) ** 2
    assert abs(squares.mean() - exact.var()) < 5 * squares.std() / math.sqrt(DRAWS)


@pytest.mark.parametrize("p", [0.05, 0.5, 0.9])
def test_a_unit_counts_as_dropped_with_probability_p(p: float) -> None:
    """P(d > .5) = p at every temperature."""
    d = relaxed_bernoulli(logit(p), (DRAWS,), stream(0, "test"), FLOAT64)
    assert abs(np.mean(d > 0.5) - p) < 5 * math.sqrt(p * (1 - p) / DRAWS)


def test_at_low_temperature_it_is_the_mask_of_the_same_u() -> None:
    """Mean absolute difference from [u < 1 - p]: 2 ln 2 p (1 - p) t."""
    p, t = 0.3, 1e-3
    kept = 1 - relaxed_bernoulli(logit(p), (DRAWS,), stream(0, "test"), FLOAT64, t=t)
    u = 1 / (1 + np.exp(-draw_logistic((DRAWS,), stream(0, "test"), FLOAT64)))
    difference = np.abs(kept - (u < 1 - p))
    expected = 2 * math.log(2) * p * (1 - p) * t
    assert abs(difference.mean() - expected) < 5 * difference.std() / math.sqrt(DRAWS)


def test_extreme_draws_do_not_overflow_in_float32() -> None:
    """The argument reaches +-180."""
    d = relaxed_bernoulli(6.0, (DRAWS,), stream(0, "test"), np.dtype(np.float32))
    assert d.dtype == np.float32 and np.isfinite(d).all() and d.min() >= 0 and d.max() <= 1


def test_gradients_hold_for_theta_and_penalty() -> None:
    """Noise on and off; with a length scale that makes the weights' part of the penalty matter."""
    x = stream(0, "test:x").standard_normal((6, 4))
    variant = Concrete(start=0.3, length_scale=2.0)
    check_layer(lambda: ConcreteLinear(variant, linear(), place()), x, noise=lambda: Noise(0, 1), train=True)
    check_layer(lambda: ConcreteLinear(variant, linear(), place()), x)
    naive = ConcreteNaive(start=0.3)
    check_layer(lambda: NaiveNoise(naive, place(), linear()), x, noise=lambda: Noise(0, 1), train=True)


def test_the_penalty_is_the_papers() -> None:
    """wr |W|^2 / (1 - p) + dr K (p ln p + (1 - p) ln(1 - p)), dr = 1 / N, wr = l^2 / 2N."""
    plain = linear()
    layer = ConcreteLinear(Concrete(start=0.2, length_scale=0.5), plain, place())
    entropy = 0.2 * math.log(0.2) + 0.8 * math.log(0.8)
    expected = 0.25 / 100 * float((plain.W.value**2).sum()) / 0.8 + 4 / 50 * entropy
    assert layer.penalty() == pytest.approx(expected, rel=1e-12)
    assert layer.columns() == {"a/dropout/rate": pytest.approx(0.2)}


def test_thetas_learning_rate_lets_it_travel() -> None:
    """max(lr, 10 / steps) under Adam and its kin, lr itself under plain descent."""
    assert ConcreteLinear(Concrete(), linear(), place()).theta.lr_scale == pytest.approx(10 / 1080 / 1e-3)
    assert ConcreteLinear(Concrete(), linear(), place(steps=50_000)).theta.lr_scale == 1
    assert ConcreteLinear(Concrete(), linear(), place(normalized=False)).theta.lr_scale == 1
    assert not ConcreteLinear(Concrete(), linear(), place()).theta.clipped


def test_the_naive_start_is_a_keep_probability() -> None:
    """Rate .1 is theta = +2.197; evaluation multiplies by .9."""
    layer = NaiveNoise(ConcreteNaive(), place(), linear())
    assert layer.theta.value[0] == pytest.approx(2.197, abs=5e-4)
    np.testing.assert_allclose(layer.forward(np.ones((1, 2))), 0.9, rtol=1e-12)
    assert layer.columns()["a/dropout/rate"] == pytest.approx(0.1)
