"""Moments and weights that fade stay out of the denormal numbers, which are slow."""

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.nn.optim.optimizers import Optimizer, base
from dropout_cli.nn.optim.optimizers.adadelta import Adadelta
from dropout_cli.nn.optim.optimizers.adam import Adam
from dropout_cli.nn.optim.optimizers.rmsprop import RmsProp
from dropout_cli.nn.optim.optimizers.sgd import Sgd
from dropout_cli.nn.optim.update import OptimizerState, Regularization
from dropout_cli.nn.parameter import Parameter
from tests.nn.optim.test_optimizers import RULES

FORGETFUL = {
    "momentum": Sgd(momentum=0.5),
    "nesterov": Sgd(momentum=0.5, nesterov=True),
    "adam": Adam(beta1=0.5, beta2=0.6),
    "rmsprop": RmsProp(rho=0.5),
    "adadelta": Adadelta(rho=0.5),
}


def moments_after_silence(rule: Optimizer) -> Array:
    """All moments after one step with a gradient, of either sign, and 400 steps without."""
    w = Parameter(np.ones((2, 3), np.float32))
    descent = OptimizerState(rule, {"W": w}, Regularization())
    for t in range(1, 402):
        w.gradient[...] = [[-1, 0, 1], [-1e-3, 0, 1e-3]] if t == 1 else np.zeros((2, 3))
        descent.step(1e-3, t)
    return np.concatenate([moment.reshape(-1) for moment in descent.moments.values()])


@pytest.mark.parametrize("rule", FORGETFUL.values(), ids=FORGETFUL.keys())
def test_moments_without_gradient_stay_out_of_the_denormal_numbers(
    rule: Optimizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long after the last gradient no moment is denormal, where processors are slow; unguarded, all sink there."""
    smallest = np.finfo(np.float32).tiny
    assert (np.abs(moments_after_silence(rule)) >= smallest).all()
    monkeypatch.setattr(base, "DENORMAL_GUARD", 0.0)
    sunk = np.abs(moments_after_silence(rule))
    assert (sunk < smallest).all()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_tiny_changes_no_weight(rule: Optimizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without the guard, weights have the same bytes after 40 steps, also those whose gradient is always 0."""

    def weights() -> Array:
        w = Parameter(stream(0, "test:w").normal(0, 0.05, (30, 20)).astype(np.float32))
        descent = OptimizerState(rule, {"W": w}, Regularization())
        for t in range(1, 41):
            w.gradient[...] = stream(0, "test:g", t).normal(0, 1e-3, (30, 20))
            w.gradient[:10] = 0
            descent.step(1e-3, t)
        return w.value

    with_tiny = weights()
    monkeypatch.setattr(base, "DENORMAL_GUARD", 0.0)
    assert weights().tobytes() == with_tiny.tobytes()


@pytest.mark.parametrize("epsilon", [1e-8, 1e-30])
def test_a_weight_that_is_zero_and_has_no_gradient_stays_zero(epsilon: float) -> None:
    """After 1000 steps of Adam it is below 1e-15, however small epsilon is: DENORMAL_GUARD feeds both moments."""
    w = Parameter(np.zeros((1, 1), np.float32))
    descent = OptimizerState(Adam(epsilon=epsilon), {"W": w}, Regularization())
    for t in range(1, 1001):
        w.gradient[...] = 0
        descent.step(1e-3, t)
    assert abs(w.value.item()) < 1e-15
