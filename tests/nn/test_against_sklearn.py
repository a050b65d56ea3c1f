"""The engine at rate 0 against scikit-learn's MLPClassifier: same weights in, same loss, gradients and weights out.

scikit-learn adds alpha |W|^2 / 2n for a batch of n, we add l2 |W|^2, so that l2 = alpha / 2n; and its Adam adds
epsilon before the bias correction where ours, as the paper's, adds it after, so that both get one too small to see.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from dropout_cli.core.types import Array
from dropout_cli.nn.activations import ACTIVATIONS
from dropout_cli.nn.initializers import Glorot
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.nn.optim.optimizers import Optimizer
from dropout_cli.nn.optim.optimizers.adam import Adam
from dropout_cli.nn.optim.optimizers.sgd import Sgd
from dropout_cli.nn.optim.update import Regularization
from dropout_cli.objectives.cross_entropy import CrossEntropy
from dropout_cli.training.state import Learner

N, STEPS, RATE = 200, 15, 0.05
WIDTHS = (64, 32, 16, 10)
NAMES = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic", "identity": "identity"}


@pytest.fixture(scope="module")
def digits() -> tuple[Array, Array]:
    """The first 200 digits, in [0, 1], float64."""
    x, labels = load_digits(return_X_y=True)
    return x[:N] / 16, labels[:N]


def our_network(activation: str) -> Sequential:
    """64-32-16-10 in float64."""
    layers: list[Layer] = []
    for index, (fan_in, fan_out) in enumerate(pairwise(WIDTHS), start=1):
        layers.append(Dense(f"dense{index}", fan_in, fan_out, Glorot(bias_sd=0.1), seed=0, dtype=np.dtype(np.float64)))
        layers.append(ACTIVATIONS[activation](f"act{index}"))
    return Sequential("net", layers[:-1])


@dataclass
class Pair:
    """Our learner and their classifier, which start from the same weights and see the same batch."""

    ours: Learner
    theirs: Any
    x: Array
    labels: Array

    @classmethod
    def of(
        cls, digits: tuple[Array, Array], activation: str, optimizer: Optimizer, alpha: float = 0.0, **settings: Any
    ) -> "Pair":
        """`settings` are those of the classifier that `optimizer` corresponds to."""
        x, labels = digits
        network = our_network(activation)
        theirs = MLPClassifier(
            WIDTHS[1:-1], activation=NAMES[activation], alpha=alpha, batch_size=N, shuffle=False, **settings
        )
        theirs.partial_fit(x, labels, classes=np.arange(10))
        del theirs._optimizer  # it has taken a step; the next call makes a new one for the weights as they are then
        theirs.loss_curve_.clear()
        for name, one in network.parameters().items():
            held = theirs.coefs_ if name.endswith("W") else theirs.intercepts_
            held[int(name[5]) - 1][...] = one.value
        return cls(Learner(network, optimizer, Regularization(l2=alpha / (2 * N))), theirs, x, labels)

    def step(self, rate: float = RATE) -> float:
        """A step of both; returns our loss before it, the penalty included."""
        self.ours.begin_step(rate)
        loss = (
            CrossEntropy().compute_gradients(self.ours.network, self.x, self.labels, None)
            + self.ours.optimizer_state.penalty()
        )
        self.ours.advance(rate)
        self.theirs.partial_fit(self.x, self.labels)
        return loss

    def their_values(self) -> dict[str, Array]:
        """Copies of the classifier's weights under our names."""
        weights = {f"dense{i}/W": one.copy() for i, one in enumerate(self.theirs.coefs_, start=1)}
        return weights | {f"dense{i}/b": one.copy() for i, one in enumerate(self.theirs.intercepts_, start=1)}


every_alpha = pytest.mark.parametrize("alpha", [0.0, 3.0], ids=["l2 off", "l2 on"])


@every_alpha
@pytest.mark.parametrize("activation", NAMES)
def test_losses_and_gradients_are_scikit_learns(digits: tuple[Array, Array], activation: str, alpha: float) -> None:
    """From the same weights, the loss and every gradient, read off a step of plain SGD at rate 1, are the same."""
    settings = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 1.0}
    pair = Pair.of(digits, activation, Sgd(), alpha, **settings)
    before = pair.their_values()
    loss = pair.step(rate=1.0)
    after = pair.their_values()
    assert loss == pytest.approx(pair.theirs.loss_curve_[-1], rel=1e-12)
    for name, one in pair.ours.network.parameters().items():
        gradient = before[name] - after[name]
        assert np.abs(gradient).max() > 1e-3
        np.testing.assert_allclose(-one.gradient, gradient, atol=1e-13, err_msg=name)  # SGD leaves -lr g there


@every_alpha
@pytest.mark.parametrize(
    ("optimizer", "settings"),
    [
        (Sgd(), {"solver": "sgd", "momentum": 0.0}),
        (Sgd(momentum=0.9), {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False}),
        (Sgd(momentum=0.9, nesterov=True), {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": True}),
        (Adam(epsilon=1e-16), {"solver": "adam", "epsilon": 1e-16}),
    ],
    ids=["sgd", "momentum", "nesterov", "adam"],
)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_fifteen_steps_leave_scikit_learns_weights(
    digits: tuple[Array, Array], activation: str, optimizer: Optimizer, settings: dict[str, Any], alpha: float
) -> None:
    """After 15 steps of each optimizer the losses were the same at every step, and all weights are."""
    rate = 0.005 if isinstance(optimizer, Adam) else RATE
    pair = Pair.of(digits, activation, optimizer, alpha, learning_rate_init=rate, **settings)
    losses = [pair.step(rate) for _ in range(STEPS)]
    np.testing.assert_allclose(losses, pair.theirs.loss_curve_, rtol=1e-9)
    assert losses[-1] < losses[0]
    expected = pair.their_values()
    for name, one in pair.ours.network.parameters().items():
        np.testing.assert_allclose(one.value, expected[name], atol=1e-9, err_msg=name)
    ours = pair.ours.network.forward(pair.x).argmax(axis=1)
    np.testing.assert_array_equal(ours, pair.theirs.predict(pair.x))
