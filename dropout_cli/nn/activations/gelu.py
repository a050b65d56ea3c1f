"""The Gaussian error linear unit: y = x Phi(x), in its exact form."""

import math

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.activations.base import ACTIVATIONS, Activation
from dropout_cli.nn.initializers import He
from dropout_cli.nn.layers.base import NoiseSource
from dropout_cli.nn.operations import GraphValue, OperationGraph


@ACTIVATIONS.register("gelu")
class Gelu(Activation):
    """y = x Phi(x), with Phi the standard normal distribution function.

    References:
        Hendrycks & Gimpel 2016, arXiv:1606.08415.
    """

    initializer = He()

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return x Phi(x), in the shape of x."""
        from scipy.special import erf  # a slow import, for networks with this activation only

        self._x = x
        cdf = np.multiply(x, math.sqrt(0.5), out=self._buffer("cdf", x.shape, x.dtype))
        erf(cdf, out=cdf)
        cdf += 1
        cdf *= 0.5
        self._cdf = cdf
        return np.multiply(x, cdf, out=self._buffer("y", x.shape, x.dtype))

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return x Phi(x)."""
        return graph.elementwise("gelu", x)

    def backward(self, dy: Array) -> Array:
        """Return dx = dy (Phi(x) + x phi(x)), phi the standard normal density."""
        dx = np.multiply(self._x, self._x, out=self._buffer("dx", dy.shape, dy.dtype))
        dx *= -0.5
        np.exp(dx, out=dx)
        dx *= 1 / math.sqrt(2 * math.pi)
        dx *= self._x
        dx += self._cdf
        dx *= dy
        return dx
