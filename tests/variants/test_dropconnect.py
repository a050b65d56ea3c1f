"""DropConnect: exact masks, their moments, and inference by sampling."""

import math
from typing import Any

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.core.rng import Noise, stream
from dropout_cli.nn.activations.relu import Relu
from dropout_cli.nn.initializers import Glorot
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.training import result_changes
from dropout_cli.variants import Location
from dropout_cli.variants.dropconnect import DropConnect, GaussianDropConnect, MaskedLinear
from dropout_cli.variants.toolkit.gaussian_linear import FLOOR
from dropout_cli.variants.toolkit.masks import bernoulli, keep_probability
from dropout_cli.variants.toolkit.rate_schedules import LinearRate
from tests.gradients import check_layer

PLACE = Location(path="a", kind="hidden", index=0, count=1, fan_in=4, examples=1, steps=1)
RATE = 0.3


def linear() -> Dense:
    """Four inputs, three outputs, biases too."""
    return Dense("a", 4, 3, Glorot(bias_sd=0.5), seed=0, dtype=np.dtype(np.float64))


def test_exact_masks_are_the_definition() -> None:
    """z_n = (x_n (M_n (.) W) + mb_n (.) b) / q, example for example, biases masked too."""
    plain, x = linear(), stream(0, "test:x").standard_normal((6, 4))
    kept = bernoulli((6, 5, 3), RATE, Noise(0, 1)["a/dropout"]) / (1 - round(RATE * 65536) / 65536)
    z = MaskedLinear(DropConnect(), plain, RATE, PLACE).forward(x, noise=Noise(0, 1))
    for n in range(6):
        expected = x[n] @ (kept[n, :-1] * plain.W.value) + kept[n, -1] * plain.b.value
        np.testing.assert_allclose(z[n], expected, rtol=1e-12)


@pytest.mark.parametrize(("make", "draws"), [(MaskedLinear, 10**5), (GaussianDropConnect, 10**6)])
def test_the_moments_are_those_of_exact_masks(make: Any, draws: int) -> None:
    """Mean and variance of z for one x, within 5 standard errors: 10^5 exact draws, 10^6 normal ones.

    E z = x W + b and Var z = (r / q) ((x^2)(W^2) + b^2).
    """
    plain = linear()
    x = stream(0, "test:x").standard_normal((1, 4))
    z = make(DropConnect(), plain, RATE, PLACE).forward(np.repeat(x, draws, axis=0), noise=Noise(0, 1))
    mean, q = plain.forward(x)[0].copy(), keep_probability(RATE)
    variance = (1 - q) / q * ((x**2) @ plain.W.value**2 + plain.b.value**2)[0]
    assert np.all(np.abs(z.mean(axis=0) - mean) < 5 * np.sqrt(variance / draws))
    squares = (z - mean) ** 2
    assert np.all(np.abs(squares.mean(axis=0) - variance) < 5 * squares.std(axis=0) / math.sqrt(draws))


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("make", [MaskedLinear, GaussianDropConnect])
def test_both_ways_have_right_gradients(make: Any, train: bool) -> None:
    """The variance depends on W and b: without its part the gradient is not the paper's. Noise counts, not training."""
    x = stream(0, "test:x").standard_normal((6, 4))
    check_layer(lambda: make(DropConnect(), linear(), RATE, PLACE), x, noise=lambda: Noise(0, 1), train=train)


def test_an_all_zero_example_leaves_the_gradient_finite() -> None:
    """With a zero bias its variance is the floor alone."""
    plain = linear()
    plain.b.value[...] = 0
    layer = GaussianDropConnect(DropConnect(), plain, RATE, PLACE)
    layer.forward(np.zeros((2, 4)), noise=Noise(0, 1))
    assert np.isfinite(layer.backward(np.ones((2, 3)))).all() and np.isfinite(plain.W.gradient).all()


def test_sampled_inference_averages_activations() -> None:
    """E relu(N(.2, 1)) = .51, and not relu(.2) = .2."""
    plain = Dense("a", 1, 1, Glorot(), seed=0, dtype=np.dtype(np.float64))
    plain.W.value[...], plain.b.value[...] = 1.0, -0.8
    variant = DropConnect(rate=0.5, inference="sample", samples=4000)
    unit = variant.unit(plain, [], Relu("relu"), PLACE)
    mu, sd = 0.2, math.sqrt(1 + 0.8**2)
    phi = math.exp(-0.5 * (mu / sd) ** 2) / math.sqrt(2 * math.pi)
    expected = mu * 0.5 * (1 + math.erf(mu / sd / math.sqrt(2))) + sd * phi
    y = unit.forward(np.ones((1, 1)))
    assert abs(y[0, 0] - expected) < 5 * sd / math.sqrt(4000)
    assert np.array_equal(unit.forward(np.ones((1, 1))), y)
    assert DropConnect(rate=0.5).unit(plain, [], Relu("relu"), PLACE).forward(np.ones((1, 1)))[0, 0] == pytest.approx(
        0.2
    )


@pytest.mark.parametrize("masks", ["moments", "exact"])
def test_sampled_inference_uses_the_rate_in_force(masks: Any) -> None:
    """At the end of a schedule that falls to 0 there is no noise left, in training either: the mean weights."""
    place = Location(path="a", kind="hidden", index=0, count=1, fan_in=4, examples=1, steps=11)
    variant = DropConnect(rate=0.5, masks=masks, inference="sample", rate_schedule=LinearRate(start=0.5, end=0.0))
    unit, plain, x = variant.unit(linear(), [], Relu("relu"), place), linear(), np.ones((2, 4))
    unit.set_step(10)
    np.testing.assert_allclose(unit.forward(x), np.maximum(plain.forward(x), 0), rtol=1e-12)
    trained = unit.forward(x, train=True, noise=Noise(0, 1))
    np.testing.assert_allclose(trained, np.maximum(plain.forward(x), 0), atol=6 * math.sqrt(FLOOR))
    unit.set_step(0)
    assert np.abs(unit.forward(x) - np.maximum(plain.forward(x), 0)).max() > 1e-2
    assert np.abs(unit.forward(x, noise=Noise(0, 1)) - np.maximum(plain.forward(x), 0)).max() > 1e-2


@pytest.mark.parametrize("masks", ["moments", "exact"])
def test_where_draws_are_shared_the_weights_are_drawn(masks: Any) -> None:
    """One network for all rows: without a bias and an activation, z of x + y is z of x plus z of y."""
    plain = linear()
    plain.b.value[...] = 0
    variant = DropConnect(rate=RATE, masks=masks)
    layer = (MaskedLinear if masks == "exact" else GaussianDropConnect)(variant, plain, RATE, PLACE)
    x = stream(0, "test:x").standard_normal((2, 4))
    z = layer.forward(np.concatenate([x, x.sum(axis=0, keepdims=True)]), noise=Noise(0, 1, shared=True))
    np.testing.assert_allclose(z[2], z[0] + z[1], rtol=1e-12)
    assert np.abs(z[:2] - plain.forward(x)).min() > 1e-3


def test_drawn_weights_have_the_moments_of_z() -> None:
    """Over 20,000 networks, for one x: mean and variance of z within 5 standard errors."""
    plain, draws = linear(), 20_000
    x = stream(0, "test:x").standard_normal((1, 4))
    layer = GaussianDropConnect(DropConnect(), plain, RATE, PLACE)
    z = np.array([layer.forward(x, noise=Noise(0, t, shared=True))[0].copy() for t in range(draws)])
    mean, q = plain.forward(x)[0].copy(), keep_probability(RATE)
    variance = (1 - q) / q * ((x**2) @ plain.W.value**2 + plain.b.value**2)[0]
    assert np.all(np.abs(z.mean(axis=0) - mean) < 5 * np.sqrt(variance / draws))
    squares = (z - mean) ** 2
    assert np.all(np.abs(squares.mean(axis=0) - variance) < 5 * squares.std(axis=0) / math.sqrt(draws))


def test_a_run_that_sampled_at_evaluation_is_of_another_arithmetic() -> None:
    """Its validation drew for each row, from seed 0; a run with the mean weights is what it was."""
    found = {}
    for inference in ("sample", "mean"):
        variant = f"dropout={{variant: dropconnect, inference: {inference}}}"
        found[inference] = list(
            result_changes.changes_since(1, config.load_config(config.find_config("digits"), [variant]).experiment, 100)
        )
    assert "one set of weights for all examples" in found["sample"][0] and found["mean"] == []


def test_weights_drawn_for_all_rows_have_the_mean_of_the_plain_map() -> None:
    """Shared draws mask weights and biases, divided by q: the mean over draws is x W + b, within 5 standard errors."""
    plain, x, draws = linear(), stream(0, "test:x").standard_normal((2, 4)), 4000
    layer = MaskedLinear(DropConnect(), plain, RATE, PLACE)
    noises = (Noise(0, number, "monte_carlo", shared=True) for number in range(draws))
    found = np.array([layer.forward(x, noise=noise) for noise in noises])
    error = found.std(axis=0, ddof=1) / math.sqrt(draws)
    assert (np.abs(found.mean(axis=0) - (x @ plain.W.value + plain.b.value)) < 5 * error).all()


def test_without_noise_the_gradients_are_those_of_the_plain_map() -> None:
    """Also for a caller that needs no dx."""
    x, dy = stream(0, "test:x").standard_normal((6, 4)), stream(0, "test:dy").standard_normal((6, 3))
    plain, masked = linear(), MaskedLinear(DropConnect(), linear(), RATE, PLACE)
    for layer in (plain, masked):
        layer.forward(x, train=True)
        layer.gradients(dy)
    for ours, theirs in zip(masked.parameters().values(), plain.parameters().values(), strict=True):
        np.testing.assert_allclose(ours.gradient, theirs.gradient, rtol=1e-12)


def test_a_mask_for_all_examples_has_a_row_of_its_own_for_the_biases() -> None:
    """The last one, below those of the weights; both are divided by q."""
    plain = linear()
    W, b = MaskedLinear(DropConnect(), plain, RATE, PLACE)._masked(stream(0, "test"))
    kept = bernoulli((5, 3), RATE, stream(0, "test")) / keep_probability(RATE)
    np.testing.assert_allclose(W, kept[:-1] * plain.W.value)
    np.testing.assert_allclose(b, kept[-1] * plain.b.value)


def test_a_list_of_rates_has_one_for_each_hidden_layer() -> None:
    """Two rates for three layers are refused."""
    with pytest.raises(ValueError, match="has 2 rates, but the network has 3 hidden layers"):
        DropConnect(rate=(0.1, 0.2)).check_network(hidden=3, activation="relu")
    DropConnect(rate=(0.1, 0.2)).check_network(hidden=2, activation="relu")
