"""RMSprop: the gradient divided by the root of its running mean square.

v = rho v + (1 - rho) g^2;   W -= lr g / (sqrt(v) + epsilon)
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dropout_cli.core.field_types import FractionOrZero, Positive
from dropout_cli.core.types import Array
from dropout_cli.nn.optim.optimizers.base import OPTIMIZERS, Optimizer, flush_denormals


@OPTIMIZERS.register("rmsprop")
@dataclass(frozen=True, kw_only=True)
class RmsProp(Optimizer):
    """RMSprop (Tieleman & Hinton 2012, lecture 6e)."""

    rho: FractionOrZero = 0.9
    """The decay rate of the running mean of the squared gradient."""
    epsilon: Positive = 1e-7
    """A small number added to the denominator, for stability."""

    moments: ClassVar[tuple[str, ...]] = ("v",)

    def update(self, w: Array, g: Array, moments: tuple[Array, ...], scratch: Array, *, lr: float, t: int) -> None:
        """v = rho v + (1 - rho) g^2; W -= lr g / (sqrt(v) + epsilon)."""
        (v,) = moments
        np.multiply(g, g, out=scratch)
        scratch *= 1 - self.rho
        v *= self.rho
        v += scratch
        flush_denormals(v, t)
        np.sqrt(v, out=scratch)
        scratch += self.epsilon
        np.divide(g, scratch, out=scratch)
        scratch *= lr
        w -= scratch
