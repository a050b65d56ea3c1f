"""The base of variants with Gaussian noise on weights, drawn in the pre-activation.

With independent noise on every weight and example, z is a sum of many terms. So z is drawn from the normal
distribution with the same mean and variance (fast dropout: Wang & Manning 2013; local
reparameterization: Kingma, Salimans, Welling 2015, arXiv:1506.02557), which takes two matrix products:

    mu = x W + b        v = f ((x^2) V + v_b) + 1e-8        z = mu + sqrt(v) eps,  eps ~ N(0, 1)

V (in, out) is the variance of each weight's noise and v_b (out,) that of each bias's; eps is drawn per
example and output unit. With H = dz (.) eps / (2 sqrt v):

    dL/dV = f (x^2)'H        dL/dv_b = f sum H        dx = dz W' + 2 f x (.) (H V')

f is `factor`, which is 1 unless a variant sets it.

The 1e-8 keeps the gradient finite for an example whose x is all zero.

If all examples share their draws (Noise.shared), eps cannot be shared: z of any two examples would have correlation
1. The weights are drawn instead, W + sqrt(V) eps and b + sqrt(v_b) eps, and z = x W + b.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array
from dropout_cli.nn.backend.matmul import matmul_into
from dropout_cli.nn.backend.noise_tables import draw_normal
from dropout_cli.nn.layers.base import NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.fast_passes import PassOptimizations
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.base import Location

FLOOR = 1e-8


class GaussianLinear(PassOptimizations):
    """A linear map with noise of given variance on its weights and biases."""

    RENAMED: ClassVar[Mapping[str, str]] = {"spread": "add_variance_gradients"}

    is_dropout = True

    def __init__(self, linear: Dense, location: Location) -> None:
        """Wrap a linear map, which keeps the names of its parameters."""
        super().__init__(f"{location.path}/dropout")
        self.linear = linear
        self.factor = 1.0
        """A factor of all variances, applied in the matrix product instead of to every weight."""

    def draws(self) -> bool:
        """Return True: it always draws."""
        return True

    def mean_weights(self) -> Array:
        """Return the weights of the mean, (in, out)."""
        return self.linear.W.value

    def mean_slope(self) -> Array | float:
        """Return the derivative of each mean weight with respect to its W, as in the last pass."""
        return 1.0

    @abstractmethod
    def variances(self) -> tuple[Array, Array | float]:
        """Return V (in, out) and v_b (out,), or 0.0 for biases without noise; without `factor`."""

    @abstractmethod
    def add_variance_gradients(self, dV: Array, dv_b: Array) -> None:
        """Add to the gradients of the parameters, given those of V and v_b.

        Args:
            dV: dL/dV, (in, out); may be overwritten.
            dv_b: dL/dv_b, (out,).
        """

    def moments(self, x: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation of z, (N, out) each."""
        self._V, bias_variance = self.variances()
        self._squares = np.multiply(x, x, out=self._buffer("squares", x.shape, x.dtype))
        v = self._buffer("sd", (len(x), self.linear.fan_out), x.dtype)
        v[...] = self.factor * bias_variance + FLOOR
        matmul_into(self._squares, self._V, v, alpha=self.factor, beta=1)
        return self.mean(x), np.sqrt(v, out=v)

    def mean(self, x: Array) -> Array:
        """Return mu, (N, out)."""
        self._x, self._mean = x, self.mean_weights()
        mu = self._buffer("mu", (len(x), self.linear.fan_out), x.dtype)
        mu[...] = self.linear.b.value
        return matmul_into(x, self._mean, mu, beta=1)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return a draw of z with noise, else mu, (N, out)."""
        self._noisy = noise is not None and not noise.shared and (train or self.factor != 0)
        if noise is None or (self.factor == 0 and not train):
            return self.mean(x)
        if noise.shared:
            W, b = noise.draw_once(self.path, self._drawn)
            z = self._buffer("z", (len(x), self.linear.fan_out), x.dtype)
            z[...] = b
            return matmul_into(x, W, z, beta=1)
        mu, self._sd = self.moments(x)
        self._eps = self._buffer("eps", mu.shape, x.dtype)
        draw_normal(mu.shape, noise[self.path], x.dtype, out=self._eps)
        z = np.multiply(self._sd, self._eps, out=self._buffer("z", mu.shape, x.dtype))
        z += mu
        return z

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return mu, or mu + sd eps with noise."""
        mu = self.describe_mean(graph, x)
        if not graph.draws_noise or self.factor == 0:
            return mu
        sd = self.describe_sd(graph, x)
        eps = graph.normal(x, sd.shape)
        return graph.elementwise("add", graph.elementwise("multiply", sd, eps), mu)

    def describe_mean(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return mu."""
        W = graph.constant(f"{self.linear.path}/W", self.mean_weights())
        return graph.affine(x, W, graph.constant(f"{self.linear.path}/b", self.linear.b.value))

    def describe_sd(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return the standard deviation of z."""
        V, of_biases = self.variances()
        floor = np.broadcast_to(np.asarray(self.factor * of_biases + FLOOR, V.dtype), (self.linear.fan_out,))
        v = graph.affine(
            graph.elementwise("square", x),
            graph.constant(f"{self.path}/variances", V.dtype.type(self.factor) * V),
            graph.constant(f"{self.path}/bias_variances", floor),
        )
        return graph.elementwise("sqrt", v)

    def _drawn(self, rng: Generator) -> tuple[Array, ...]:
        """Draw weights and biases once for all examples."""
        variances, of_biases = self.variances()
        W = draw_normal(variances.shape, rng, variances.dtype)
        W *= np.sqrt(variances * variances.dtype.type(self.factor))
        W += self.mean_weights()
        b = self.linear.b.value
        if isinstance(of_biases, float):  # the biases have no noise
            return W, b
        return W, b + np.sqrt(of_biases * b.dtype.type(self.factor)) * draw_normal(b.shape, rng, b.dtype)

    def backward(self, dy: Array) -> Array:
        """Add the gradients of the parameters, and return dx, through mean and variance."""
        self.gradients(dy)
        dx = matmul_into(dy, self._mean.T, self._buffer("dx", (len(dy), self.linear.fan_in), dy.dtype))
        if self._noisy:
            through = self._buffer("through", dx.shape, dy.dtype)
            matmul_into(self._H, self._V.T, through, alpha=2 * self.factor)
            through *= self._x
            dx += through
        return dx

    def gradients(self, dy: Array) -> None:
        """Add the gradients of the parameters."""
        W, b = self.linear.W, self.linear.b
        W.add_gradient(self._x.T, dy, factor=self.mean_slope(), first=True)
        b.add_gradient(dy, first=True)
        if self._noisy:
            self._H = np.divide(self._eps, self._sd, out=self._buffer("H", dy.shape, dy.dtype))
            self._H *= dy
            self._H *= 0.5
            dV = self._buffer("dV", self._V.shape, dy.dtype)
            matmul_into(self._squares.T, self._H, dV, alpha=self.factor)
            self.add_variance_gradients(dV, self.factor * np.add.reduce(self._H, axis=0))

    def parameters(self) -> dict[str, Parameter]:
        """Return the parameters of the linear map."""
        return self.linear.parameters()
