"""Adam: a step is about as long as the learning rate, for any size of the gradient.

    m = b1 m + (1 - b1) g;   v = b2 v + (1 - b2) g^2
    W -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)

b1 and b2 are `beta1` and `beta2`.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dropout_cli.core.field_types import FractionOrZero, Positive
from dropout_cli.core.types import Array
from dropout_cli.nn.optim.optimizers.base import OPTIMIZERS, Optimizer, flush_denormals


@OPTIMIZERS.register("adam")
@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, arXiv:1412.6980)."""

    beta1: FractionOrZero = 0.9
    """The decay rate of the running mean of the gradient."""
    beta2: FractionOrZero = 0.999
    """The decay rate of the running mean of the squared gradient."""
    epsilon: Positive = 1e-8
    """A small number added to the denominator, for stability."""

    moments: ClassVar[tuple[str, ...]] = ("m", "v")

    @property
    def gradient_scale(self) -> float:
        """Return 1 - b1."""
        return 1 - self.beta1

    def update(self, w: Array, g: Array, moments: tuple[Array, ...], scratch: Array, *, lr: float, t: int) -> None:
        """W -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)."""
        m, v = moments
        # Both corrections are moved out of the root to scalar factors, which saves two passes over the arrays.
        root = math.sqrt(1 - self.beta2**t)
        m *= self.beta1
        m += g  # g already has the factor 1 - b1 (gradient_scale)
        flush_denormals(m, t)
        v *= self.beta2
        g *= g
        g *= (1 - self.beta2) / (1 - self.beta1) ** 2
        v += g
        flush_denormals(v, t)
        np.sqrt(v, out=scratch)
        scratch += self.epsilon * root
        np.divide(m, scratch, out=scratch)
        scratch *= lr * root / (1 - self.beta1**t)
        w -= scratch
