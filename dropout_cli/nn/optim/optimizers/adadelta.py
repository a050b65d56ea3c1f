"""Adadelta: steps in the unit of the weights, from running mean squares of gradients and of steps.

v = rho v + (1 - rho) g^2
s = g sqrt(u + epsilon) / sqrt(v + epsilon)
u = rho u + (1 - rho) s^2;   W -= lr s
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dropout_cli.core.field_types import FractionOrZero, Positive
from dropout_cli.core.types import Array
from dropout_cli.nn.optim.optimizers.base import OPTIMIZERS, Optimizer, flush_denormals


@OPTIMIZERS.register("adadelta")
@dataclass(frozen=True, kw_only=True)
class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012, arXiv:1212.5701)."""

    learning_rate: Positive = 1.0
    """The learning rate before the schedule; 1 in the paper."""
    rho: FractionOrZero = 0.95
    """The decay rate of both running means."""
    epsilon: Positive = 1e-6
    """A small number added to both running means. 1e-6 as in the paper; some frameworks have 1e-7."""

    moments: ClassVar[tuple[str, ...]] = ("v", "u")

    def update(self, w: Array, g: Array, moments: tuple[Array, ...], scratch: Array, *, lr: float, t: int) -> None:
        """s = g sqrt(u + epsilon) / sqrt(v + epsilon); W -= lr s."""
        v, u = moments
        np.multiply(g, g, out=scratch)
        scratch *= 1 - self.rho
        v *= self.rho
        v += scratch
        flush_denormals(v, t)
        np.add(v, self.epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.divide(g, scratch, out=g)
        np.add(u, self.epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        g *= scratch
        np.multiply(g, g, out=scratch)
        scratch *= 1 - self.rho
        u *= self.rho
        u += scratch
        flush_denormals(u, t)
        g *= lr
        w -= g
