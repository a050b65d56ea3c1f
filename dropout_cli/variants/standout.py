"""Standout: each unit's keep probability is computed from its own pre-activation.

    training     y = m (.) a    m = [u < P], P = sigmoid(alpha z + beta), u ~ U(0, 1) per example and unit
    evaluation   y = P (.) a

z is the pre-activation of the layer whose activation a is dropped (the belief network of the paper with
its weights tied to the layer's own). There is no scaling by 1 / P; m and P are constants for the
gradient, dz = dy (.) m (.) f'(z). With alpha = 0 and beta = logit(q) it is `standard`. Inputs have no
pre-activation, so only hidden places drop; the realised rate is 1 - mean P.

Ba & Frey 2013, "Adaptive dropout for training deep neural networks", NeurIPS 26.

Traps: beta is added once per unit, not once per weight. Nothing is divided by P, so evaluation has to multiply by
it. Negative activations (tanh) have small z and are dropped more, as the paper has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.field_types import Finite
from dropout_cli.core.types import Array
from dropout_cli.nn.activations.sigmoid import Sigmoid
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Variant, chain
from dropout_cli.variants.toolkit.masks import fraction_dropped


@VARIANTS.register("standout")
@dataclass(frozen=True, kw_only=True)
class Standout(Variant):
    """Units with a large pre-activation are kept more often."""

    alpha: Finite = 1.0
    """Times the pre-activation; 0 keeps every unit with the same probability."""
    beta: Finite = 0.0
    """Added once; larger keeps more."""

    acts_on = "activations of hidden layers"
    paper = "Ba & Frey 2013, NeurIPS 26"

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """The unit with its activation inside the gate, which sees both z and a."""
        return chain(location, linear, *between, Gate(self, activation, location))


class Gate(Layer):
    """y = gate (.) f(z), gate = [u < P] with noise and P without."""

    is_dropout = True

    def __init__(self, variant: Standout, activation: Layer, location: Location) -> None:
        """`activation` is f."""
        super().__init__(f"{location.path}/dropout")
        self._variant, self._activation = variant, activation
        self._sigmoid = Sigmoid(f"{location.path}/keep")
        self._drawn: Array | None = None

    def draws(self) -> bool:
        """It always draws."""
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

    def backward(self, dy: Array) -> Array:
        """dz = dy gate f'(z), the drawn gate a constant; without noise P is a function of z, and counts."""
        da = np.multiply(dy, self._gate, out=self._buffer("da", dy.shape, dy.dtype))
        dz = self._activation.backward(da)
        if not self._scaled:
            return dz
        return np.asarray(dz + self._variant.alpha * self._sigmoid.backward(dy * self._a))

    def parameters(self) -> dict[str, Parameter]:
        """Return those of the activation."""
        return self._activation.parameters()

    def columns(self) -> dict[str, float]:
        """The share that was dropped in the last training step."""
        return {f"{self.path}/realized_rate": fraction_dropped(self._drawn)}
