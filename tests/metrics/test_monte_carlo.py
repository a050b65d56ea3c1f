"""Prediction with noise: the formulas, what its mean tends to, and whose draws are whose."""

import math
from typing import Any

import numpy as np
import pytest

from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array, DType
from dropout_cli.data.dataset import AffineScaling, Dataset, Part
from dropout_cli.metrics import monte_carlo as uncertainty
from dropout_cli.nn.activations import ACTIVATIONS
from dropout_cli.nn.initializers import Glorot
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.nn.losses import log_softmax, softmax
from dropout_cli.training import forward_passes as inference
from dropout_cli.training.forward_passes import outputs
from dropout_cli.variants import Location, Variant
from dropout_cli.variants.alpha import Alpha
from dropout_cli.variants.batchwise import Batchwise
from dropout_cli.variants.concrete import Concrete
from dropout_cli.variants.dropconnect import DropConnect
from dropout_cli.variants.gaussian import Gaussian
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.none import NoDropout
from dropout_cli.variants.shakeout import Shakeout
from dropout_cli.variants.standard import Standard
from dropout_cli.variants.standout import Standout
from dropout_cli.variants.variational import Variational

FLOAT64, FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)
PASSES = 20_000


def data(x: Array) -> Dataset:
    """Those examples, unscaled, of three classes, as every part."""
    part = Part(x.astype(np.float32), np.arange(len(x)) % 3, np.arange(len(x)))
    return Dataset("made", part, None, part, ("a", "b", "c"), AffineScaling(np.ones(1), np.zeros(1)), "")


def examples(count: int, width: int = 5) -> Array:
    """Standard normal examples."""
    return stream(0, "test:x").standard_normal((count, width))


def network(variant: Variant, *, activation: Any = "identity", dtype: DType = FLOAT64, bias: float = 0.5) -> Sequential:
    """Five inputs, two hidden layers of 20, three logits; biases are normal with that standard deviation."""
    around = BuildContext(shape=(5,), outputs=3, examples=100, steps=50, seed=7, dtype=dtype)
    built = Mlp(hidden=(20, 20), activation=activation).build(variant, around)
    for name, parameter in built.parameters().items():
        if name.endswith("/b"):
            parameter.value[...] = bias * stream(0, f"test:{name}").standard_normal(parameter.value.shape)
    return built


def place(path: str, kind: Any, fan_in: int) -> Location:
    """The only place of its kind in a small network."""
    return Location(path=path, kind=kind, index=0, count=1, fan_in=fan_in, examples=100, steps=50)


def independent(net: Layer, x: Array, *, per_example: bool = True) -> Array:
    """The logits of `PASSES` independent noisy passes of one example x (1, D)."""
    if per_example:
        return net.forward(np.repeat(x, PASSES, axis=0), noise=Noise(0, 0, role="monte_carlo"))
    return np.concatenate([net.forward(x, noise=Noise(0, t, role="monte_carlo")).copy() for t in range(PASSES)])


def errors(drawn: Array, expected: Array) -> Array:
    """Return by how many standard errors of the sample each column's mean differs from the expected one."""
    return np.asarray(np.abs(drawn.mean(axis=0) - expected) / (drawn.std(axis=0, ddof=1) / math.sqrt(len(drawn))))


def test_two_passes_by_hand() -> None:
    """Two classes, p = (.9, .1) and (.4, .6); then (.5, .5) twice, where passes agree on complete uncertainty."""
    p = np.array([[[0.9, 0.1], [0.5, 0.5]], [[0.4, 0.6], [0.5, 0.5]]])
    found = uncertainty.aggregate_passes(np.log(one) for one in p)
    np.testing.assert_allclose(found.probabilities, [[0.65, 0.35], [0.5, 0.5]], rtol=1e-14)
    np.testing.assert_allclose(found.sd, [[0.25, 0.25], [0.0, 0.0]], rtol=1e-14)
    roots = np.sqrt([0.9 * 0.4, 0.1 * 0.6])
    np.testing.assert_allclose(found.geometric_mean, [roots / roots.sum(), [0.5, 0.5]], rtol=1e-14)

    def entropy(q: float) -> float:
        return -q * math.log(q) - (1 - q) * math.log(1 - q)

    np.testing.assert_allclose(found.predictive_entropy, [entropy(0.65), math.log(2)], rtol=1e-14)
    np.testing.assert_allclose(found.expected_entropy, [(entropy(0.9) + entropy(0.4)) / 2, math.log(2)], rtol=1e-14)
    np.testing.assert_allclose(
        found.mutual_information, [entropy(0.65) - (entropy(0.9) + entropy(0.4)) / 2, 0], rtol=1e-13, atol=1e-15
    )
    np.testing.assert_allclose(found.variation_ratio, [0.5, 0.0], atol=1e-15)


def test_sure_and_opposed_passes_have_the_largest_mutual_information() -> None:
    """One pass per class, each certain to the last digit: ln 3, no NaN from 0 ln 0, two of three outvoted."""
    found = uncertainty.aggregate_passes(1e4 * np.eye(3)[[c]] for c in range(3))
    assert found.mutual_information[0] == pytest.approx(math.log(3), rel=1e-14)
    assert found.expected_entropy[0] == 0
    assert found.variation_ratio[0] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "variant", [NoDropout(), Inverted(rate=0), Standard(rate=0), Batchwise(rate=0), Shakeout(rate=0)]
)
def test_mutual_information_is_0_at_rate_0(variant: Variant) -> None:
    """To rounding; every pass is the prediction without noise."""
    net, made = network(variant, activation="relu", dtype=FLOAT32), data(examples(50))
    found = uncertainty.aggregate_passes(inference.noisy_passes(net, made, made.test, seed=0, count=7, batch=20))
    assert 0 <= found.mutual_information.min() <= found.mutual_information.max() < 1e-12
    assert found.variation_ratio.max() == 0
    plain = softmax(outputs(net, made, made.test, batch=20).astype(np.float64))
    np.testing.assert_allclose(found.probabilities, plain, rtol=1e-14)
    np.testing.assert_allclose(found.geometric_mean, plain, rtol=1e-14)


LINEAR: dict[str, Variant] = {
    "standard": Standard(rate=0.5, input_rate=0.2),
    "inverted": Inverted(rate=0.5, input_rate=0.2),
    "gaussian": Gaussian(rate=0.5, input_rate=0.2),
    "batchwise": Batchwise(rate=0.5),
    "dropconnect": DropConnect(rate=0.5, inference="mean"),
    "dropconnect exact": DropConnect(rate=0.5, masks="exact", inference="mean"),
    "variational unit": Variational(mode="unit", rate=0.4),
    "variational weight": Variational(mode="weight", rate=0.4),
    "shakeout": Shakeout(rate=0.5, input_rate=0.2, c=0.1),
}


@pytest.mark.parametrize("name", LINEAR)
def test_monte_carlo_mean_is_weight_scaling_for_a_linear_net(name: str) -> None:
    """Identity activations: the mean logits lie within 5 standard errors of those without noise."""
    variant = LINEAR[name]
    net, x = network(variant), examples(1)
    clean = net.forward(x).copy()[0]
    drawn = independent(net, x, per_example=variant.per_example)
    assert drawn.std(axis=0).min() > 0.1
    assert errors(drawn, clean).max() < 5


def test_monte_carlo_mean_is_not_weight_scaling_for_alpha() -> None:
    """E[y given a] = A q a, not a: the mean is off even in a linear network."""
    net, x = network(Alpha(rate=0.2)), examples(1)
    clean = net.forward(x).copy()[0]
    assert errors(independent(net, x), clean).max() > 5


def test_monte_carlo_mean_is_not_weight_scaling_for_concrete() -> None:
    """Three layers that average 64 ones: each multiplies the mean by 1 - (pi^2 t^2 / 6) p (1 - 2 p), t = .1."""
    p, n = 0.25, 64
    around = BuildContext(shape=(n,), outputs=1, examples=100, steps=50, seed=0, dtype=FLOAT64)
    net = Mlp(hidden=(n, n), activation="identity").build(Concrete(start=p), around)
    for name, parameter in net.parameters().items():
        if name.endswith(("/W", "/b")):
            parameter.value[...] = 1 / n if name.endswith("/W") else 0
    drawn = independent(net, np.ones((1, n)))
    assert net.forward(np.ones((1, n)))[0, 0] == pytest.approx(1)
    assert errors(drawn, np.ones(1))[0] > 5
    third = 1 - math.pi**2 * 0.01 / 6 * p * (1 - 2 * p)
    assert errors(drawn, np.array([third**3]))[0] < 5


@pytest.mark.parametrize(("input_rate", "agrees"), [(0.0, True), (0.5, False)])
def test_monte_carlo_mean_is_weight_scaling_for_standout_unless_it_stands_above_another_noise(
    input_rate: float, agrees: bool
) -> None:
    """The keep probability is a function of the noisy pre-activation, and E[P(z) z] is not P(E z) E z."""
    below = Inverted(input_rate=input_rate).input(place("input", "input", 5))
    linear = Dense("hidden1", 5, 20, Glorot(), seed=0, dtype=FLOAT64)
    unit = Standout().unit(linear, [], ACTIVATIONS["identity"]("hidden1/identity"), place("hidden1", "hidden", 5))
    assert below is not None
    net = Sequential("network", [below, unit, Dense("output", 20, 3, Glorot(), seed=0, dtype=FLOAT64)])
    x = 2 * examples(1)
    clean = net.forward(x).copy()[0]
    assert (errors(independent(net, x), clean).max() < 5) == agrees


@pytest.mark.parametrize("rate", [0.5, 0.2])
def test_the_geometric_mean_converges_to_weight_scaling_and_the_arithmetic_mean_does_not(rate: float) -> None:
    """For one softmax layer (Baldi & Sadowski 2013): 10^4 passes, standard errors from them."""
    below = Inverted(input_rate=rate).input(place("input", "input", 5))
    assert below is not None
    net = Sequential("network", [below, Dense("output", 5, 3, Glorot(bias_sd=0.5), seed=0, dtype=FLOAT32)])
    made = data(2 * examples(4))
    drawn = np.array(list(inference.noisy_passes(net, made, made.test, seed=0, count=10_000, batch=4)), np.float64)
    found, clean = uncertainty.aggregate_passes(drawn), outputs(net, made, made.test, batch=4).astype(np.float64)

    odds = drawn[..., 1:] - drawn[..., :1]
    standard_error = odds.std(axis=0) / 100
    g = np.log(found.geometric_mean)
    assert np.all(np.abs(g[:, 1:] - g[:, :1] - (clean[:, 1:] - clean[:, :1])) < 5 * standard_error)

    probs = np.exp([log_softmax(one) for one in drawn])
    assert np.any(np.abs(found.probabilities - softmax(clean)) > 5 * probs.std(axis=0) / 100)


SHARED: dict[str, Variant] = {
    "inverted": Inverted(rate=0.5, input_rate=0.2),
    "gaussian": Gaussian(rate=0.5),
    "batchwise": Batchwise(rate=0.5),
    "dropconnect exact": DropConnect(rate=0.5, masks="exact"),
    "shakeout": Shakeout(rate=0.5),
    "concrete": Concrete(start=0.5),
    "variational": Variational(mode="unit", rate=0.4),
}


@pytest.mark.parametrize("name", SHARED)
def test_a_thinned_network_has_one_draw_for_all_examples(name: str) -> None:
    """Without biases and activations it is a linear map: twice the input gives twice the logits, to the last bit."""
    net = network(SHARED[name], dtype=FLOAT32, bias=0.0)
    x = examples(1)
    made = data(np.concatenate([x, 2 * x, 4 * x, -x]))
    one, other = inference.sampled_networks(net, made, made.test, seed=0, count=2, batch=4)
    for drawn in (one, other):
        assert np.array_equal(drawn, np.array([[1], [2], [4], [-1]], np.float32) * drawn[0])
    assert not np.array_equal(one, other)


def test_in_a_pass_every_example_draws_for_itself() -> None:
    """The same example, four times, gives four answers."""
    net, made = network(Inverted(rate=0.5), dtype=FLOAT32), data(np.repeat(examples(1), 4, axis=0))
    (drawn,) = inference.noisy_passes(net, made, made.test, seed=0, count=1, batch=2)
    assert len(np.unique(drawn[:, 0])) == 4


@pytest.mark.parametrize("how", ["passes", "thinned"])
def test_the_same_seed_gives_the_same_bytes(how: str) -> None:
    """Earlier draws do not matter; another seed gives other bytes, and so does every pass or network."""
    net, made = network(Inverted(rate=0.5), dtype=FLOAT32), data(examples(6))

    def drawn(seed: int) -> list[bytes]:
        if how == "passes":
            found = inference.noisy_passes(net, made, made.test, seed=seed, count=3, batch=4)
        else:
            found = inference.sampled_networks(net, made, made.test, seed=seed, count=3, batch=4)
        return [one.tobytes() for one in found]

    first = drawn(0)
    assert drawn(0) == first
    assert len({*first, *drawn(1)}) == 6
