"""Update rules and descent against a plain transcription of the formulas, over 20 steps and several blocks."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array, DType
from dropout_cli.nn.optim.optimizers import OPTIMIZERS, Optimizer
from dropout_cli.nn.optim.optimizers.adadelta import Adadelta
from dropout_cli.nn.optim.optimizers.adam import Adam
from dropout_cli.nn.optim.optimizers.adamw import AdamW
from dropout_cli.nn.optim.optimizers.rmsprop import RmsProp
from dropout_cli.nn.optim.optimizers.sgd import Sgd
from dropout_cli.nn.optim.update import BLOCK, OptimizerState, Regularization, bound_norms
from dropout_cli.nn.parameter import Parameter

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
RULES = {
    "sgd": Sgd(),
    "momentum": Sgd(momentum=0.9),
    "nesterov": Sgd(momentum=0.9, nesterov=True),
    "adam": Adam(),
    "adam, other betas": Adam(beta1=0.5, beta2=0.9, epsilon=1e-3),
    "adamw": AdamW(),
    "rmsprop": RmsProp(),
    "adadelta": Adadelta(epsilon=1e-3),
}
SETTINGS = {
    "plain": Regularization(),
    "l1 and l2": Regularization(l1=1e-3, l2=1e-2),
    "weight decay": Regularization(weight_decay=0.1),
    "max-norm": Regularization(max_norm=6.7),
    "clipping": Regularization(clip_norm=10.0),
    "all": Regularization(l1=1e-3, l2=1e-2, weight_decay=0.1, max_norm=6.7, clip_norm=10.0),
}


def parameters(dtype: DType, full: int = BLOCK) -> dict[str, Parameter]:
    """One of every kind: blocks full, broken and single, each scale off its default, bounds, an unclipped one."""
    rng = stream(0, "test:parameters")

    def values(*shape: int) -> Array:
        return rng.normal(0, 0.5, shape).astype(dtype)

    return {
        "hidden1/W": Parameter(values(full * 11 // 1000, 100)),
        "hidden1/b": Parameter.bias(values(100)),
        "kernel/W": Parameter(values(3, 3, 8, 16), decay=0.5, max_norm=0.6),
        "full/W": Parameter(values(full // 64, 64), lr_scale=0.25),
        "rate/p": Parameter(values(1), lr_scale=5.0, decay=0.0, max_norm=0.0, bounds=(0.1, 0.12), clipped=False),
    }


@cache
def gradients(step: int, full: int = BLOCK) -> dict[str, Array]:
    """Made-up gradients of that step, float64; norms near 18, so that clipping at 10 bites; read-only by agreement."""
    rng = stream(0, "test:gradients", step)
    return {name: rng.normal(0, 0.1, one.value.shape) for name, one in parameters(FLOAT64, full).items()}


@dataclass
class Transcript:
    """The formulas of the optimizers and of `optim.update` as they are printed, in float64, nothing in place."""

    rule: Optimizer
    settings: Regularization
    kinds: Mapping[str, Parameter]
    values: dict[str, Array] = field(init=False)
    first: dict[str, Array] = field(init=False)
    second: dict[str, Array] = field(init=False)

    def __post_init__(self) -> None:
        """Moments start at 0."""
        self.values = {name: one.value.astype(np.float64) for name, one in self.kinds.items()}
        self.first = {name: np.zeros_like(value) for name, value in self.values.items()}
        self.second = {name: np.zeros_like(value) for name, value in self.values.items()}

    def step(self, g: dict[str, Array], lr: float, t: int) -> None:
        """One update from the raw gradients."""
        s, kinds = self.settings, self.kinds
        g = {name: g[name] + kinds[name].decay * (s.l1 * np.sign(w) + 2 * s.l2 * w) for name, w in self.values.items()}
        if s.clip_norm is not None:
            norm = math.sqrt(sum((one**2).sum() for name, one in g.items() if kinds[name].clipped))
            g = {name: one * (min(1, s.clip_norm / norm) if kinds[name].clipped else 1) for name, one in g.items()}
        for name, kind in kinds.items():
            rate = lr * kind.lr_scale
            w = self.values[name] - rate * s.weight_decay * kind.decay * self.values[name]
            w = w + self.change(name, g[name], rate, t)
            if s.max_norm is not None and kind.max_norm:
                norms = np.sqrt((w**2).sum(axis=tuple(range(w.ndim - 1)), keepdims=True))
                w = w * np.minimum(1, s.max_norm * kind.max_norm / norms)
            if kind.bounds:
                w = np.minimum(np.maximum(w, kind.bounds[0]), kind.bounds[1])
            self.values[name] = w

    def change(self, name: str, g: Array, lr: float, t: int) -> Array:
        """Return the change that the rule makes to W."""
        rule, m, v = self.rule, self.first[name], self.second[name]
        if isinstance(rule, Sgd):
            self.first[name] = m = rule.momentum * m - lr * g
            return np.asarray(rule.momentum * m - lr * g if rule.nesterov else m)
        if isinstance(rule, Adam):
            self.first[name] = m = rule.beta1 * m + (1 - rule.beta1) * g
            self.second[name] = v = rule.beta2 * v + (1 - rule.beta2) * g**2
            corrected = np.sqrt(v / (1 - rule.beta2**t))
            return np.asarray(-lr * (m / (1 - rule.beta1**t)) / (corrected + rule.epsilon))
        if isinstance(rule, Adadelta):
            self.second[name] = v = rule.rho * v + (1 - rule.rho) * g**2
            s = g * np.sqrt(m + rule.epsilon) / np.sqrt(v + rule.epsilon)
            self.first[name] = rule.rho * m + (1 - rule.rho) * s**2
            return np.asarray(-lr * s)
        assert isinstance(rule, RmsProp)
        self.second[name] = v = rule.rho * v + (1 - rule.rho) * g**2
        return np.asarray(-lr * g / (np.sqrt(v) + rule.epsilon))


def descend(
    rule: Optimizer, settings: Regularization, dtype: DType, steps: int = 20, full: int = BLOCK
) -> dict[str, Parameter]:
    """So many steps at a falling rate."""
    moved = parameters(dtype, full)
    descent = OptimizerState(rule, moved, settings)
    for t in range(1, steps + 1):
        for name, g in gradients(t, full).items():
            moved[name].gradient[...] = g
        descent.step(0.05 / t, t)
    return moved


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_twenty_steps_follow_the_printed_formulas(rule: Optimizer, settings: Regularization) -> None:
    """In float64 every value is that of the transcript to 1e-12, with scales, bounds, clipping, in blocks or not."""
    moved, transcript = descend(rule, settings, FLOAT64), Transcript(rule, settings, parameters(FLOAT64))
    for t in range(1, 21):
        transcript.step(gradients(t), 0.05 / t, t)
    for name, value in transcript.values.items():
        np.testing.assert_allclose(moved[name].value, value, rtol=1e-12, atol=1e-13, err_msg=name)
        assert not np.array_equal(moved[name].value, parameters(FLOAT64)[name].value)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_float32_descent_stays_float32_and_near(rule: Optimizer) -> None:
    """Float32 weights and moments stay float32, and after 20 steps near those of float64.

    Few enough weights that none of them changes its sign, and so that of l1, in one precision only.
    """
    moved = descend(rule, SETTINGS["all"], FLOAT32, full=16_384)
    exact = descend(rule, SETTINGS["all"], FLOAT64, full=16_384)
    descent = OptimizerState(rule, moved, SETTINGS["all"])
    assert {moment.dtype for moment in descent.moments.values()} <= {FLOAT32}
    for name, one in moved.items():
        assert one.value.dtype == one.gradient.dtype == FLOAT32
        np.testing.assert_allclose(one.value, exact[name].value, atol=1e-5)


def test_the_settings_of_these_tests_bite() -> None:
    """Each regularization, and the bounds, move some weight: else the transcript would prove nothing of them."""
    plain = descend(Sgd(), SETTINGS["plain"], FLOAT64, 1)
    for name, settings in SETTINGS.items():
        moved = descend(Sgd(), settings, FLOAT64, 1)
        assert (name == "plain") == np.array_equal(moved["hidden1/W"].value, plain["hidden1/W"].value)
    first = descend(Sgd(), SETTINGS["plain"], FLOAT64, 1)["rate/p"].value.item()
    assert first in (0.1, 0.12)


@pytest.mark.parametrize(
    ("rule", "weights"),
    [
        (Sgd(), [0.9, 0.8]),
        (Sgd(momentum=0.5), [0.9, 0.75]),
        (Sgd(momentum=0.5, nesterov=True), [0.85, 0.675]),
        (Adam(), [0.9, 0.8]),
        (RmsProp(rho=0.75), [0.8, 0.8 - 0.1 / math.sqrt(7 / 16)]),
        # v is .5 and then .75; u is 0 and then .5 * (1 / 1.5) = 1 / 3.
        (
            Adadelta(rho=0.5, epsilon=1.0),
            [1 - 0.1 / math.sqrt(1.5), 1 - 0.1 / math.sqrt(1.5) - 0.1 * math.sqrt(4 / 3 / 1.75)],
        ),
    ],
    ids=["sgd", "momentum", "nesterov", "adam", "rmsprop", "adadelta"],
)
def test_two_steps_by_hand(rule: Optimizer, weights: list[float]) -> None:
    """From W = 1 with gradient 1 and learning rate .1, twice."""
    w = Parameter(np.ones((1, 1)))
    descent = OptimizerState(rule, {"W": w}, Regularization())
    for t, expected in enumerate(weights, start=1):
        w.gradient[...] = 1
        descent.step(0.1, t)
        assert w.value.item() == pytest.approx(expected, rel=1e-6)


def test_penalty_by_hand() -> None:
    """The penalty is decay (l1 |W| + l2 |W|^2) over the regularized parameters; a bias is free."""
    some = {"W": Parameter(np.array([[3.0, -4.0]]), decay=0.5), "b": Parameter.bias(np.array([100.0]))}
    assert OptimizerState(Sgd(), some, Regularization(l1=0.1)).penalty() == pytest.approx(0.35)
    assert OptimizerState(Sgd(), some, Regularization(l2=0.1)).penalty() == pytest.approx(1.25)
    assert OptimizerState(Sgd(), some, Regularization(l1=0.1, l2=0.1)).penalty() == pytest.approx(1.6)
    assert OptimizerState(Sgd(), some, Regularization(weight_decay=0.1)).penalty() == 0


def test_the_step_follows_the_gradient_of_the_penalty() -> None:
    """With no other gradient, plain SGD moves by -lr times the penalty's central difference."""
    w = Parameter(stream(0, "test").normal(0, 1, (4, 3)), decay=0.7)
    descent, before, h = OptimizerState(Sgd(), {"W": w}, Regularization(l1=0.1, l2=0.2)), w.value.copy(), 1e-6
    slopes = np.empty_like(before)
    for place in np.ndindex(*before.shape):
        w.value[place] = before[place] + h
        above = descent.penalty()
        w.value[place] = before[place] - h
        slopes[place] = (above - descent.penalty()) / (2 * h)
        w.value[place] = before[place]
    w.gradient[...] = 0
    descent.step(0.5, 1)
    np.testing.assert_allclose(w.value, before - 0.5 * slopes, atol=1e-9)


@pytest.mark.parametrize("shape", [(20, 6), (3, 3, 4, 6)])
def test_max_norm_bounds_each_units_incoming_weights(shape: tuple[int, ...]) -> None:
    """A unit above the bound comes to it, in its own direction; one below keeps its bytes."""
    weights = stream(0, "test").normal(0, 1, shape) * np.array([0.01, 0.1, 0.5, 1, 2, 5])
    before = weights.reshape(-1, 6).copy()
    bound_norms(weights, 2.0)
    after, norms = weights.reshape(-1, 6), np.linalg.norm(before, axis=0)
    assert (norms > 2).any()
    assert (norms < 2).any()
    for unit, norm in enumerate(norms):
        if norm > 2:
            np.testing.assert_allclose(after[:, unit], before[:, unit] * 2 / norm, rtol=1e-12)
        else:
            assert after[:, unit].tobytes() == before[:, unit].tobytes()


def test_clipping_scales_one_norm_over_all_clipped_gradients() -> None:
    """Gradients 3 and 4 have norm 5: clipped at 1 they move by .6 and .8 of the rate; at 5 and above, not clipped."""
    for bound, factor in ((1.0, 0.2), (5.0, 1.0), (50.0, 1.0)):
        a, b = Parameter(np.zeros((1, 1))), Parameter.bias(np.zeros(1))
        free = Parameter(np.zeros(1), clipped=False)
        descent = OptimizerState(Sgd(), {"a": a, "b": b, "free": free}, Regularization(clip_norm=bound))
        a.gradient[...], b.gradient[...], free.gradient[...] = 3, -4, 100
        descent.step(0.1, 1)
        assert [one.value.item() for one in (a, b, free)] == pytest.approx([-0.3 * factor, 0.4 * factor, -10])


def test_adamw_declares_the_decay_that_descent_applies() -> None:
    """AdamW is Adam with a default of its own for the decoupled decay, which stands beside the rule, not in it."""
    assert AdamW().weight_decay == 0.01
    adam, adamw = (descend(rule, SETTINGS["plain"], FLOAT64, 3) for rule in (Adam(), AdamW()))
    for name, one in adam.items():
        assert one.value.tobytes() == adamw[name].value.tobytes()


def test_the_rules_are_found_by_name() -> None:
    """The names of the YAML's `optimizer`, each that of its file."""
    assert {"adam", "adamw", "rmsprop", "sgd", "adadelta"} <= set(OPTIMIZERS.names())
    assert all(cls.__module__ == f"dropout_cli.nn.optim.optimizers.{name}" for name, cls in OPTIMIZERS)


# Moments that no gradient feeds any more: with decays this short they pass through the denormals within the test.


def test_an_optimizer_with_a_weight_decay_of_its_own_says_so() -> None:
    """Training takes it where the config sets none beside it; the other rules have none."""
    found = {name: cls().decoupled_decay for name, cls in OPTIMIZERS if cls().decoupled_decay}
    assert found == {"adamw": 0.01} and OPTIMIZERS["adamw"](weight_decay=0.25).decoupled_decay == 0.25  # type: ignore[call-arg]
