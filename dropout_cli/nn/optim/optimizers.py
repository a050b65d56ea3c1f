"""Update rules. A rule is a frozen configuration; `OptimizerState` holds the moments and applies it to a network.

Formulas, with g the gradient, lr the learning rate of the step and t the update's number from 1:

    sgd       v = mu v - lr g;   W += v      (nesterov: W += mu v - lr g)
    adam      m = b1 m + (1 - b1) g;   v = b2 v + (1 - b2) g^2
              W -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
    rmsprop   v = rho v + (1 - rho) g^2;   W -= lr g / (sqrt(v) + epsilon)
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dropout_cli.core.fields import FractionOrZero, NonNegative, Positive
from dropout_cli.core.registry import Registry
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
class Optimizer(ABC):
    """An update rule."""

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


@OPTIMIZERS.register("adam")
@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, arXiv:1412.6980)."""

    beta1: FractionOrZero = 0.9
    """Decay of the gradient's running mean."""
    beta2: FractionOrZero = 0.999
    """Decay of the squared gradient's running mean."""
    epsilon: Positive = 1e-8
    """Added to the root of the second moment."""

    moments: ClassVar[tuple[str, ...]] = ("m", "v")

    @property
    def gradient_scale(self) -> float:
        """1 - b1."""
        return 1 - self.beta1

    def update(self, w: Array, g: Array, moments: tuple[Array, ...], scratch: Array, *, lr: float, t: int) -> None:
        """W -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon), both corrections taken out of the root."""
        m, v = moments
        root = math.sqrt(1 - self.beta2**t)
        m *= self.beta1
        m += g  # it comes times 1 - b1
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


@OPTIMIZERS.register("adamw")
@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101)."""

    weight_decay: NonNegative = 0.01
    """Before each update W shrinks by learning rate times this; biases do not."""

    @property
    def decoupled_decay(self) -> float:
        """Return `weight_decay`."""
        return self.weight_decay


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
