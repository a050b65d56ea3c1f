"""Softmax cross-entropy by hand, at the extremes and against central differences; its objective on a network."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.activations.tanh import Tanh
from dropout_cli.nn.initializers import Glorot
from dropout_cli.nn.layers.additive_noise import AdditiveNoise
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.nn.losses import cross_entropy, log_softmax, softmax
from dropout_cli.objectives import OBJECTIVES
from dropout_cli.objectives.cross_entropy import CrossEntropy
from tests.gradients import directional, read_only

LN = math.log
FLOATS = [np.dtype(np.float32), np.dtype(np.float64)]
SETTINGS = [(0.0, 0.0), (0.1, 0.0), (0.0, 0.3), (0.2, 0.5)]
every_setting = pytest.mark.parametrize(("smoothing", "penalty"), SETTINGS)


def drawn(n: int = 20, classes: int = 5, sd: float = 2.0) -> tuple[Array, Array]:
    """Logits (n, classes), read-only, and labels."""
    rng = stream(0, "test:logits")
    return read_only(rng.normal(0, sd, (n, classes))), rng.integers(0, classes, n)


@pytest.mark.parametrize(
    ("smoothing", "penalty", "loss", "gradient"),
    [
        (0.0, 0.0, -LN(3 / 4), [1 / 4, -1 / 4]),
        (0.2, 0.0, -0.1 * LN(1 / 4) - 0.9 * LN(3 / 4), [1 / 4 - 0.1, 3 / 4 - 0.9]),
        (0.0, 2.0, -LN(3 / 4) - 2 * (LN(4) - 3 / 4 * LN(3)), [1 / 4 - 3 / 8 * LN(3), 3 / 8 * LN(3) - 1 / 4]),
    ],
    ids=["plain", "label smoothing", "confidence penalty"],
)
def test_cross_entropy_by_hand(smoothing: float, penalty: float, loss: float, gradient: list[float]) -> None:
    """Logits 0 and ln 3 are probabilities 1/4 and 3/4; the label is the second; two equal examples halve dlogits."""
    logits, labels = np.log([[1.0, 3.0], [1.0, 3.0]]), np.array([1, 1])
    value, dlogits = cross_entropy(logits, labels, label_smoothing=smoothing, confidence_penalty=penalty)
    assert value == pytest.approx(loss, rel=1e-14)
    np.testing.assert_allclose(dlogits, [np.array(gradient) / 2] * 2, rtol=1e-13)


@every_setting
def test_dlogits_agree_with_central_differences(smoothing: float, penalty: float) -> None:
    """The gradient agrees with central differences to 1e-6 for every mixture of smoothing and penalty."""
    fixed, labels = drawn()
    logits = fixed.copy()

    def loss() -> float:
        return cross_entropy(logits, labels, label_smoothing=smoothing, confidence_penalty=penalty)[0]

    _, dlogits = cross_entropy(fixed, labels, label_smoothing=smoothing, confidence_penalty=penalty)
    rng = stream(0, "test:directions")
    assert max(directional(loss, [logits], [dlogits], rng) for _ in range(5)) < 1e-6


@every_setting
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_extreme_logits_stay_finite(smoothing: float, penalty: float, dtype: np.dtype[np.generic]) -> None:
    """Logits of +-10^4 neither overflow nor make a NaN, and being wrong by 2 10^4 costs (1 - s/2) 2 10^4."""
    logits = np.array([[1e4, -1e4], [-1e4, 1e4]], dtype)
    right, dright = cross_entropy(logits, np.array([0, 1]), label_smoothing=smoothing, confidence_penalty=penalty)
    wrong, dwrong = cross_entropy(logits, np.array([1, 0]), label_smoothing=smoothing, confidence_penalty=penalty)
    assert right == pytest.approx(smoothing / 2 * 2e4, abs=1e-9)
    assert wrong == pytest.approx((1 - smoothing / 2) * 2e4)
    np.testing.assert_allclose(dright, np.array([[1, -1], [-1, 1]]) * smoothing / 4, atol=1e-7)
    np.testing.assert_allclose(dwrong, np.array([[1, -1], [-1, 1]]) * (1 - smoothing / 2) / 2, rtol=1e-6)


@settings(deadline=None)
@given(shift=st.floats(-1e6, 1e6), smoothing=st.floats(0, 0.9), penalty=st.floats(0, 3))
def test_a_shift_of_all_logits_changes_nothing(shift: float, smoothing: float, penalty: float) -> None:
    """Adding a number to every logit leaves loss and gradient, whose rows sum to 0, as they are."""
    logits, labels = drawn()
    loss, dlogits = cross_entropy(logits, labels, label_smoothing=smoothing, confidence_penalty=penalty)
    shifted, dshifted = cross_entropy(logits + shift, labels, label_smoothing=smoothing, confidence_penalty=penalty)
    assert shifted == pytest.approx(loss, rel=1e-8, abs=1e-8)  # at 10^6, float64 resolves 10^-10
    np.testing.assert_allclose(dshifted, dlogits, atol=1e-8)
    np.testing.assert_allclose(dlogits.sum(axis=1), 0, atol=1e-15)


def test_softmax_is_the_exponential_of_log_softmax_and_sums_to_one() -> None:
    """The two agree; the rows of softmax are distributions, also where logits are far apart."""
    logits, _ = drawn(sd=100.0)
    np.testing.assert_allclose(softmax(logits), np.exp(log_softmax(logits)), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(softmax(logits).sum(axis=1), 1, rtol=1e-14)
    assert softmax(np.array([[1e4, 0.0, -1e4]])).tolist() == [[1, 0, 0]]


@every_setting
def test_float32_logits_give_float32_gradients(smoothing: float, penalty: float) -> None:
    """In float32 dlogits, softmax and log-softmax are float32, and near those of float64."""
    logits, labels = drawn()
    single = read_only(logits.astype(np.float32))
    loss, dlogits = cross_entropy(logits, labels, label_smoothing=smoothing, confidence_penalty=penalty)
    loss32, dlogits32 = cross_entropy(single, labels, label_smoothing=smoothing, confidence_penalty=penalty)
    assert dlogits32.dtype == softmax(single).dtype == log_softmax(single).dtype == np.float32
    assert loss32 == pytest.approx(loss, rel=1e-6)
    np.testing.assert_allclose(dlogits32, dlogits, atol=1e-7)


def small_network() -> Sequential:
    """Noise, four units and three logits, in float64."""
    dtype = np.dtype(np.float64)
    hidden = Dense("hidden1", 5, 4, Glorot(), seed=0, dtype=dtype)
    output = Dense("output", 4, 3, Glorot(), seed=0, dtype=dtype)
    return Sequential("net", [AdditiveNoise("input", 0.5), hidden, Tanh("hidden1/act"), output])


@every_setting
def test_learn_leaves_the_gradients_of_its_loss(smoothing: float, penalty: float) -> None:
    """The gradients left are those of the loss returned, batch noise included."""
    network, objective = small_network(), CrossEntropy(label_smoothing=smoothing, confidence_penalty=penalty)
    x, labels = stream(0, "test:x").standard_normal((6, 5)), np.array([0, 1, 2, 0, 1, 2])
    objective.compute_gradients(network, read_only(x), labels, Noise(0, 1))
    values = [one.value for one in network.parameters().values()]
    gradients = [one.gradient.copy() for one in network.parameters().values()]

    def loss() -> float:
        return objective.compute_gradients(network, x, labels, Noise(0, 1))

    rng = stream(0, "test:directions")
    assert max(directional(loss, values, gradients, rng) for _ in range(5)) < 1e-6
    assert loss() != objective.compute_gradients(network, x, labels, None)


@every_setting
def test_learn_returns_the_loss_of_its_settings(smoothing: float, penalty: float) -> None:
    """`learn` returns the cross-entropy of the noisy training pass, with the smoothing and penalty of its config."""
    x, labels = stream(0, "test:x").standard_normal((6, 5)), np.array([0, 1, 2, 0, 1, 2])
    logits = small_network().forward(x, train=True, noise=Noise(0, 1))
    expected, _ = cross_entropy(logits, labels, label_smoothing=smoothing, confidence_penalty=penalty)
    objective = CrossEntropy(label_smoothing=smoothing, confidence_penalty=penalty)
    assert objective.compute_gradients(small_network(), x, labels, Noise(0, 1)) == expected


def test_cross_entropy_is_an_objective_by_name() -> None:
    """The YAML's `objective: {name: cross_entropy}` finds it, with both options off."""
    assert OBJECTIVES["cross_entropy"] is CrossEntropy
    assert CrossEntropy() == CrossEntropy(label_smoothing=0.0, confidence_penalty=0.0)
