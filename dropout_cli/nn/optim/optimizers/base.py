"""The base class of update rules: frozen configuration without arrays.

`nn.optim.update` holds the moments. In formulas, g is the gradient, lr the learning rate of the step, and t the number
of the update, from 1.
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
"""If a gradient stays 0 (an input pixel that is always black, a dead unit), a running mean decays to denormal numbers
and stays there: 0.9 times the smallest one rounds to itself. An RMSprop update then took 290 us instead of 27 us.
So every GUARD_EVERYth update adds DENORMAL_GUARD, which is far too small to change a weight."""


def flush_denormals(moment: Array, t: int) -> None:
    """Keep a running mean out of the denormal numbers, if it decays by .35 or more per update.

    Args:
        moment: The running mean, changed in place.
        t: The number of the update, from 1.
    """
    if t % GUARD_EVERY == 1:
        moment += DENORMAL_GUARD


@dataclass(frozen=True, kw_only=True)
class Optimizer(ReportsRenamed, ABC):
    """Base class of update rules; its dataclass fields are its YAML keys."""

    RENAMED: ClassVar[Mapping[str, str]] = {"carry": "grad_beta"}

    learning_rate: Positive = 1e-3
    """The learning rate before the schedule."""

    moments: ClassVar[tuple[str, ...]] = ()
    """The names of the arrays that the rule keeps between updates, one array of each name per parameter."""

    normalized: ClassVar[bool] = True
    """True if the length of a step is about the learning rate, whatever the size of the gradient."""

    @property
    def grad_beta(self) -> float | None:
        """mu if the whole rule is v = mu v - lr g, W += v; else None.

        Only then can a matrix product add its gradient to v.
        """
        return None

    @property
    def gradient_scale(self) -> float:
        """The factor of the gradients that `update` expects; fused products apply it."""
        return 1.0

    @property
    def decoupled_decay(self) -> float:
        """The decoupled weight decay among the rule's own settings."""
        return 0.0

    @abstractmethod
    def update(self, w: Array, g: Array, moments: tuple[Array, ...], scratch: Array, *, lr: float, t: int) -> None:
        """Update a flat block of weights and its moments in place.

        Args:
            w: Weights, (n,).
            g: Gradient times `gradient_scale`, (n,); it may be overwritten.
            moments: One array (n,) for each name in `moments`.
            scratch: Array (n,) with arbitrary contents; it may be overwritten.
            lr: The learning rate of the step.
            t: The number of the update, from 1.
        """
