"""Batch normalization: x_hat = (x - mean) / sd, then y = gamma x_hat + beta.

Statistics are computed over all axes but the last, so vectors (N, D) and maps (N, h, w, channels) use the same layers.

References:
    Ioffe & Szegedy 2015, arXiv:1502.03167.
"""

import numpy as np

from dropout_cli.core.types import Array, DType
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.nn.parameter import Parameter


class Normalize(Layer):
    """x_hat = (x - mean) / sqrt(variance + epsilon) for each channel.

    In training, mean and (biased) variance are those of the batch, and the running averages move towards them by
    1 - momentum. In evaluation, they are the running averages.
    """

    def __init__(self, path: str, channels: int, *, dtype: DType, momentum: float = 0.9, epsilon: float = 1e-5) -> None:
        """Start with running mean 0 and running variance 1.

        Args:
            path: The path of the layer.
            channels: Size of the last axis.
            dtype: The dtype of the running averages.
            momentum: Fraction of the running averages that is kept in each step.
            epsilon: Added to the variance, so that a constant channel does not divide by 0.
        """
        super().__init__(path)
        self.momentum, self.epsilon = momentum, epsilon
        self.mean = np.zeros(channels, dtype)
        self.variance = np.ones(channels, dtype)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return x_hat, in the shape of x."""
        rows = x.reshape(-1, x.shape[-1])  # (N or N h w, channels)
        out = self._buffer("y", rows.shape, x.dtype)
        self._batch_statistics = train
        if train:
            mean = rows.mean(axis=0)
            np.subtract(rows, mean, out=out)
            variance = np.einsum("ij,ij->j", out, out) / len(rows)  # from the centered rows: no second subtraction
            self.mean += (1 - self.momentum) * (mean - self.mean)
            self.variance += (1 - self.momentum) * (variance - self.variance)
        else:
            variance = self.variance
            np.subtract(rows, self.mean, out=out)
        self._inverse_sd = 1 / np.sqrt(variance + self.epsilon)
        out *= self._inverse_sd
        self._x_hat = out
        return out.reshape(x.shape)

    def backward(self, dy: Array) -> Array:
        """Return dx = (dy - mean(dy) - x_hat mean(dy x_hat)) / sd; dy / sd with running averages."""
        rows = dy.reshape(self._x_hat.shape)
        dx = self._buffer("dx", rows.shape, dy.dtype)
        if self._batch_statistics:
            slope = np.einsum("ij,ij->j", rows, self._x_hat) / len(rows)
            np.multiply(self._x_hat, slope, out=dx)
            dx += rows.mean(axis=0)
            np.subtract(rows, dx, out=dx)
            dx *= self._inverse_sd
        else:
            np.multiply(rows, self._inverse_sd, out=dx)
        return dx.reshape(dy.shape)

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return x_hat, with the running averages."""
        mean, variance = (graph.constant(name, array) for name, array in self.state().items())
        return graph.normalize(x, mean, variance, epsilon=self.epsilon)

    def state(self) -> dict[str, Array]:
        """Return the running mean and variance."""
        return {f"{self.path}/mean": self.mean, f"{self.path}/variance": self.variance}


class ScaleShift(Layer):
    """y = gamma x + beta for each channel: the learned part of batch normalization."""

    def __init__(self, path: str, channels: int, *, dtype: DType) -> None:
        """Start with gamma 1 and beta 0.

        Args:
            path: The path of the layer.
            channels: Size of the last axis.
            dtype: The dtype of the parameters.
        """
        super().__init__(path)
        self.gamma = Parameter.bias(np.ones(channels, dtype))
        self.beta = Parameter.bias(np.zeros(channels, dtype))

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return gamma x + beta."""
        self._x = x
        y = np.multiply(x, self.gamma.value, out=self._buffer("y", x.shape, x.dtype))
        y += self.beta.value
        return y

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return gamma x + beta."""
        gamma, beta = (graph.constant(name, parameter.value) for name, parameter in self.parameters().items())
        return graph.scale_shift(x, gamma, beta)

    def backward(self, dy: Array) -> Array:
        """Return dx = dy gamma; also dgamma = sum dy x and dbeta = sum dy."""
        rows, x = dy.reshape(-1, dy.shape[-1]), self._x.reshape(-1, dy.shape[-1])
        self.gamma.add_gradient(np.einsum("ij,ij->j", rows, x), first=True)
        self.beta.add_gradient(np.add.reduce(rows, axis=0), first=True)
        return np.multiply(dy, self.gamma.value, out=self._buffer("dx", dy.shape, dy.dtype))

    def parameters(self) -> dict[str, Parameter]:
        """Return gamma and beta by name."""
        return {f"{self.path}/gamma": self.gamma, f"{self.path}/beta": self.beta}
