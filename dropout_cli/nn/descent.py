"""One training step's change of a network: regularization, clipping, the update rule, constraints.

For each parameter, with its own scales (nn.parameters):

    g += l1 sign(W) + 2 l2 W            the gradient of l1 |W| + l2 |W|^2
    g *= min(1, clip_norm / |all g|)    one norm over all clipped parameters
    W -= lr weight_decay W              decoupled
    W, moments = rule(W, g, moments, lr)
    w_j *= min(1, c / |w_j|)            max-norm; w_j: the incoming weights of unit j
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.nn.optimizers import Optimizer
from dropout_cli.nn.parameters import Parameter

BLOCK = 16_384
"""Elements updated at a time: weights, gradient, two moments and scratch of a block stay in the cache."""


def blocks(array: Array) -> list[Array]:
    """Flat views of a C-contiguous array, BLOCK elements each."""
    flat = array.reshape(-1)
    return [flat[start : start + BLOCK] for start in range(0, flat.size, BLOCK)]


@dataclass(frozen=True, kw_only=True)
class Regularization:
    """What acts on the weights besides the loss; 0 and None mean not at all."""

    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    max_norm: float | None = None
    clip_norm: float | None = None


class Descent:
    """Holds an optimizer's moments for the parameters of one network."""

    def __init__(self, rule: Optimizer, parameters: Mapping[str, Parameter], regularization: Regularization) -> None:
        """Moments start at 0."""
        self.rule = rule
        self.regularization = regularization
        self._parameters = dict(parameters)
        self.moments = {
            f"{moment}/{name}": np.zeros_like(parameter.value)
            for name, parameter in parameters.items()
            for moment in rule.moments
        }
        dtypes = {parameter.value.dtype for parameter in parameters.values()}
        self._scratch = {dtype: np.empty(BLOCK, dtype) for dtype in dtypes}
        self._blocks = [(parameter, self._cut(name, parameter)) for name, parameter in self._parameters.items()]

    def _cut(self, name: str, parameter: Parameter) -> list[tuple[Array, Array, tuple[Array, ...], Array]]:
        """A parameter's value, gradient, moments and scratch, a block of each at a time."""
        moments = [blocks(self.moments[f"{moment}/{name}"]) for moment in self.rule.moments]
        scratch = self._scratch[parameter.value.dtype]
        return [
            (value, gradient, tuple(moment[place] for moment in moments), scratch[: value.size])
            for place, (value, gradient) in enumerate(
                zip(blocks(parameter.value), blocks(parameter.gradient), strict=True)
            )
        ]

    def penalty(self) -> float:
        """What l1 and l2 add to the objective: l1 |W| + l2 |W|^2, summed over the regularized weights."""
        l1, l2 = self.regularization.l1, self.regularization.l2
        total = 0.0
        if l1 or l2:
            for parameter in self._parameters.values():
                if parameter.decay:
                    w = parameter.value
                    total += parameter.decay * (l1 * float(np.abs(w).sum()) + l2 * float(np.vdot(w, w)))
        return total

    def step(self, lr: float, t: int) -> None:
        """Take the gradients as they stand and move every parameter; t counts updates from 1."""
        settings = self.regularization
        if settings.l1 or settings.l2:
            self._add_penalty_gradients(settings.l1, settings.l2)
        if settings.clip_norm is not None:
            self._clip(settings.clip_norm)
        for parameter, blocks in self._blocks:
            rate = lr * parameter.lr_scale
            shrink = 1 - rate * settings.weight_decay * parameter.decay
            for value, gradient, moments, scratch in blocks:
                if shrink != 1:
                    value *= shrink
                self.rule.update(value, gradient, moments, scratch, lr=rate, t=t)
            if settings.max_norm is not None and parameter.max_norm:
                bound_norms(parameter.value, settings.max_norm * parameter.max_norm)
            if parameter.bounds is not None:
                np.clip(parameter.value, *parameter.bounds, out=parameter.value)

    def _add_penalty_gradients(self, l1: float, l2: float) -> None:
        for parameter, blocks in self._blocks:
            if not parameter.decay:
                continue
            for value, gradient, _, scratch in blocks:
                if l2:
                    np.multiply(value, 2 * l2 * parameter.decay, out=scratch)
                    gradient += scratch
                if l1:
                    np.sign(value, out=scratch)
                    scratch *= l1 * parameter.decay
                    gradient += scratch

    def _clip(self, bound: float) -> None:
        clipped = [parameter.gradient for parameter in self._parameters.values() if parameter.clipped]
        norm = math.sqrt(sum(float(np.vdot(gradient, gradient)) for gradient in clipped))
        if norm > bound:
            for gradient in clipped:
                gradient *= bound / norm


def bound_norms(weights: Array, bound: float) -> None:
    """Scale each unit's incoming weights (all axes but the last) down to norm `bound`, in place."""
    rows = weights.reshape(-1, weights.shape[-1])
    norms = np.sqrt(np.einsum("ij,ij->j", rows, rows))
    scale = np.minimum(1, bound / np.maximum(norms, 1e-12))
    if scale.min() < 1:
        rows *= scale
