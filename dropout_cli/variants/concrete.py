"""Concrete dropout: learns the rate of each layer; an entropy term keeps it above 0.

theta is the logit of the DROP probability p. Each dense layer has one, for its input. So the input of the network and
the input of the output layer have one too.

    training     d = sigmoid((theta + logit u) / t),  u ~ U(0, 1),  t = .1      y = x (.) (1 - d) / (1 - p)
    penalty      wr |W|^2 / (1 - p) + dr K (p ln p + (1 - p) ln(1 - p)),  dr = s / N,  wr = s l^2 / (2 N)
    classes      s = 1
    regression   s = 2 / (tau T) with `squared_error`,  s = 1 / T with `gaussian_nll`
    evaluation   y = x

W: the weights of the layer, without its bias; K: the width of its input; N: training examples; l: the prior length
scale. The loss is a mean over the T targets, and s brings the penalty to the same units: |y - f|^2 / T is 2 / (tau T)
times the negative log-likelihood of an example under noise of precision tau (`noise_precision`, 1 / variance in
standardized targets). The paper has dr = 2 / (tau N) and wr = l^2 / (tau N) for T = 1. The penalty replaces weight
decay. theta is clipped to +-6, so p is between .0025 and .9975.

Gal, Hron, Kendall 2017, arXiv:1705.07832. Dense layers only: K is wrong for convolutions.

When to use: to learn one rate per layer instead of a search, or to find rates for Monte Carlo passes, whose spread
depends on the rate. Train for many steps, so that the rates can settle.

Notes: the relaxed noise does not have mean 1, but 1 - (pi^2 t^2 / 6) p (1 - 2 p) to leading order. Adam moves theta by
at most about the learning rate per step, so theta has its own learning rate, max(lr, 10 / all steps). Do not add
weight decay. On small data p slowly moves towards .5 after the data are fitted; on 60,000 examples a small p is right.
A rate that still changes at the end is reported as `still_moving`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from dropout_cli.core.field_types import Positive
from dropout_cli.core.types import Array
from dropout_cli.nn.backend.matmul import dot
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.container import leaves
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.fast_passes import PassOptimizations
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.nn.parameter import Parameter
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
from dropout_cli.variants.toolkit.penalty_scale import USUAL_PRECISION, penalty_scale

StartingRate = Annotated[float, Ge(0.0025), Le(0.9975)]
BOUNDS = (-6.0, 6.0)


@VARIANTS.register("concrete")
@dataclass(frozen=True, kw_only=True)
class Concrete(Variant):
    """Learns the dropout rate of the input of each dense layer."""

    start: StartingRate = 0.1
    """The probability of dropping at the start."""
    length_scale: Positive = 1e-4
    """The length scale l of the prior. A larger value penalizes the weights more."""
    noise_precision: Positive = USUAL_PRECISION
    """The precision tau for a regression with squared_error: 1 / (assumed noise variance of standardized targets)."""

    acts_on = "the input of every dense layer"
    learns = "a rate per layer"
    paper = "Gal, Hron, Kendall 2017, arXiv:1705.07832"
    example = VariantExample(
        numpy="""
p, t = 0.3, 0.1  # drop probability (learned) and temperature
theta = np.log(p / (1 - p))
u = rng.random(x.shape)
d = 1 / (1 + np.exp(-(theta + np.log(u / (1 - u))) / t))  # almost 0 or 1
y = x * (1 - d) / (1 - p)
""",
        evaluation="The layer uses its input without noise, whatever rate it has learned: y = x.",
        noise="multiplier (1 - d) / (1 - p)",
        settings={"start": 0.3},
    )

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return the unit with noise on the input of its linear map."""
        return chain(location, ConcreteLinear(self, linear, location), *between, activation)

    def precision(self) -> float:
        """Return tau."""
        return self.noise_precision

    def output(self, linear: Dense, location: Location) -> Layer:
        """Return the output layer with noise on its input."""
        return ConcreteLinear(self, linear, location)

    def report(self, network: Layer, evaluate: Callable[[], tuple[str, float]]) -> dict[str, Any]:
        """Return the learned rate of the input of each dense layer, by the name of the layer."""
        return {"rates": {layer.unit: layer.rate for layer in leaves(network) if isinstance(layer, ConcreteLinear)}}


class ConcreteLinear(PassOptimizations):
    """A linear map of the noisy input, with the penalty on its weights and its rate."""

    is_dropout = True

    def __init__(self, variant: Concrete, linear: Dense, location: Location) -> None:
        """Wrap a linear map, which keeps the names of its parameters.

        theta is `<path>/dropout/theta`.
        """
        super().__init__(f"{location.path}/dropout")
        self._linear = linear
        scale = penalty_scale(location, variant.noise_precision)
        self._weight_factor = scale * (variant.length_scale**2 / (2 * location.examples))
        self._entropy_factor = scale * (linear.fan_in / location.examples)
        self._squares: float | None = None
        self.theta = learned_parameter(logit(variant.start), (1,), BOUNDS, location, linear.W.value.dtype)

    @property
    def rate(self) -> float:
        """The learned probability of dropping."""
        return sigmoid(float(self.theta.value[0]))

    def draws(self) -> bool:
        """Return True: it always draws."""
        return True

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return (x (.) noise) W + b."""
        self._noisy = noise is not None
        self._squares = None
        if noise is None:
            return self._linear.forward(x)
        theta = float(self.theta.value[0])
        # 1 - d, since 1 - u is as uniform as u
        shape, scale = noise.draw_shape(self.path, x.shape), 1 / (1 - sigmoid(theta))
        kept = self._buffer("kept", shape, x.dtype)
        self._kept = relaxed_bernoulli(-theta, shape, noise[self.path], x.dtype, scale=scale, out=kept)
        self._y = np.multiply(x, self._kept, out=self._buffer("y", x.shape, x.dtype))
        return self._linear.forward(self._y)

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return (x (.) noise) W + b."""
        if graph.draws_noise:
            theta = float(self.theta.value[0])
            kept = describe_relaxed_bernoulli(graph, x, -theta)
            kept = graph.elementwise("multiply", kept, 1 / (1 - sigmoid(theta)))
            x = graph.elementwise("multiply", x, kept)
        return graph.apply(self._linear, x)

    def backward(self, dy: Array) -> Array:
        """Add the gradients and return dx.

        With k = (1 - d) / (1 - p): dx = dy W' (.) k, dtheta = sum dy W' (.) x (.) k (p - 1 / t + (1 - p) k / t).
        """
        dx = self._linear.backward(dy)  # its dW comes from the noisy input
        p = sigmoid(float(self.theta.value[0]))
        self._penalize(p)
        if self._noisy:
            k = self._kept
            slope = np.multiply(k, (1 - p) / TEMPERATURE, out=self._buffer("slope", k.shape, k.dtype))
            slope += p - 1 / TEMPERATURE
            slope *= self._y
            self.theta.add_gradient(dot(dx, slope))
            dx *= k
        return dx

    def _penalize(self, p: float) -> None:
        """Set the gradient of theta to that of the penalty, and add the penalty's to that of W."""
        W, theta = self._linear.W, float(self.theta.value[0])
        of_theta = self._weight_factor * self._norm() * p / (1 - p) + self._entropy_factor * p * (1 - p) * theta
        self.theta.add_gradient(of_theta, first=True)
        W.add_gradient(W.value, factor=2 * self._weight_factor / (1 - p))

    def penalty(self) -> float:
        """Return the penalty wr |W|^2 / (1 - p) + dr K (p ln p + (1 - p) ln(1 - p))."""
        p = sigmoid(float(self.theta.value[0]))
        entropy = p * math.log(p) + (1 - p) * math.log(1 - p)
        return self._weight_factor * self._norm() / (1 - p) + self._entropy_factor * entropy

    def _norm(self) -> float:
        """Return |W|^2, computed once per forward pass."""
        if self._squares is None:
            self._squares = dot(self._linear.W.value, self._linear.W.value)
        return self._squares

    def fused_parameters(self) -> list[Parameter]:
        """Return the parameters of the linear map."""
        return self._linear.fused_parameters()

    def parameters(self) -> dict[str, Parameter]:
        """Return the parameters of the linear map, and theta."""
        return self._linear.parameters() | {f"{self.path}/theta": self.theta}

    def columns(self) -> dict[str, float]:
        """Return the learned rate."""
        return {f"{self.path}/rate": self.rate}

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return the column of the learned rate, which is a rate already."""
        return {f"{self.path}/rate": float}
