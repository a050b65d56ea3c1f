"""Stochastic gradient descent, with optional momentum.

    v = mu v - lr g;   W += v      (nesterov: W += mu v - lr g)

mu is `momentum`.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dropout_cli.core.field_types import FractionOrZero, Positive
from dropout_cli.core.types import Array
from dropout_cli.nn.optim.optimizers.base import OPTIMIZERS, Optimizer, flush_denormals


@OPTIMIZERS.register("sgd")
@dataclass(frozen=True, kw_only=True)
class Sgd(Optimizer):
    """Stochastic gradient descent, with optional momentum or Nesterov momentum."""

    learning_rate: Positive = 1e-2
    """The learning rate before the schedule."""
    momentum: FractionOrZero = 0.0
    """The momentum: the fraction of the last update that is added to the next one."""
    nesterov: bool = False
    """Use Nesterov momentum (Sutskever et al. 2013)."""

    moments: ClassVar[tuple[str, ...]] = ("velocity",)
    normalized: ClassVar[bool] = False

    @property
    def grad_beta(self) -> float | None:
        """The momentum, if it is above 0 and not Nesterov momentum; else None."""
        return self.momentum if self.momentum and not self.nesterov else None

    def update(self, w: Array, g: Array, moments: tuple[Array, ...], scratch: Array, *, lr: float, t: int) -> None:
        """v = mu v - lr g; W += v, or W += mu v - lr g with Nesterov momentum."""
        (v,) = moments
        g *= -lr
        if not self.momentum:
            w += g
            return
        v *= self.momentum
        v += g
        flush_denormals(v, t)
        if self.nesterov:
            np.multiply(v, self.momentum, out=scratch)
            scratch += g
            w += scratch
        else:
            w += v
