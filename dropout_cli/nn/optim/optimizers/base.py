"""The base of update rules: frozen, without arrays; `nn.optim.update` holds the moments.

Formulas have g for the gradient, lr for the learning rate of the step, and t for the number of the update, from 1.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from dropout_cli.core.field_types import Positive
from dropout_cli.core.registry import Registry
from dropout_cli.core.renamed import ReportsRenamed
from dropout_cli.core.types import Array

OPTIMIZERS: Registry["Optimizer"] = Registry("optimizer", package="dropout_cli.nn.optim.optimizers")

DENORMAL_GUARD, GUARD_EVERY = 1e-30, 16
"""Where the gradient stays 0 (a pixel that is always black, a dead unit) a running mean would sink into denormal
numbers, and they stay: 0.9 times the smallest rounds to itself. An RMSprop update took 290 us there instead of 27.
So every GUARD_EVERYth update adds DENORMAL_GUARD, far below what a weight can notice."""


def flush_denormals(moment: Array, t: int) -> None:
    """Keep a running mean that decays by 0.35 or more per update out of the denormal numbers."""
    if t % GUARD_EVERY == 1:
        moment += DENORMAL_GUARD


@dataclass(frozen=True, kw_only=True)
class Optimizer(ReportsRenamed, ABC):
    """An update rule."""

    RENAMED: ClassVar[Mapping[str, str]] = {"carry": "grad_beta"}

    learning_rate: Positive = 1e-3
    """The learning rate before the schedule."""

    moments: ClassVar[tuple[str, ...]] = ()
    """The names of the arrays, one of each per parameter, that the rule keeps from step to step."""

    normalized: ClassVar[bool] = True
    """Whether a step is about as long as the learning rate, whatever the size of the gradient."""

    @property
    def grad_beta(self) -> float | None:
        """mu where v = mu v - lr g; W += v is the whole rule, so that a product can take its gradient into v."""
        return None

    @property
    def gradient_scale(self) -> float:
        """Return the factor of the gradients that `update` takes; a product applies it on its way."""
        return 1.0

    @property
    def decoupled_decay(self) -> float:
        """Return the decoupled weight decay that is part of the rule's own settings."""
        return 0.0

    @abstractmethod
    def update(self, w: Array, g: Array, moments: tuple[Array, ...], scratch: Array, *, lr: float, t: int) -> None:
        """Change the flat block w and its moments in place; `g`, scaled, and `scratch` may be overwritten."""
