"""Shakeout: a dropped unit gets weights of -c times their sign, instead of 0.

Each example has one m ~ Bernoulli(q) per INPUT unit i of a layer, for all outgoing weights of i; q = 1 - r, r = rate:

    training     row i of W becomes (W_i + c r S_i) / q if m_i = 1, and -c S_i if m_i = 0;  S = sign(W)
    products     z = (x (.) m / q)(W + c S) - c x S + b
    evaluation   z = x W + b

E z = x W + b and Var z = (r / q) (x^2)((W + c S)^2): c adds a pull towards 0 like that of L1. With c = 0 it equals
`inverted` on the inputs of the layer, for the same mask. The derivative of sign is 0, which is exact almost
everywhere. `sign_gradient: tanh` adds the term of the authors' code: c (x (.) (m / q - 1))'dz (.) (1 - tanh(W)^2).

Kang, Li, Tao 2016, AAAI; 2018, TPAMI; arXiv:1904.06593. c is .1 in their code and 1e-4 in their AlexNet example; on
digits .1 is too much.

When to use: in dense layers, if the weights should also become small: the paper finds that many weights end near 0.
Search for c together with the rate. If you need no small weights, use `inverted`.

Notes: c is in the units of the weights, so a c that is good for one network can be too large for another. sign(0) is
0. The rate is that of the inputs of a layer: the first layer uses `input_rate`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from dropout_cli.core.field_types import NonNegative, Rate, Rates
from dropout_cli.core.registry import Choice
from dropout_cli.core.types import Array
from dropout_cli.nn.backend.matmul import matmul_into
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.base import (
    MANY_STEPS,
    VARIANTS,
    Location,
    Variant,
    all_rates,
    chain,
    check_rate_count,
    rate_of,
)
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.masks import bernoulli, describe_scaled_bernoulli, fraction_dropped, keep_probability
from dropout_cli.variants.toolkit.rate_schedules import RATE_SCHEDULES, ConstantRate, RateSchedule
from dropout_cli.variants.toolkit.scheduled_rate import ScheduledRate


@VARIANTS.register("shakeout")
@dataclass(frozen=True, kw_only=True)
class Shakeout(Variant):
    """Replaces the weights of a dropped unit by -c times their sign instead of 0."""

    rate: Rates = 0.5
    """The probability of dropping a hidden unit: one number, or one per hidden layer."""
    input_rate: Rate = 0.0
    """The probability of dropping an element of the network's input."""
    c: NonNegative = 0.01
    """The absolute value of the weights of a dropped unit."""
    sign_gradient: Literal["exact", "tanh"] = "exact"
    """How the sign is differentiated. exact: as 0. tanh: like tanh, as in the authors' code."""
    rate_schedule: Annotated[RateSchedule, Choice(RATE_SCHEDULES)] = ConstantRate()
    """How the rates change during training."""

    acts_on = "the outgoing weights of each unit"
    paper = "Kang, Li, Tao 2016, arXiv:1904.06593"
    example = VariantExample(
        numpy="""
q, c = 1 - 0.5, 0.2
W = np.array([[0.5], [-0.5], [1.0], [-1.0], [0.25], [-0.25]])  # 6 inputs, 1 output
S = np.sign(W)
m = rng.random(x.shape) < q  # one draw per example and input unit
y = (x * m / q) @ (W + c * S) - c * x @ S
""",
        evaluation="The weights are used without noise: z = x W + b.",
        noise="noisy weights of each example",
        shows="weights",
        settings={"c": 0.2},
    )

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return the unit with noise on the weights of its linear map, per input unit."""
        rate = self.input_rate if location.index == 0 else rate_of(self.rate, location.index - 1)
        return chain(location, ShakeoutLinear(self, linear, rate, location), *between, activation)

    def output(self, linear: Dense, location: Location) -> Layer:
        """Return the output layer with noise at the rate of the last hidden layer."""
        return ShakeoutLinear(self, linear, rate_of(self.rate, -1), location)

    def noise_before_logits(self) -> bool:
        """Return True unless the rate of the last hidden layer is 0."""
        return self.rate_schedule.largest(rate_of(self.rate, -1), MANY_STEPS) > 0

    def rates(self) -> tuple[float, ...]:
        """Return the rates of the hidden layers and of the input."""
        return all_rates(self.rate, self.input_rate)

    def schedule(self) -> RateSchedule:
        """Return `rate_schedule`."""
        return self.rate_schedule

    def check_network(self, *, hidden: int, activation: str) -> None:
        """Raise InvalidField if a list of rates does not have one per hidden layer."""
        check_rate_count(self.rate, hidden)


class ShakeoutLinear(ScheduledRate):
    """A linear map z = (x (.) m / q)(W + c S) - c x S + b; without noise, z = x W + b."""

    def __init__(self, variant: Shakeout, linear: Dense, rate: float, location: Location) -> None:
        """Wrap a linear map, which keeps the names of its parameters.

        Args:
            variant: The variant; its schedule changes the rate.
            linear: The linear map.
            rate: The rate of its input units, before the schedule.
            location: The location in the network.
        """
        super().__init__(f"{location.path}/dropout")
        self._variant, self._linear = variant, linear
        self._drawn: Array | None = None
        self._follow(variant.rate_schedule, rate, location.steps)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return z, (N, fan_out)."""
        self._shaken = noise is not None and self.rate > 0
        if train:
            self._drawn = None
        if noise is None or not self._shaken:
            return self._linear.forward(x)
        W, c = self._linear.W.value, self._variant.c
        scale = x.dtype.type(1 / keep_probability(self.rate))
        self._x = x
        kept = bernoulli(noise.draw_shape(self.path, x.shape), self.rate, noise[self.path])
        self._multiplier = np.multiply(kept, scale, dtype=x.dtype)
        if train:
            self._drawn = self._multiplier
        self._noisy = np.multiply(x, self._multiplier, out=self._buffer("noisy", x.shape, x.dtype))
        self._cS = np.sign(W, out=self._buffer("cS", W.shape, W.dtype))
        self._cS *= c
        self._shifted = np.add(W, self._cS, out=self._buffer("shifted", W.shape, W.dtype))
        z = matmul_into(self._noisy, self._shifted, self._buffer("z", (len(x), self._linear.fan_out), W.dtype))
        if c:
            matmul_into(x, self._cS, z, alpha=-1, beta=1)
        z += self._linear.b.value
        return z

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return z."""
        if not graph.draws_noise or self.rate == 0:
            return graph.apply(self._linear, x)
        W, c = self._linear.W.value, self._variant.c
        shifted = graph.constant(f"{self.path}/shifted", W + c * np.sign(W))
        b = graph.constant(f"{self._linear.path}/b", self._linear.b.value)
        noisy = graph.elementwise("multiply", x, describe_scaled_bernoulli(graph, x, x.shape, self.rate))
        z = graph.affine(noisy, shifted, b)
        if not c:
            return z
        pull = graph.affine(x, graph.constant(f"{self.path}/cS", c * np.sign(W)))
        return graph.elementwise("subtract", z, pull)

    def backward(self, dy: Array) -> Array:
        """Add dW and db, and return dx = (m / q) (.) (dy (W + c S)') - c dy S'."""
        if not self._shaken:
            return self._linear.backward(dy)
        self.gradients(dy)
        dx = matmul_into(dy, self._shifted.T, self._buffer("dx", self._x.shape, dy.dtype))
        dx *= self._multiplier
        if self._variant.c:
            matmul_into(dy, self._cS.T, dx, alpha=-1, beta=1)
        return dx

    def gradients(self, dy: Array) -> None:
        """Add dW = (x (.) m / q)'dy and db = sum dy."""
        if not self._shaken:
            self._linear.gradients(dy)
            return
        W, b = self._linear.W, self._linear.b
        W.add_gradient(self._noisy.T, dy, first=True)
        b.add_gradient(np.add.reduce(dy, axis=0), first=True)
        if self._variant.sign_gradient == "tanh":
            through = matmul_into((self._noisy - self._x).T, dy, self._buffer("through", W.value.shape, dy.dtype))
            W.add_gradient(self._variant.c * through * (1 - np.tanh(W.value) ** 2))

    def parameters(self) -> dict[str, Parameter]:
        """Return the parameters of the linear map."""
        return self._linear.parameters()

    def columns(self) -> dict[str, float]:
        """Return the current rate, and the fraction of inputs dropped in the last training step."""
        return {} if self._stays_zero() else self._rate_columns(self.path, fraction_dropped(self._drawn))
