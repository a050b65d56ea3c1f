"""RMSprop: the gradient over the root of its running mean square.

    v = rho v + (1 - rho) g^2;   W -= lr g / (sqrt(v) + epsilon)

where rho is the decay of the mean.
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
    """Decay of the squared gradient's running mean."""
    epsilon: Positive = 1e-7
    """Added to the root of the second moment."""

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
