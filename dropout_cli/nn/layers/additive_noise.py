"""Additive Gaussian noise, y = x + sd eps: a regularizer that is older than dropout.

References:
    Bishop 1995, "Training with noise is equivalent to Tikhonov regularization", Neural Computation 7.
    Rasmus et al. 2015, arXiv:1507.02672: noise on every pre-activation of a batch-normalized network, as a baseline.
"""

from typing import ClassVar

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.backend.noise_tables import draw_normal
from dropout_cli.nn.layers.base import Layer, NoiseKind, NoiseSource
from dropout_cli.nn.operations import GraphValue, OperationGraph


class AdditiveNoise(Layer):
    """y = x + sd eps with eps ~ N(0, 1) for every element; y = x without noise."""

    noise_kind: ClassVar[NoiseKind] = "training"

    def __init__(self, path: str, sd: float) -> None:
        """Set the strength of the noise.

        Args:
            path: The path of the layer.
            sd: The standard deviation, in the units of x.
        """
        super().__init__(path)
        self.sd = sd

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return x + sd eps, or x itself without noise."""
        noise = self._drawn_from(noise)
        if noise is None:
            return x
        shape = noise.draw_shape(self.path, x.shape)
        y = self._buffer("y", x.shape, x.dtype)
        # Shared draws have one row and do not fill y; they need an array of their own.
        eps = draw_normal(shape, noise[self.path], x.dtype, out=y if shape == x.shape else None)
        np.multiply(eps, self.sd, out=y)
        y += x
        return y

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return x itself: only training draws this noise."""
        return x

    def draws(self) -> bool:
        """Return True if the standard deviation is above 0."""
        return self.sd > 0

    def backward(self, dy: Array) -> Array:
        """Return dy, because the noise does not depend on x."""
        return dy
