"""Standout: computes the keep probability of each unit from its own pre-activation.

    training     y = m (.) a    m = [u < P],  P = sigmoid(alpha z + beta),  u ~ U(0, 1) per example and unit
    evaluation   y = P (.) a

z is the pre-activation of the layer, and a its activation. (This is the belief network of the paper, with its weights
tied to those of the layer.) m and P are constants for the gradient: dz = dy (.) m (.) f'(z). With alpha = 0 and
beta = logit(q) it equals `standard`. Inputs have no pre-activation, so only hidden layers drop. The realized rate is
1 - mean P.

Ba & Frey 2013, "Adaptive dropout for training deep neural networks", NeurIPS 26.

When to use: in dense hidden layers, to try keep probabilities that depend on the example. There is no rate to choose,
but `alpha` and `beta` decide how much is dropped.

Notes: beta is added once per unit, not once per weight. Training does not divide by P, so evaluation must multiply by
P. Negative activations (tanh) have a small z and are dropped more often, as in the paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.field_types import Finite
from dropout_cli.core.types import Array
from dropout_cli.nn.activations.sigmoid import Sigmoid
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Variant, chain
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.masks import fraction_dropped


@VARIANTS.register("standout")
@dataclass(frozen=True, kw_only=True)
class Standout(Variant):
    """Units with a large pre-activation are kept more often."""

    alpha: Finite = 1.0
    """The factor of the pre-activation. 0: every unit has the same keep probability."""
    beta: Finite = 0.0
    """The offset. A larger value keeps more units."""

    acts_on = "activations of hidden layers"
    paper = "Ba & Frey 2013, NeurIPS 26"
    example = VariantExample(
        numpy="""
alpha, beta = 1.0, 0.0
z = a = x  # pre-activation and activation; here the activation is the identity
P = 1 / (1 + np.exp(-(alpha * z + beta)))  # the keep probability
m = rng.random(x.shape) < P
y = m * a
""",
        evaluation="Nothing is dropped; each activation is scaled by its keep probability: y = P a.",
        noise="mask m",
    )

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return the unit with its activation inside the gate, which needs both z and a."""
        return chain(location, linear, *between, Gate(self, activation, location))


class Gate(Layer):
    """The product y = gate (.) f(z); gate = [u < P], or P without noise."""

    is_dropout = True

    def __init__(self, variant: Standout, activation: Layer, location: Location) -> None:
        """Make the gate of an activation f."""
        super().__init__(f"{location.path}/dropout")
        self._variant, self._activation = variant, activation
        self._sigmoid = Sigmoid(f"{location.path}/keep")
        self._drawn: Array | None = None

    def draws(self) -> bool:
        """Return True: it always draws."""
        return True

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the gated activation of z = x."""
        z = np.multiply(x, self._variant.alpha, out=self._buffer("z", x.shape, x.dtype))
        z += self._variant.beta
        keep = self._sigmoid.forward(z)
        self._scaled = noise is None
        if noise is None:
            self._gate = keep
        else:
            self._gate = noise[self.path].random(noise.draw_shape(self.path, x.shape), dtype=x.dtype.type) < keep
        if train:
            self._drawn = None if noise is None else self._gate
        self._a = self._activation.forward(x)
        return np.multiply(self._a, self._gate, out=self._buffer("y", x.shape, x.dtype))

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return the gated activation of z = x."""
        z = graph.elementwise("multiply", x, self._variant.alpha)
        keep = graph.elementwise("sigmoid", graph.elementwise("add", z, self._variant.beta))
        gate = graph.elementwise("less", graph.uniform(x, x.shape), keep) if graph.draws_noise else keep
        return graph.elementwise("multiply", graph.apply(self._activation, x), gate)

    def backward(self, dy: Array) -> Array:
        """Return dz = dy (.) gate (.) f'(z)."""
        # A drawn gate is a constant. Without noise the gate P depends on z, which adds a term.
        da = np.multiply(dy, self._gate, out=self._buffer("da", dy.shape, dy.dtype))
        dz = self._activation.backward(da)
        if not self._scaled:
            return dz
        return np.asarray(dz + self._variant.alpha * self._sigmoid.backward(dy * self._a))

    def parameters(self) -> dict[str, Parameter]:
        """Return the parameters of the activation."""
        return self._activation.parameters()

    def columns(self) -> dict[str, float]:
        """Return the fraction dropped in the last training step."""
        return {f"{self.path}/realized_rate": fraction_dropped(self._drawn)}
