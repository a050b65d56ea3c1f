"""The contract carries what is still to come: gates, noisy linear maps with penalties, shared kept units.

Three sketches, each a law and its layer, are placed into networks by the ordinary architecture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from dropout_cli.architectures import Surroundings
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.arrays import Array
from dropout_cli.nn.dense import Dense
from dropout_cli.nn.layer import Layer, NoiseSource
from dropout_cli.nn.parameters import Parameter
from dropout_cli.nn.sequential import Sequential
from dropout_cli.streams import Noise, stream
from dropout_cli.variants import Place, Variant
from dropout_cli.variants.bernoulli import bernoulli, keep_probability
from dropout_cli.variants.variant import chain
from tests.gradients import check_layer


class Gate(Layer):
    """y = [u < P] (.) f(z), P = sigmoid(z): sees the pre-activation and the activation of one unit."""

    def __init__(self, preactivation: Layer, activation: Layer, place: Place) -> None:
        """The unit's halves."""
        super().__init__(f"{place.path}/gate")
        self._z, self._a = preactivation, activation

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Keep each activation with its own probability, or scale by it."""
        z = self._z.forward(x, train=train, noise=noise)
        keep = 1 / (1 + np.exp(-z))
        self._gate = keep if noise is None else noise[self.path].random(z.shape) < keep
        return np.asarray(self._a.forward(z, train=train, noise=noise) * self._gate)

    def backward(self, dy: Array) -> Array:
        """Gate and mask are constants for the gradient."""
        return self._z.backward(self._a.backward(np.asarray(dy * self._gate)))

    def parameters(self) -> dict[str, Parameter]:
        """Those of the linear map, under their own names."""
        return self._z.parameters()


@dataclass(frozen=True, kw_only=True)
class Standout(Variant):
    """Ba & Frey 2013."""

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, place: Place) -> Layer:
        """The whole unit becomes a gate."""
        return Gate(chain(place, linear, *between), activation, place)


class MomentMatched(Layer):
    """z = mu + sqrt(v) eps, v = alpha ((x^2)(W^2) + b^2) + 1e-8, with a learned ln alpha and a penalty on it."""

    def __init__(self, linear: Dense, place: Place) -> None:
        """Take over the linear map's parameters."""
        super().__init__(f"{place.path}/weights")
        self._W, self._b, self._linear, self._examples = linear.W, linear.b, linear, place.examples
        self._log_alpha = Parameter(np.full(1, -1.0, linear.W.value.dtype), lr_scale=10, decay=0, bounds=(-8, 0))

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Noise on the pre-activation with the moments of noise on the weights."""
        mu = self._linear.forward(x)
        self._x, self._noisy = x, noise is not None
        if noise is None:
            return mu
        self._sum = (x**2) @ (self._W.value**2) + self._b.value**2
        self._sd = np.sqrt(np.exp(self._log_alpha.value) * self._sum + 1e-8)
        self._eps = noise[self.path].standard_normal(mu.shape)
        return np.asarray(mu + self._sd * self._eps)

    def backward(self, dy: Array) -> Array:
        """By hand, the penalty's gradient included."""
        dx = self._linear.backward(dy)
        alpha = np.exp(self._log_alpha.value)
        self._log_alpha.gradient[...] = 2 * self._log_alpha.value / self._examples
        if self._noisy:
            H = dy * self._eps / (2 * self._sd)
            self._W.gradient += 2 * alpha * self._W.value * ((self._x**2).T @ H)
            self._b.gradient += 2 * alpha * self._b.value * H.sum(axis=0)
            self._log_alpha.gradient += (H * alpha * self._sum).sum()
            dx = dx + 2 * self._x * (H @ (alpha * self._W.value**2).T)
        return dx

    def parameters(self) -> dict[str, Parameter]:
        """The linear map's under their own names, and the learned one."""
        return self._linear.parameters() | {f"{self.path}/log_alpha": self._log_alpha}

    def penalty(self) -> float:
        """(ln alpha)^2 / N."""
        return float(self._log_alpha.value[0] ** 2) / self._examples

    def columns(self) -> dict[str, float]:
        """The learned value."""
        return {f"{self.path}/alpha": float(np.exp(self._log_alpha.value[0]))}


@dataclass(frozen=True, kw_only=True)
class WeightNoise(Variant):
    """DropConnect and the variational family: acts on weights, learns a rate."""

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, place: Place) -> Layer:
        """The linear map is replaced, what follows stays."""
        return chain(place, MomentMatched(linear, place), *between, activation)


class KeptUnits(Layer):
    """A unit computed on its kept rows and columns alone; the unit above asks it which it kept."""

    def __init__(self, linear: Dense, activation: Layer | None, rate: float, place: Place) -> None:
        """`place.upstream` is the unit below, if that keeps units too."""
        super().__init__(f"{place.path}/kept")
        self._linear, self._activation, self._rate = linear, activation, rate
        self._below = place.upstream if isinstance(place.upstream, KeptUnits) else None
        self.kept = np.arange(linear.fan_out)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """GEMMs on W[rows, columns]; dropped units are 0."""
        W, b = self._linear.W.value, self._linear.b.value
        units = np.arange(W.shape[1])
        drop = noise is not None and self._activation is not None
        self.kept = units if noise is None or not drop else units[bernoulli(units.shape, self._rate, noise[self.path])]
        self._rows = np.arange(W.shape[0]) if self._below is None else self._below.kept
        self._scale = 1 / keep_probability(self._rate) if drop else 1.0
        self._x = x[:, self._rows]
        z = self._x @ W[np.ix_(self._rows, self.kept)] + b[self.kept]
        a = z if self._activation is None else self._activation.forward(z)
        y = np.zeros((len(x), W.shape[1]), x.dtype)
        y[:, self.kept] = a * self._scale
        return y

    def backward(self, dy: Array) -> Array:
        """Rows and columns that were dropped have gradient 0."""
        dz = dy[:, self.kept] * self._scale
        if self._activation is not None:
            dz = self._activation.backward(dz)
        block = np.ix_(self._rows, self.kept)
        self._linear.W.gradient[...] = 0
        self._linear.W.gradient[block] = self._x.T @ dz
        self._linear.b.gradient[...] = 0
        self._linear.b.gradient[self.kept] = dz.sum(axis=0)
        dx = np.zeros((len(dy), self._linear.fan_in), dy.dtype)
        dx[:, self._rows] = dz @ self._linear.W.value[block].T
        return dx

    def parameters(self) -> dict[str, Parameter]:
        """Those of the linear map."""
        return self._linear.parameters()


@dataclass(frozen=True, kw_only=True)
class Batchwise(Variant):
    """Graham, Reizenstein, Robinson 2015."""

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, place: Place) -> Layer:
        """A hidden unit that drops."""
        return KeptUnits(linear, activation, 0.5, place)

    def output(self, linear: Dense, place: Place) -> Layer:
        """Logits drop nothing, but read only what was kept below."""
        return KeptUnits(linear, None, 0.0, place)


def network(law: Variant) -> Sequential:
    """A small float64 network with that law."""
    around = Surroundings(shape=(5,), outputs=3, examples=100, steps=50, seed=7, dtype=np.dtype(np.float64))
    return Mlp(hidden=(6, 4), activation="tanh").build(law, around)


@pytest.mark.parametrize("law", [Standout(), WeightNoise(), Batchwise()])
def test_the_sketched_laws_fit_the_contract(law: Variant) -> None:
    """Placed by the ordinary architecture, gradients are right; every parameter keeps its plain name."""
    x = stream(1, "test:x").standard_normal((9, 5))
    if not isinstance(law, Standout):  # its keep probability is held constant by definition, not by differences
        check_layer(lambda: network(law), x, noise=lambda: Noise(0, 1), train=True)
    plain = {f"{unit}/{letter}" for unit in ("hidden1", "hidden2", "output") for letter in "Wb"}
    assert plain <= network(law).parameters().keys()


def test_batchwise_equals_the_dense_network_with_that_mask() -> None:
    """What the unit above reads is what the unit below kept."""
    x = stream(1, "test:x").standard_normal((9, 5))
    net = network(Batchwise())
    y = net.forward(x, noise=Noise(0, 1))
    units = [layer for layer in net.layers if isinstance(layer, KeptUnits)]
    W = [net.parameters()[f"{name}/W"].value for name in ("hidden1", "hidden2", "output")]
    h = x
    for unit, weights in zip(units[:2], W, strict=False):
        mask = np.isin(np.arange(weights.shape[1]), unit.kept)
        h = np.tanh(h @ weights) * mask / 0.5
    np.testing.assert_allclose(y, h @ W[2], rtol=1e-12)


def test_learned_values_and_penalties_reach_the_network() -> None:
    """Columns and penalty of a unit are those of the whole."""
    net = network(WeightNoise())
    assert net.columns() == {f"hidden{k}/weights/alpha": pytest.approx(np.exp(-1)) for k in (1, 2)}
    assert net.penalty() == pytest.approx(2 / 100)
