"""Variational dropout: Gaussian noise whose variance alpha is learned, against a prior on the log scale.

    training, mode unit      y = x (.) (1 + sqrt(alpha) eps), then the linear map;  eps per example and input unit
    training, mode weight    z = mu + sqrt(v) eps,  mu = x W + b,  v = (x^2)(alpha (.) W^2) + 1e-8;  eps per output
    evaluation               mean weights, z = x W + b
    loss                     mean loss + (s / N) sum of KL, one KL per input unit (unit) or per weight (weight)
    classes                  s = 1, the loss is the cross-entropy
    regression               s = 2 / (tau T) with `squared_error`,  s = 1 / T with `gaussian_nll`

    -KL(alpha) = const + .5 ln alpha + c1 alpha + c2 alpha^2 + c3 alpha^3,  const = -.66

alpha = rate / (1 - rate), learned as lam = ln alpha, clipped to [-8, 0]: the polynomial holds for alpha <= 1
only, that is for rates up to .5. A shared alpha counts once for each unit or weight that shares it. The KL
always pushes alpha up, whatever the data.

N: training examples; T: targets, over which the loss is a mean. |y - f|^2 / T is 2 / (tau T) times the negative
log-likelihood of an example under noise of precision tau (`noise_precision`).

Kingma, Salimans, Welling 2015, arXiv:1506.02557: type A is `unit`, type B with the local
reparameterization is `weight`.

Traps: the KL is summed over weights or units and divided by N, not averaged; with its sign turned, alpha falls to
its lower bound. alpha is the variance, so the noise is sqrt(alpha) eps. Rates above .5 cannot be learned.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt, Le

from dropout_cli.core.errors import InvalidField
from dropout_cli.core.field_types import Positive
from dropout_cli.core.types import Array
from dropout_cli.nn.backend.noise_tables import draw_normal
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Variant, chain
from dropout_cli.variants.toolkit.gaussian_linear import GaussianLinear
from dropout_cli.variants.toolkit.learned_rate import learned_parameter
from dropout_cli.variants.toolkit.penalty_scale import USUAL_PRECISION, penalty_scale

CONSTANT, C1, C2, C3 = -0.66, 1.161451241083230, -1.502041176441722, 0.586299206427007
BOUNDS = (-8.0, 0.0)


def variational_kl(alpha: Array) -> Array:
    """KL(alpha) for each alpha in (0, 1]."""
    return np.asarray(-(CONSTANT + 0.5 * np.log(alpha) + C1 * alpha + C2 * alpha**2 + C3 * alpha**3))


def variational_kl_slope(alpha: Array) -> Array:
    """dKL / d ln alpha: negative, so that the KL pulls alpha up."""
    return np.asarray(-(0.5 + C1 * alpha + 2 * C2 * alpha**2 + 3 * C3 * alpha**3))


def equivalent_rate(alpha: float) -> float:
    """Return the rate of a dropout whose noise has the variance alpha."""
    return alpha / (1 + alpha)


@VARIANTS.register("variational")
@dataclass(frozen=True, kw_only=True)
class Variational(Variant):
    """Gaussian noise on inputs or weights, its variance learned."""

    mode: Literal["unit", "weight"] = "unit"
    """Noise on what enters each dense layer, or on its weights."""
    share: Literal["layer", "unit", "weight"] = "layer"
    """One alpha per layer, per input unit, or (mode weight) per weight."""
    rate: Annotated[float, Gt(0), Le(0.5)] = 0.2
    """The rate at the start; alpha = rate / (1 - rate)."""
    noise_precision: Positive = USUAL_PRECISION
    """tau of a regression with squared_error: 1 / variance of the noise that is assumed in the standardized targets."""

    acts_on = "the input, or the weights, of every dense layer"
    learns = "the noise's variance, per layer, unit or weight"
    paper = "Kingma, Salimans, Welling 2015, arXiv:1506.02557"

    def __post_init__(self) -> None:
        """Raise InvalidField for an alpha per weight of an input unit."""
        if self.mode == "unit" and self.share == "weight":
            fact = "mode unit has no weights to give an alpha each"
            raise InvalidField("share", fact, "Choose layer, unit or mode: weight")

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Noise in front of, or inside, the linear map."""
        return chain(location, *self._noisy(linear, location), *between, activation)

    def precision(self) -> float:
        """tau."""
        return self.noise_precision

    def output(self, linear: Dense, location: Location) -> Layer:
        """The logits too."""
        return chain(location, *self._noisy(linear, location))

    def _noisy(self, linear: Dense, location: Location) -> list[Layer]:
        if self.mode == "unit":
            return [UnitNoise(self, linear, location), linear]
        return [VariationalLinear(self, linear, location)]


class LearnedAlpha:
    """ln alpha of one layer, in the shape in which it is shared, with its part of the loss."""

    def __init__(self, variant: Variational, linear: Dense, location: Location, *, shared_by: int) -> None:
        """`shared_by`: how many units or weights the layer has in all."""
        shapes = {"layer": (1, 1), "unit": (linear.fan_in, 1), "weight": (linear.fan_in, linear.fan_out)}
        start = math.log(variant.rate / (1 - variant.rate))
        self.log = learned_parameter(start, shapes[variant.share], BOUNDS, location, linear.W.value.dtype)
        self._factor = (
            shared_by / self.log.value.size / location.examples * penalty_scale(location, variant.noise_precision)
        )
        # Made once: NumPy 2.4 keeps a reference to every axis tuple that `sum` is given, so a new one would never go.
        self._shared_axes = tuple(axis for axis in (0, 1) if shapes[variant.share][axis] == 1)

    def value(self) -> Array:
        """Alpha, of shape (1 or in, 1 or out)."""
        return np.asarray(np.exp(self.log.value))

    def penalty(self) -> float:
        """(s / N) sum of KL over all units or weights."""
        return self._factor * float(variational_kl(self.value().astype(np.float64)).sum())

    def begin_gradient(self) -> None:
        """Overwrite the gradient with that of the penalty."""
        self.log.add_gradient(self._factor * variational_kl_slope(self.value()), first=True)

    def add_gradient(self, each: Array) -> None:
        """Add the gradient with respect to every unit's or weight's own ln alpha, summed over what shares one."""
        self.log.add_gradient(each.sum(axis=self._shared_axes, keepdims=True))

    def columns(self, path: str) -> dict[str, float]:
        """The mean over the layer."""
        return {f"{path}/alpha": float(self.value().mean())}


class UnitNoise(Layer):
    """y = x (.) (1 + sqrt(alpha) eps)."""

    is_dropout = True

    def __init__(self, variant: Variational, linear: Dense, location: Location) -> None:
        """`linear`: the map that follows."""
        super().__init__(f"{location.path}/dropout")
        self.alpha = LearnedAlpha(variant, linear, location, shared_by=linear.fan_in)

    def draws(self) -> bool:
        """It always draws."""
        return True

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the noisy x, (N, in)."""
        self._noisy = noise is not None
        if noise is None:
            return x
        self._x = x
        shape = noise.draw_shape(self.path, x.shape)
        self._multiplier = draw_normal(shape, noise[self.path], x.dtype, out=self._buffer("noise", shape, x.dtype))
        self._multiplier *= np.sqrt(self.alpha.value()[:, 0])
        self._multiplier += 1
        self._y = np.multiply(x, self._multiplier, out=self._buffer("y", x.shape, x.dtype))
        return self._y

    def backward(self, dy: Array) -> Array:
        """dx = dy (.) (1 + sqrt(alpha) eps), dlam = sum dy (.) x (.) sqrt(alpha) eps / 2 = sum dy (.) (y - x) / 2."""
        self.alpha.begin_gradient()
        if not self._noisy:
            return dy
        moved = np.subtract(self._y, self._x, out=self._buffer("moved", dy.shape, dy.dtype))
        self.alpha.add_gradient(np.einsum("ni,ni->i", dy, moved)[:, None] / 2)
        return np.multiply(dy, self._multiplier, out=self._buffer("dx", dy.shape, dy.dtype))

    def parameters(self) -> dict[str, Parameter]:
        """ln alpha."""
        return {f"{self.path}/log_alpha": self.alpha.log}

    def penalty(self) -> float:
        """The KL."""
        return self.alpha.penalty()

    def columns(self) -> dict[str, float]:
        """Alpha."""
        return self.alpha.columns(self.path)

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return alpha, which stands for the rate alpha / (1 + alpha)."""
        return {f"{self.path}/alpha": equivalent_rate}


class VariationalLinear(GaussianLinear):
    """V = alpha (.) W^2; biases have no noise."""

    def __init__(self, variant: Variational, linear: Dense, location: Location) -> None:
        """The linear map keeps its parameters and their names."""
        super().__init__(linear, location)
        self.alpha = LearnedAlpha(variant, linear, location, shared_by=linear.fan_in * linear.fan_out)

    def variances(self) -> tuple[Array, Array | float]:
        """In proportion to the squares of the weights."""
        W = self.linear.W.value
        V = np.multiply(W, W, out=self._buffer("V", W.shape, W.dtype))
        V *= self.alpha.value()
        return V, 0.0

    def add_variance_gradients(self, dV: Array, dv_b: Array) -> None:
        """dlam_ij = dV_ij alpha W_ij^2, dW += 2 alpha W (.) dV."""
        self.alpha.add_gradient(dV * self._V)
        dV *= self.linear.W.value
        dV *= 2 * self.alpha.value()
        self.linear.W.add_gradient(dV)

    def gradients(self, dy: Array) -> None:
        """With the gradient of the penalty."""
        self.alpha.begin_gradient()
        super().gradients(dy)

    def parameters(self) -> dict[str, Parameter]:
        """Those of the linear map, and ln alpha."""
        return self.linear.parameters() | {f"{self.path}/log_alpha": self.alpha.log}

    def penalty(self) -> float:
        """The KL."""
        return self.alpha.penalty()

    def columns(self) -> dict[str, float]:
        """Alpha."""
        return self.alpha.columns(self.path)

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return alpha, which stands for the rate alpha / (1 + alpha)."""
        return {f"{self.path}/alpha": equivalent_rate}
