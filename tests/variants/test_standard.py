"""Classic dropout: masks in training, scaling in evaluation, and its equivalence with the inverted form."""

import math

import numpy as np
import pytest

from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.initializers import Normal
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.nn.losses import log_softmax, softmax
from dropout_cli.nn.optim.optimizers import Optimizer
from dropout_cli.nn.optim.optimizers.adam import Adam
from dropout_cli.nn.optim.optimizers.sgd import Sgd
from dropout_cli.nn.optim.update import OptimizerState, Regularization
from dropout_cli.objectives.cross_entropy import CrossEntropy
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.standard import Standard
from dropout_cli.variants.toolkit.rate_schedules import LinearRate
from tests.moments import check_moments


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_noise_is_a_mask(rate: float) -> None:
    """E = q and Var = q r."""
    check_moments(Standard(), rate, mean=1 - rate, variance=rate * (1 - rate))


def test_evaluation_scales_by_the_rate_in_force_at_the_last_step() -> None:
    """With a schedule that is the rate there, not the rate in the config."""
    around = BuildContext(shape=(5,), outputs=3, examples=10, steps=11, seed=0, dtype=np.dtype(np.float64))
    moving = Mlp(hidden=(4,)).build(Standard(rate=0.5, rate_schedule=LinearRate()), around)
    fixed = Mlp(hidden=(4,)).build(Standard(rate=0.25), around)
    moving.set_step(5)
    x = stream(0, "test:x").standard_normal((3, 5))
    np.testing.assert_allclose(moving.forward(x), fixed.forward(x), rtol=1e-14)


RATES = {"hidden1": 0.25, "hidden2": 0.5, "output": 0.5}
"""The rate of the place that feeds each layer: the input .25, both hidden layers .5."""


BOUND = 0.5
"""On the norm of each unit's incoming classic weights."""


def build(variant: Inverted | Standard) -> Sequential:
    """Five inputs, two hidden layers of six, three logits; biases drawn too."""
    around = BuildContext(shape=(5,), outputs=3, examples=64, steps=300, seed=0, dtype=np.dtype(np.float64))
    return Mlp(hidden=(6, 6), initializer=Normal(weight_sd=0.6, bias_sd=0.1)).build(variant, around)


@pytest.mark.parametrize(
    ("rule", "lr_power", "tolerance"),
    [
        (Sgd(learning_rate=0.1, momentum=0.9), 2, 1e-12),
        (Sgd(learning_rate=0.1, momentum=0.9, nesterov=True), 2, 1e-12),
        (Sgd(learning_rate=0.2), 2, 1e-12),
        (Adam(learning_rate=0.01), 1, 1e-11),
    ],
)
def test_classic_equals_inverted_with_converted_settings(rule: Optimizer, lr_power: int, tolerance: float) -> None:
    """Step for step: weights q w, learning rate q^2 lr (Adam: q lr), max-norm q c, L2 lambda / q^2; biases as they are.

    W is the classic weight, w = W q the inverted one, where q keeps the place that feeds it.
    Adam divides by the root of its second moment, which enlarges rounding.
    """
    classic, inverted = build(Standard(rate=0.5, input_rate=0.25)), build(Inverted(rate=0.5, input_rate=0.25))
    l2 = 0.0 if lr_power == 1 else 1e-3
    for path, rate in RATES.items():
        q, W = 1 - rate, inverted.parameters()[f"{path}/W"]
        W.value *= q
        W.lr_scale, W.max_norm, W.decay = q**lr_power, q, 1 / q**2
    settings = Regularization(max_norm=BOUND, l2=l2)
    if isinstance(rule, Adam):  # one epsilon for all layers: make it negligible
        rule = Adam(learning_rate=rule.learning_rate, epsilon=1e-15)
    movers = [OptimizerState(rule, network.parameters(), settings) for network in (classic, inverted)]
    rng = stream(0, "test:data")
    objective = CrossEntropy()
    reached = 0
    for step in range(300):
        x = rng.standard_normal((16, 5))
        labels = x[:, :3].argmax(axis=1)
        for network, mover in zip((classic, inverted), movers, strict=True):
            objective.compute_gradients(network, x, labels, Noise(0, step))
            mover.step(rule.learning_rate, step + 1)
        norms = np.linalg.norm(classic.parameters()["hidden2/W"].value, axis=0)
        reached += bool(np.isclose(norms, BOUND, rtol=1e-9).any())
    assert reached > 100, "the max-norm was hardly ever active"
    for path, rate in RATES.items():
        ours, theirs = classic.parameters(), inverted.parameters()
        # A weight is a sum of 300 updates: rounding is relative to what was added up, not to what may be left near 0.
        for letter, factor in (("W", 1 - rate), ("b", 1)):
            expected = factor * ours[f"{path}/{letter}"].value
            atol = tolerance * float(np.abs(expected).max())
            np.testing.assert_allclose(theirs[f"{path}/{letter}"].value, expected, rtol=0, atol=atol)
    x = rng.standard_normal((16, 5))
    np.testing.assert_allclose(inverted.forward(x), classic.forward(x), rtol=tolerance, atol=tolerance / 100)


def ensemble(r: float) -> tuple[Array, Array, Array]:
    """For one softmax layer over 8 units, all 2^8 masks: their log-probabilities, their chances, weight scaling."""
    rng, n = stream(0, "test:geometric"), 8
    h, W, b = rng.standard_normal(n), rng.standard_normal((n, 3)), rng.standard_normal(3)
    masks = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(float)
    chance = np.prod(np.where(masks, 1 - r, r), axis=1)
    return log_softmax((masks * h) @ W + b), chance, softmax(((1 - r) * h @ W + b)[None])[0]


def geometric_mean(logp: Array, weights: Array) -> Array:
    """exp(weighted mean of log-probabilities), normalized."""
    mean = np.exp(weights @ logp / weights.sum())
    return np.asarray(mean / mean.sum())


@pytest.mark.parametrize("r", [0.2, 0.5])
def test_the_probability_weighted_geometric_mean_of_all_masks_is_weight_scaling(r: float) -> None:
    """For one softmax layer, at any rate (Baldi & Sadowski 2013)."""
    logp, chance, scaled = ensemble(r)
    np.testing.assert_allclose(geometric_mean(logp, chance), scaled, rtol=1e-12)
    assert math.isclose(chance.sum(), 1.0)


def test_the_unweighted_geometric_mean_is_weight_scaling_at_one_half_only() -> None:
    """And the arithmetic mean never is."""
    for r, equal in ((0.5, True), (0.2, False)):
        logp, chance, scaled = ensemble(r)
        unweighted = geometric_mean(logp, np.ones(len(chance)))
        assert (np.abs(unweighted - scaled).max() < 1e-12) == equal
        assert np.abs(chance @ np.exp(logp) - scaled).max() > 1e-3
