"""Variational dropout: Gaussian noise with a learned variance and a log-uniform prior.

    training, mode unit      y = x (.) (1 + sqrt(alpha) eps), then the linear map;  eps per example and input unit
    training, mode weight    z = mu + sqrt(v) eps,  mu = x W + b,  v = (x^2)(alpha (.) W^2) + 1e-8;  eps per output
    evaluation               mean weights, z = x W + b
    loss                     mean loss + (s / N) sum of KL, one KL per input unit (unit) or per weight (weight)
    classes                  s = 1, the loss is the cross-entropy
    regression               s = 2 / (tau T) with `squared_error`,  s = 1 / T with `gaussian_nll`

    -KL(alpha) = const + .5 ln alpha + c1 alpha + c2 alpha^2 + c3 alpha^3,  const = -.66
    c1 = 1.161451, c2 = -1.502041, c3 = .586299

eps ~ N(0, 1). alpha = rate / (1 - rate) is learned as lam = ln alpha, clipped to [-8, 0]. The polynomial is valid for
alpha <= 1 only, that is for rates up to .5. A shared alpha counts once for each unit or weight that shares it. The
KL always pushes alpha up, whatever the data.

N: training examples; T: targets, over which the loss is a mean. |y - f|^2 / T is 2 / (tau T) times the negative
log-likelihood of an example under noise of precision tau (`noise_precision`).

Kingma, Salimans, Welling 2015, arXiv:1506.02557. `unit` is their type A, and `weight` is type B with the local
reparameterization.

When to use: to learn the amount of Gaussian noise per layer, unit or weight instead of a search. If the rate may have
to be above .5, learn it with `concrete`; to remove weights, use `sparse_variational`.

Notes: the KL is summed over weights or units and divided by N, not averaged. With the wrong sign of the KL, alpha
falls to its lower bound. alpha is the variance, so the noise is sqrt(alpha) eps. Rates above .5 cannot be learned.
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
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Variant, chain
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.gaussian_linear import GaussianLinear
from dropout_cli.variants.toolkit.learned_rate import learned_parameter
from dropout_cli.variants.toolkit.penalty_scale import USUAL_PRECISION, penalty_scale

CONSTANT, C1, C2, C3 = -0.66, 1.161451241083230, -1.502041176441722, 0.586299206427007
BOUNDS = (-8.0, 0.0)


def variational_kl(alpha: Array) -> Array:
    """Return KL(alpha) for each alpha in (0, 1]."""
    return np.asarray(-(CONSTANT + 0.5 * np.log(alpha) + C1 * alpha + C2 * alpha**2 + C3 * alpha**3))


def variational_kl_slope(alpha: Array) -> Array:
    """Return dKL / d ln alpha. It is negative, so the KL pushes alpha up."""
    return np.asarray(-(0.5 + C1 * alpha + 2 * C2 * alpha**2 + 3 * C3 * alpha**3))


def equivalent_rate(alpha: float) -> float:
    """Return the rate at which the noise of inverted dropout has the variance alpha."""
    return alpha / (1 + alpha)


@VARIANTS.register("variational")
@dataclass(frozen=True, kw_only=True)
class Variational(Variant):
    """Gaussian noise with a learned variance, on inputs or weights."""

    mode: Literal["unit", "weight"] = "unit"
    """Where the noise is: unit: on the inputs of each dense layer. weight: on its weights."""
    share: Literal["layer", "unit", "weight"] = "layer"
    """One alpha per layer, per input unit, or (mode weight) per weight."""
    rate: Annotated[float, Gt(0), Le(0.5)] = 0.2
    """The rate at the start; alpha starts at rate / (1 - rate)."""
    noise_precision: Positive = USUAL_PRECISION
    """The precision tau for a regression with squared_error: 1 / (assumed noise variance of standardized targets)."""

    acts_on = "the input, or the weights, of every dense layer"
    learns = "the noise's variance, per layer, unit or weight"
    paper = "Kingma, Salimans, Welling 2015, arXiv:1506.02557"
    example = VariantExample(
        numpy="""
rate = 0.2
alpha = rate / (1 - rate)  # learned; the variance of the noise
noise = 1 + np.sqrt(alpha) * rng.standard_normal(x.shape)
y = x * noise
""",
        evaluation="The noise is replaced by its mean, so the mean weights are used: z = x W + b.",
        noise="multiplier 1 + sqrt(alpha) eps",
    )

    def __post_init__(self) -> None:
        """Raise InvalidField for one alpha per weight in mode unit."""
        if self.mode == "unit" and self.share == "weight":
            fact = "one alpha per weight needs mode: weight"
            raise InvalidField("share", fact, "Choose layer or unit, or set mode: weight")

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return the unit with noise on the inputs or weights of its linear map."""
        return chain(location, *self._noisy(linear, location), *between, activation)

    def precision(self) -> float:
        """Return tau."""
        return self.noise_precision

    def output(self, linear: Dense, location: Location) -> Layer:
        """Return the output layer with noise on its inputs or weights."""
        return chain(location, *self._noisy(linear, location))

    def _noisy(self, linear: Dense, location: Location) -> list[Layer]:
        if self.mode == "unit":
            return [UnitNoise(self, linear, location), linear]
        return [VariationalLinear(self, linear, location)]


class LearnedAlpha:
    """The learned ln alpha of one layer, and its KL term."""

    def __init__(self, variant: Variational, linear: Dense, location: Location, *, shared_by: int) -> None:
        """Start at the rate of the variant.

        Args:
            variant: The variant.
            linear: The linear map, for its widths and dtype.
            location: The location in the network.
            shared_by: The number of input units (or weights) of the layer.
        """
        shapes = {"layer": (1, 1), "unit": (linear.fan_in, 1), "weight": (linear.fan_in, linear.fan_out)}
        start = math.log(variant.rate / (1 - variant.rate))
        self.log = learned_parameter(start, shapes[variant.share], BOUNDS, location, linear.W.value.dtype)
        self._factor = (
            shared_by / self.log.value.size / location.examples * penalty_scale(location, variant.noise_precision)
        )
        # Made once: NumPy 2.4 keeps a reference to every axis tuple passed to `sum`, so new ones would never be freed.
        self._shared_axes = tuple(axis for axis in (0, 1) if shapes[variant.share][axis] == 1)

    def value(self) -> Array:
        """Return alpha, (1 or in, 1 or out)."""
        return np.asarray(np.exp(self.log.value))

    def penalty(self) -> float:
        """Return (s / N) times the sum of the KL over all units or weights."""
        return self._factor * float(variational_kl(self.value().astype(np.float64)).sum())

    def begin_gradient(self) -> None:
        """Set the gradient to that of the penalty."""
        self.log.add_gradient(self._factor * variational_kl_slope(self.value()), first=True)

    def add_gradient(self, each: Array) -> None:
        """Add a gradient for each unit or weight, summed over those that share an alpha."""
        self.log.add_gradient(each.sum(axis=self._shared_axes, keepdims=True))

    def columns(self, path: str) -> dict[str, float]:
        """Return the mean of alpha over the layer."""
        return {f"{path}/alpha": float(self.value().mean())}


class UnitNoise(Layer):
    """The noise y = x (.) (1 + sqrt(alpha) eps)."""

    is_dropout = True

    def __init__(self, variant: Variational, linear: Dense, location: Location) -> None:
        """Make the noise on the inputs of a linear map."""
        super().__init__(f"{location.path}/dropout")
        self.alpha = LearnedAlpha(variant, linear, location, shared_by=linear.fan_in)

    def draws(self) -> bool:
        """Return True: it always draws."""
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

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return x, or the noisy x."""
        if not graph.draws_noise:
            return x
        sd = graph.constant(f"{self.path}/sd", np.sqrt(self.alpha.value()[:, 0]))
        noise = graph.elementwise("add", graph.elementwise("multiply", graph.normal(x, x.shape), sd), 1.0)
        return graph.elementwise("multiply", x, noise)

    def backward(self, dy: Array) -> Array:
        """Return dx = dy (.) (1 + sqrt(alpha) eps), and add dlam.

        dlam = sum dy (.) x (.) sqrt(alpha) eps / 2 = sum dy (.) (y - x) / 2.
        """
        self.alpha.begin_gradient()
        if not self._noisy:
            return dy
        moved = np.subtract(self._y, self._x, out=self._buffer("moved", dy.shape, dy.dtype))
        self.alpha.add_gradient(np.einsum("ni,ni->i", dy, moved)[:, None] / 2)
        return np.multiply(dy, self._multiplier, out=self._buffer("dx", dy.shape, dy.dtype))

    def parameters(self) -> dict[str, Parameter]:
        """Return ln alpha."""
        return {f"{self.path}/log_alpha": self.alpha.log}

    def penalty(self) -> float:
        """Return the KL term."""
        return self.alpha.penalty()

    def columns(self) -> dict[str, float]:
        """Return the mean of alpha."""
        return self.alpha.columns(self.path)

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return the column of alpha, with the function that turns it into a rate."""
        return {f"{self.path}/alpha": equivalent_rate}


class VariationalLinear(GaussianLinear):
    """A linear map with V = alpha (.) W^2; biases have no noise."""

    def __init__(self, variant: Variational, linear: Dense, location: Location) -> None:
        """Wrap a linear map, which keeps the names of its parameters."""
        super().__init__(linear, location)
        self.alpha = LearnedAlpha(variant, linear, location, shared_by=linear.fan_in * linear.fan_out)

    def variances(self) -> tuple[Array, Array | float]:
        """Return V = alpha (.) W^2, and 0 for the biases."""
        W = self.linear.W.value
        V = np.multiply(W, W, out=self._buffer("V", W.shape, W.dtype))
        V *= self.alpha.value()
        return V, 0.0

    def add_variance_gradients(self, dV: Array, dv_b: Array) -> None:
        """Add dlam_ij = dV_ij alpha W_ij^2, and 2 alpha W (.) dV to dW."""
        self.alpha.add_gradient(dV * self._V)
        dV *= self.linear.W.value
        dV *= 2 * self.alpha.value()
        self.linear.W.add_gradient(dV)

    def gradients(self, dy: Array) -> None:
        """Add the gradients of the parameters, with those of the penalty."""
        self.alpha.begin_gradient()
        super().gradients(dy)

    def parameters(self) -> dict[str, Parameter]:
        """Return the parameters of the linear map, and ln alpha."""
        return self.linear.parameters() | {f"{self.path}/log_alpha": self.alpha.log}

    def penalty(self) -> float:
        """Return the KL term."""
        return self.alpha.penalty()

    def columns(self) -> dict[str, float]:
        """Return the mean of alpha."""
        return self.alpha.columns(self.path)

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return the column of alpha, with the function that turns it into a rate."""
        return {f"{self.path}/alpha": equivalent_rate}
