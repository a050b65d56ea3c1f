"""Concrete dropout as one might first write it, kept for contrast: no scaling, no penalty.

    training     k = sigmoid((theta + logit u) / t),  t = .1      y = x (.) k
    evaluation   y = sigmoid(theta) x

sigmoid(theta) acts as the KEEP probability, so that a start at rate .1 is theta = +2.197. Without the
entropy term of `concrete` nothing holds the noise up, and it drifts to no dropout at all.

Not published: what is left of Gal, Hron, Kendall 2017 (arXiv:1705.07832) without its penalty.

Traps: this is a counter-example. Its rates end near 0 and its accuracy looks fine, so that accuracy alone would not
tell it from `concrete`; compare the rates of the hidden places.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.concrete import BOUNDS, StartingRate
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Variant, chain
from dropout_cli.variants.toolkit.concrete_distribution import TEMPERATURE, logit, relaxed_bernoulli, sigmoid
from dropout_cli.variants.toolkit.learned_rate import learned_parameter


@VARIANTS.register("concrete_naive")
@dataclass(frozen=True, kw_only=True)
class ConcreteNaive(Variant):
    """Learned rates without the penalty that holds them up; kept for contrast with concrete."""

    start: StartingRate = 0.1
    """The probability of dropping at the start."""

    acts_on = "the input of every dense layer"
    learns = "a rate per layer, which drifts to 0"
    paper = "unpublished; concrete without its penalty"

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """The noise in front of the linear map."""
        return chain(location, NaiveNoise(self, location, linear), linear, *between, activation)

    def output(self, linear: Dense, location: Location) -> Layer:
        """The logits too."""
        return chain(location, NaiveNoise(self, location, linear), linear)


class NaiveNoise(Layer):
    """y = x (.) k with noise, sigmoid(theta) x without."""

    is_dropout = True

    def __init__(self, variant: ConcreteNaive, location: Location, linear: Dense) -> None:
        """`linear`: the map that follows, for its dtype; theta is `<path>/dropout/theta`."""
        super().__init__(f"{location.path}/dropout")
        self.theta = learned_parameter(logit(1 - variant.start), (1,), BOUNDS, location, linear.W.value.dtype)

    def draws(self) -> bool:
        """It always draws."""
        return True

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the noisy x."""
        theta = float(self.theta.value[0])
        self._x = x
        self._drawn = noise is not None
        self._k: Array | float = sigmoid(theta)
        if noise is not None:
            self._k = relaxed_bernoulli(theta, noise.draw_shape(self.path, x.shape), noise[self.path], x.dtype)
        return np.multiply(x, self._k, out=self._buffer("y", x.shape, x.dtype))

    def backward(self, dy: Array) -> Array:
        """dx = dy (.) k, dtheta = sum dy (.) x (.) k (1 - k) / t; without noise k = sigmoid(theta), and no t."""
        slope = self._k * (1 - self._k) * ((1 / TEMPERATURE) if self._drawn else 1.0)
        self.theta.add_gradient(float(np.vdot(dy, self._x * slope)), first=True)
        return np.multiply(dy, self._k, out=self._buffer("dx", dy.shape, dy.dtype))

    def parameters(self) -> dict[str, Parameter]:
        """Theta."""
        return {f"{self.path}/theta": self.theta}

    def columns(self) -> dict[str, float]:
        """The learned rate, of dropping."""
        return {f"{self.path}/rate": 1 - sigmoid(float(self.theta.value[0]))}

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return the rate, as it is."""
        return {f"{self.path}/rate": float}
