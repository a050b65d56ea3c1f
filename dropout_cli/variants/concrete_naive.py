"""Concrete dropout without penalty and without scaling, for comparison with `concrete`.

    training     k = sigmoid((theta + logit u) / t),  u ~ U(0, 1),  t = .1      y = x (.) k
    evaluation   y = sigmoid(theta) x

sigmoid(theta) is the KEEP probability, so a start at rate .1 is theta = +2.197. Without the entropy term of
`concrete` the rate falls until there is no dropout at all.

Not published: Gal, Hron, Kendall 2017 (arXiv:1705.07832) without the penalty.

When to use: only next to `concrete`, to see what its penalty and its scaling are for. Do not use it for results.

Notes: this is an example of what goes wrong. The rates end near 0, but the accuracy is good. So accuracy does not
show the difference from `concrete`; compare the rates of the hidden layers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.concrete import BOUNDS, StartingRate
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Variant, chain
from dropout_cli.variants.toolkit.concrete_distribution import (
    TEMPERATURE,
    describe_relaxed_bernoulli,
    logit,
    relaxed_bernoulli,
    sigmoid,
)
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.learned_rate import learned_parameter


@VARIANTS.register("concrete_naive")
@dataclass(frozen=True, kw_only=True)
class ConcreteNaive(Variant):
    """Concrete dropout without penalty, so the rates fall to 0; to compare with concrete."""

    start: StartingRate = 0.1
    """The probability of dropping at the start."""

    acts_on = "the input of every dense layer"
    learns = "a rate per layer, which drifts to 0"
    paper = "unpublished; concrete without its penalty"
    example = VariantExample(
        numpy="""
p, t = 0.3, 0.1  # drop probability (learned) and temperature
theta = np.log((1 - p) / p)  # logit of the keep probability
u = rng.random(x.shape)
k = 1 / (1 + np.exp(-(theta + np.log(u / (1 - u))) / t))  # almost 0 or 1
y = x * k
""",
        evaluation="The input is scaled by the learned keep probability: y = sigmoid(theta) x.",
        noise="multiplier k",
        settings={"start": 0.3},
    )

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return the unit with noise on the input of its linear map."""
        return chain(location, NaiveNoise(self, location, linear), linear, *between, activation)

    def output(self, linear: Dense, location: Location) -> Layer:
        """Return the output layer with noise on its input."""
        return chain(location, NaiveNoise(self, location, linear), linear)


class NaiveNoise(Layer):
    """The noise y = x (.) k; without noise, y = sigmoid(theta) x."""

    is_dropout = True

    def __init__(self, variant: ConcreteNaive, location: Location, linear: Dense) -> None:
        """Make theta, `<path>/dropout/theta`, with the dtype of the linear map that follows."""
        super().__init__(f"{location.path}/dropout")
        self.theta = learned_parameter(logit(1 - variant.start), (1,), BOUNDS, location, linear.W.value.dtype)

    def draws(self) -> bool:
        """Return True: it always draws."""
        return True

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return x (.) k."""
        theta = float(self.theta.value[0])
        self._x = x
        self._drawn = noise is not None
        self._k: Array | float = sigmoid(theta)
        if noise is not None:
            self._k = relaxed_bernoulli(theta, noise.draw_shape(self.path, x.shape), noise[self.path], x.dtype)
        return np.multiply(x, self._k, out=self._buffer("y", x.shape, x.dtype))

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return x (.) k."""
        theta = float(self.theta.value[0])
        k = describe_relaxed_bernoulli(graph, x, theta) if graph.draws_noise else sigmoid(theta)
        return graph.elementwise("multiply", x, k)

    def backward(self, dy: Array) -> Array:
        """Return dx = dy (.) k, and add dtheta.

        dtheta = sum dy (.) x (.) k (1 - k) / t; without noise, k = sigmoid(theta) and there is no t.
        """
        slope = self._k * (1 - self._k) * ((1 / TEMPERATURE) if self._drawn else 1.0)
        self.theta.add_gradient(float(np.vdot(dy, self._x * slope)), first=True)
        return np.multiply(dy, self._k, out=self._buffer("dx", dy.shape, dy.dtype))

    def parameters(self) -> dict[str, Parameter]:
        """Return theta."""
        return {f"{self.path}/theta": self.theta}

    def columns(self) -> dict[str, float]:
        """Return the learned probability of dropping."""
        return {f"{self.path}/rate": 1 - sigmoid(float(self.theta.value[0]))}

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return the column of the learned rate, which is a rate already."""
        return {f"{self.path}/rate": float}
