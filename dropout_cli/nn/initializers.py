"""How weights and biases start.

W has mean 0 and the standard deviation that the scheme gives for its fan-in and fan-out; biases are
0 unless `bias_sd` says otherwise. Values are drawn in float64 and rounded to the layer's dtype.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from dropout_cli.core.fields import NonNegative, Positive
from dropout_cli.core.registry import Registry
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, Shape

INITIALIZERS: Registry["Initializer"] = Registry("initializer", package="dropout_cli.nn")


@dataclass(frozen=True, kw_only=True)
class Initializer(ABC):
    """How a layer's first weights are drawn."""

    distribution: Literal["normal", "uniform"] = "normal"
    """The shape of the distribution; its standard deviation is the scheme's in either case."""
    bias_sd: NonNegative = 0.0
    """Standard deviation of the biases; 0 starts them at 0."""

    @abstractmethod
    def sd(self, fan_in: int, fan_out: int) -> float:
        """The standard deviation of a weight."""

    def weights(self, shape: Shape, rng: Generator) -> Array:
        """Draw weights of shape (..., inputs, outputs), float64; leading axes are a kernel's."""
        kernel = math.prod(shape[:-2])
        sd = self.sd(kernel * shape[-2], kernel * shape[-1])
        if self.distribution == "uniform":
            return rng.uniform(-math.sqrt(3) * sd, math.sqrt(3) * sd, shape)
        return rng.normal(0.0, sd, shape)

    def biases(self, count: int, rng: Generator) -> Array:
        """Draw biases of shape (count,), float64."""
        return rng.normal(0.0, self.bias_sd, count)


@INITIALIZERS.register("he")
@dataclass(frozen=True, kw_only=True)
class He(Initializer):
    """Variance 2 / fan-in, for ReLU (He et al. 2015, arXiv:1502.01852)."""

    def sd(self, fan_in: int, fan_out: int) -> float:
        """sqrt(2 / fan_in)."""
        return math.sqrt(2 / fan_in)


@INITIALIZERS.register("glorot")
@dataclass(frozen=True, kw_only=True)
class Glorot(Initializer):
    """Variance 2 / (fan-in + fan-out), for tanh and sigmoid (Glorot & Bengio 2010)."""

    def sd(self, fan_in: int, fan_out: int) -> float:
        """sqrt(2 / (fan_in + fan_out))."""
        return math.sqrt(2 / (fan_in + fan_out))


@INITIALIZERS.register("lecun")
@dataclass(frozen=True, kw_only=True)
class LeCun(Initializer):
    """Variance 1 / fan-in, for SELU (LeCun et al. 1998; Klambauer et al. 2017, arXiv:1706.02515)."""

    def sd(self, fan_in: int, fan_out: int) -> float:
        """sqrt(1 / fan_in)."""
        return math.sqrt(1 / fan_in)


@INITIALIZERS.register("normal")
@dataclass(frozen=True, kw_only=True)
class Normal(Initializer):
    """The same standard deviation for every weight, whatever the layer's width."""

    weight_sd: Positive = 0.01
    """Standard deviation of the weights."""

    def sd(self, fan_in: int, fan_out: int) -> float:
        """`weight_sd`."""
        return self.weight_sd
