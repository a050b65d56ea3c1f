"""Concrete dropout: the rate of each layer's input is learned, held up by an entropy term.

theta is the logit of the DROP probability p, one per dense layer, on the input of that layer (so on the
network's input and before the logits too).

    training     d = sigmoid((theta + logit u) / t),  t = .1      y = x (.) (1 - d) / (1 - p)
    penalty      wr |W|^2 / (1 - p) + dr K (p ln p + (1 - p) ln(1 - p)),  dr = s / N,  wr = s l^2 / (2 N)
    classes      s = 1
    regression   s = 2 / (tau T) with `squared_error`,  s = 1 / T with `gaussian_nll`
    evaluation   y = x

W: the layer's weights without its bias; K: its input width; N: training examples; l: the prior length
scale. The loss is a mean over the T targets, and its penalty is the divergence from the prior in the same units:
|y - f|^2 / T is 2 / (tau T) times the negative log-likelihood of an example under noise of precision tau
(`noise_precision`, 1 / variance in standardized targets; the paper's dr = 2 / (tau N), wr = l^2 / (tau N) are for
T = 1). The penalty takes the place of weight decay. theta is clipped to +-6, so p lies in [.0025, .9975].
The relaxed noise does not have mean 1: 1 - (pi^2 t^2 / 6) p (1 - 2 p) to leading order. On small data p
keeps creeping towards .5 once the data are fitted, and on 60,000 examples small p is right.

Gal, Hron, Kendall 2017, arXiv:1705.07832. Dense layers only: K is wrong for convolutions.

Traps: with Adam, theta moves by at most about the learning rate per step, so it has a rate of its own,
max(lr, 10 / all steps). Do not add weight decay: the penalty holds it. A rate that still moves at the end is
reported as `still_moving`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from dropout_cli.core.field_types import Positive
from dropout_cli.core.types import Array
from dropout_cli.nn.backend.matmul import dot
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.fast_passes import PassOptimizations
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Variant, chain
from dropout_cli.variants.toolkit.concrete_distribution import TEMPERATURE, logit, relaxed_bernoulli, sigmoid
from dropout_cli.variants.toolkit.learned_rate import learned_parameter
from dropout_cli.variants.toolkit.penalty_scale import USUAL_PRECISION, penalty_scale

StartingRate = Annotated[float, Ge(0.0025), Le(0.9975)]
BOUNDS = (-6.0, 6.0)


@VARIANTS.register("concrete")
@dataclass(frozen=True, kw_only=True)
class Concrete(Variant):
    """The rate of every dense layer's input is learned."""

    start: StartingRate = 0.1
    """The probability of dropping at the start."""
    length_scale: Positive = 1e-4
    """l of the prior: larger pulls the weights harder."""
    noise_precision: Positive = USUAL_PRECISION
    """tau of a regression with squared_error: 1 / variance of the noise that is assumed in the standardized targets."""

    acts_on = "the input of every dense layer"
    learns = "a rate per layer"
    paper = "Gal, Hron, Kendall 2017, arXiv:1705.07832"

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """The linear map with noise on its input."""
        return chain(location, ConcreteLinear(self, linear, location), *between, activation)

    def precision(self) -> float:
        """tau."""
        return self.noise_precision

    def output(self, linear: Dense, location: Location) -> Layer:
        """The logits too."""
        return ConcreteLinear(self, linear, location)


class ConcreteLinear(PassOptimizations):
    """A linear map of the noisy input, with the penalty on its weights and its rate."""

    is_dropout = True

    def __init__(self, variant: Concrete, linear: Dense, location: Location) -> None:
        """The linear map keeps its parameters and their names; theta is `<path>/dropout/theta`."""
        super().__init__(f"{location.path}/dropout")
        self._linear = linear
        scale = penalty_scale(location, variant.noise_precision)
        self._weight_factor = scale * (variant.length_scale**2 / (2 * location.examples))
        self._entropy_factor = scale * (linear.fan_in / location.examples)
        self._squares: float | None = None
        self.theta = learned_parameter(logit(variant.start), (1,), BOUNDS, location, linear.W.value.dtype)

    def draws(self) -> bool:
        """It always draws."""
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

    def backward(self, dy: Array) -> Array:
        """dx = dy W' (.) k, dtheta = sum dy W' (.) x (.) k (p - 1 / t + (1 - p) k / t), k = (1 - d) / (1 - p)."""
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
        """Overwrite theta's gradient with that of the penalty, and add the penalty's to the weights'."""
        W, theta = self._linear.W, float(self.theta.value[0])
        of_theta = self._weight_factor * self._norm() * p / (1 - p) + self._entropy_factor * p * (1 - p) * theta
        self.theta.add_gradient(of_theta, first=True)
        W.add_gradient(W.value, factor=2 * self._weight_factor / (1 - p))

    def penalty(self) -> float:
        """wr |W|^2 / (1 - p) + dr K (p ln p + (1 - p) ln(1 - p)), W as it was in the last pass."""
        p = sigmoid(float(self.theta.value[0]))
        entropy = p * math.log(p) + (1 - p) * math.log(1 - p)
        return self._weight_factor * self._norm() / (1 - p) + self._entropy_factor * entropy

    def _norm(self) -> float:
        """|W|^2, computed once for a pass forward and what follows it."""
        if self._squares is None:
            self._squares = dot(self._linear.W.value, self._linear.W.value)
        return self._squares

    def fused_parameters(self) -> list[Parameter]:
        """Those of the linear map."""
        return self._linear.fused_parameters()

    def parameters(self) -> dict[str, Parameter]:
        """Those of the linear map, and theta."""
        return self._linear.parameters() | {f"{self.path}/theta": self.theta}

    def columns(self) -> dict[str, float]:
        """The learned rate."""
        return {f"{self.path}/rate": sigmoid(float(self.theta.value[0]))}

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return the rate, as it is."""
        return {f"{self.path}/rate": float}
