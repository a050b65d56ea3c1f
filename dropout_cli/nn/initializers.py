"""Initializers: the distributions from which initial weights and biases are drawn.

Weights have mean 0 and a standard deviation that the scheme computes from fan-in and fan-out. Biases are 0 unless
`bias_sd` is set. Values are drawn in float64 and rounded to the dtype of the layer.

References:
    He et al. 2015, "Delving Deep into Rectifiers", arXiv:1502.01852.
    Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
    LeCun, Bottou, Orr, Müller 1998, "Efficient BackProp".
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from dropout_cli.core.field_types import NonNegative, Positive
from dropout_cli.core.registry import Registry
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, Shape

INITIALIZERS: Registry["Initializer"] = Registry("initializer", package="dropout_cli.nn")


@dataclass(frozen=True, kw_only=True)
class Initializer(ABC):
    """Base class of initializers; its dataclass fields are its YAML keys."""

    distribution: Literal["normal", "uniform"] = "normal"
    """The distribution family. The initializer sets the standard deviation, which is the same for both."""
    bias_sd: NonNegative = 0.0
    """The standard deviation of the biases. 0: all biases start at 0."""

    @abstractmethod
    def sd(self, fan_in: int, fan_out: int) -> float:
        """Return the standard deviation of the weights.

        Args:
            fan_in: Number of inputs of one output unit: kernel pixels x input channels, or input units.
            fan_out: Number of outputs of one input unit: kernel pixels x filters, or output units.
        """

    def weights(self, shape: Shape, rng: Generator) -> Array:
        """Draw weights in float64.

        Args:
            shape: (..., inputs, outputs); leading axes are those of a convolution kernel.
            rng: The generator.

        Returns:
            Array of that shape, with mean 0 and standard deviation `sd(fan_in, fan_out)`.
        """
        kernel = math.prod(shape[:-2])
        sd = self.sd(kernel * shape[-2], kernel * shape[-1])
        if self.distribution == "uniform":
            # The standard deviation of U(-a, a) is a / sqrt(3).
            return rng.uniform(-math.sqrt(3) * sd, math.sqrt(3) * sd, shape)
        return rng.normal(0.0, sd, shape)

    def biases(self, count: int, rng: Generator) -> Array:
        """Draw biases of shape (count,) in float64.

        Args:
            count: Number of biases.
            rng: The generator.
        """
        return rng.normal(0.0, self.bias_sd, count)


@INITIALIZERS.register("he")
@dataclass(frozen=True, kw_only=True)
class He(Initializer):
    """Variance 2 / fan-in, for ReLU (He et al. 2015, arXiv:1502.01852)."""

    def sd(self, fan_in: int, fan_out: int) -> float:
        """Return sqrt(2 / fan_in)."""
        return math.sqrt(2 / fan_in)


@INITIALIZERS.register("glorot")
@dataclass(frozen=True, kw_only=True)
class Glorot(Initializer):
    """Variance 2 / (fan-in + fan-out), for tanh and sigmoid (Glorot & Bengio 2010)."""

    def sd(self, fan_in: int, fan_out: int) -> float:
        """Return sqrt(2 / (fan_in + fan_out))."""
        return math.sqrt(2 / (fan_in + fan_out))


@INITIALIZERS.register("lecun")
@dataclass(frozen=True, kw_only=True)
class LeCun(Initializer):
    """Variance 1 / fan-in, for SELU (LeCun et al. 1998; Klambauer et al. 2017)."""

    def sd(self, fan_in: int, fan_out: int) -> float:
        """Return sqrt(1 / fan_in)."""
        return math.sqrt(1 / fan_in)


@INITIALIZERS.register("normal")
@dataclass(frozen=True, kw_only=True)
class Normal(Initializer):
    """A fixed standard deviation, independent of the width of the layer."""

    weight_sd: Positive = 0.01
    """The standard deviation of the weights."""

    def sd(self, fan_in: int, fan_out: int) -> float:
        """Return `weight_sd`."""
        return self.weight_sd
