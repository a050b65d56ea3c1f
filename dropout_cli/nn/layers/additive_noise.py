"""Additive Gaussian noise, y = x + sd eps, a regularizer older than dropout.

Bishop 1995, "Training with noise is equivalent to Tikhonov regularization"; on every pre-activation
of a batch-normalized network, the baseline of Rasmus et al. 2015 (arXiv:1507.02672).
"""

from typing import ClassVar

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.backend.noise_tables import draw_normal
from dropout_cli.nn.layers.base import Layer, NoiseKind, NoiseSource


class AdditiveNoise(Layer):
    """y = x + sd eps with eps ~ N(0, 1) for every element; y = x without noise."""

    noise_kind: ClassVar[NoiseKind] = "training"

    def __init__(self, path: str, sd: float) -> None:
        """`sd`: standard deviation, in the units of x."""
        super().__init__(path)
        self.sd = sd

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return x plus noise."""
        noise = self._drawn_from(noise)
        if noise is None:
            return x
        shape = noise.draw_shape(self.path, x.shape)
        y = self._buffer("y", x.shape, x.dtype)
        eps = draw_normal(shape, noise[self.path], x.dtype, out=y if shape == x.shape else None)
        np.multiply(eps, self.sd, out=y)
        y += x
        return y

    def draws(self) -> bool:
        """It draws where the standard deviation is not 0."""
        return self.sd > 0

    def backward(self, dy: Array) -> Array:
        """Return dy: the noise is a constant for the gradient."""
        return dy
