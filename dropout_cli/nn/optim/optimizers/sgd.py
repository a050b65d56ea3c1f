"""Stochastic gradient descent, with momentum or without.

    v = mu v - lr g;   W += v      (nesterov: W += mu v - lr g)

where mu is `momentum`.
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
    """Stochastic gradient descent, plain, with momentum, or with Nesterov's."""

    learning_rate: Positive = 1e-2
    """The learning rate before the schedule."""
    momentum: FractionOrZero = 0.0
    """The share of the last update that the next one keeps."""
    nesterov: bool = False
    """Look ahead along the momentum (Sutskever et al. 2013)."""

    moments: ClassVar[tuple[str, ...]] = ("velocity",)
    normalized: ClassVar[bool] = False

    @property
    def grad_beta(self) -> float | None:
        """The momentum, where it is not Nesterov's."""
        return self.momentum if self.momentum and not self.nesterov else None

    def update(self, w: Array, g: Array, moments: tuple[Array, ...], scratch: Array, *, lr: float, t: int) -> None:
        """v = mu v - lr g; W += v, or mu v - lr g."""
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
