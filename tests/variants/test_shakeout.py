"""Shakeout: mean and variance of z, and inverted dropout as its special case."""

import numpy as np
import pytest

from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.initializers import Glorot
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.variants import Location
from dropout_cli.variants.shakeout import Shakeout, ShakeoutLinear
from dropout_cli.variants.toolkit.masks import bernoulli, keep_probability

PLACE = Location(path="a", kind="hidden", index=0, count=1, fan_in=4, examples=1, steps=1)


def shaken(rate: float, c: float, sign_gradient: str = "exact") -> tuple[ShakeoutLinear, Dense]:
    """The noisy map and the plain one in it."""
    linear = Dense("a", 4, 3, Glorot(bias_sd=0.3), seed=0, dtype=np.dtype(np.float64))
    return ShakeoutLinear(Shakeout(c=c, sign_gradient=sign_gradient), linear, rate, PLACE), linear  # type: ignore[arg-type]


def test_z_has_the_mean_and_variance_of_the_formula() -> None:
    """E z = x W + b and Var z = (r / q) (x^2)((W + c S)^2), within 5 standard errors over 10^6 examples of one x."""
    rate, c, draws = 0.3, 0.2, 10**6
    layer, linear = shaken(rate, c)
    x = stream(0, "test:x").standard_normal((1, 4))
    z = layer.forward(np.repeat(x, draws, axis=0), noise=Noise(0, 0))
    W = linear.W.value
    q = keep_probability(rate)
    variance = ((1 - q) / q * (x**2) @ (W + c * np.sign(W)) ** 2)[0]
    assert np.all(np.abs(z.mean(axis=0) - linear.forward(x)[0]) < 5 * np.sqrt(variance / draws))
    squares = (z - linear.forward(x)) ** 2
    assert np.all(np.abs(squares.mean(axis=0) - variance) < 5 * squares.std(axis=0) / np.sqrt(draws))


def test_every_row_of_weights_is_one_of_the_papers_two() -> None:
    """(W_i + c r S_i) / q where kept, -c S_i where dropped, by the definition itself, example for example."""
    rate, c = 0.25, 0.1
    layer, linear = shaken(rate, c)
    x = stream(0, "test:x").standard_normal((20, 4))
    mask = bernoulli(x.shape, rate, Noise(0, 5)["a/dropout"])
    W, S = linear.W.value, np.sign(linear.W.value)
    z = layer.forward(x, noise=Noise(0, 5))
    for n in range(20):
        rows = np.where(mask[n][:, None], (W + c * rate * S) / (1 - rate), -c * S)
        np.testing.assert_allclose(z[n], x[n] @ rows + linear.b.value, rtol=1e-12, atol=1e-14)


def test_with_c_zero_it_is_inverted_dropout_on_the_inputs() -> None:
    """Draw for draw: output, and gradients of weights and inputs."""
    layer, linear = shaken(0.5, 0.0)
    x = stream(0, "test:x").standard_normal((20, 4))
    noise = bernoulli(x.shape, 0.5, Noise(0, 5)["a/dropout"]) / 0.5
    z = layer.forward(x, noise=Noise(0, 5)).copy()
    dx = layer.backward(np.ones_like(z)).copy()
    gradient = linear.W.gradient.copy()
    np.testing.assert_allclose(z, linear.forward(x * noise), rtol=1e-13)
    np.testing.assert_allclose(dx, linear.backward(np.ones_like(z)) * noise, rtol=1e-13)
    np.testing.assert_allclose(gradient, linear.W.gradient, rtol=1e-13)


@pytest.mark.parametrize("sign_gradient", ["exact", "tanh"])
def test_the_authors_term_is_an_option(sign_gradient: str) -> None:
    """c (x (.) (m / q - 1))'dz (.) (1 - tanh(W)^2), or nothing."""
    layer, linear = shaken(0.5, 0.1, sign_gradient)
    x: Array = stream(0, "test:x").standard_normal((20, 4))
    noise = bernoulli(x.shape, 0.5, Noise(0, 5)["a/dropout"]) / 0.5
    dz = np.ones_like(layer.forward(x, noise=Noise(0, 5)))
    layer.gradients(dz)
    extra = 0.1 * ((x * (noise - 1)).T @ dz) * (1 - np.tanh(linear.W.value) ** 2)
    expected = (x * noise).T @ dz + (extra if sign_gradient == "tanh" else 0)
    np.testing.assert_allclose(linear.W.gradient, expected, rtol=1e-12)


def test_each_layer_of_a_list_has_its_own_rate() -> None:
    """The first rate is that of the first hidden layer, which the second linear map takes in."""
    around = BuildContext(shape=(5,), outputs=3, examples=100, steps=50, seed=7, dtype=np.dtype(np.float64))
    net = Mlp(hidden=(4, 4, 4)).build(Shakeout(rate=(0.1, 0.2, 0.4)), around)
    rates = [value for name, value in net.columns().items() if name.endswith("/rate")]
    assert rates == [0.1, 0.2, 0.4]
