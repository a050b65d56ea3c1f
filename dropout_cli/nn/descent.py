"""One training step's change of a network: regularization, clipping, the update rule, constraints.

For each parameter, with its own scales (nn.parameters):

    g += l1 sign(W) + 2 l2 W            the gradient of l1 |W| + l2 |W|^2
    g *= min(1, clip_norm / |all g|)    one norm over all clipped parameters
    W -= lr weight_decay W              decoupled
    W, moments = rule(W, g, moments, lr)
    w_j *= min(1, c / |w_j|)            max-norm; w_j: the incoming weights of unit j

An update is bound by memory, not by arithmetic. A momentum therefore takes its gradient in as the product makes it,
v = mu v - lr x'dy in one go (nn.product), where nothing else needs the gradient and the layer heeds it: 1.2 ms less of
a step of 784-1024-1024-1024-10. What is left is done block by block, by all threads where it is much.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dropout_cli import threads
from dropout_cli.arrays import Array, DType
from dropout_cli.nn.optimizers import Optimizer, stay_normal
from dropout_cli.nn.parameters import Parameter
from dropout_cli.nn.product import add

BLOCK = 131_072
"""Elements updated at a time: weights, gradient, two moments and scratch of a block stay in the cache. Where threads
share the update, shorter work would have them wait for each other at the interpreter."""

SHARED = 400_000
"""From so many elements on threads share the update."""


def blocks(array: Array) -> list[Array]:
    """Flat views of a C-contiguous array, BLOCK elements each."""
    flat = array.reshape(-1)
    return [flat[start : start + BLOCK] for start in range(0, flat.size, BLOCK)]


class Block(NamedTuple):
    """A few elements of a parameter and all that is kept of them, flat."""

    parameter: Parameter
    value: Array
    gradient: Array
    moments: tuple[Array, ...]


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

    def __init__(
        self,
        rule: Optimizer,
        parameters: Mapping[str, Parameter],
        regularization: Regularization,
        carrying: Sequence[Parameter] = (),
    ) -> None:
        """Moments start at 0. `carrying`: whose gradient can be taken into a momentum as it comes (Layer.carrying)."""
        self.rule = rule
        self.regularization = regularization
        self._parameters = dict(parameters)
        self.moments = {
            f"{moment}/{name}": np.zeros_like(parameter.value)
            for name, parameter in parameters.items()
            for moment in rule.moments
        }
        self._announced: float | None = None
        needs_gradients = regularization.l1 or regularization.l2 or regularization.clip_norm is not None
        able = set() if rule.carry is None or needs_gradients else {id(parameter) for parameter in carrying}
        self._carried = {name: one for name, one in parameters.items() if id(one) in able}
        for name, parameter in self._carried.items():
            parameter.gradient, parameter.carry = self.moments[f"velocity/{name}"], rule.carry or 0.0
        self._scaled = {id(one) for one in carrying if not needs_gradients and rule.carry is None}
        for parameter in carrying if rule.carry is None and not needs_gradients else ():
            parameter.scale = rule.gradient_scale
        cut = [block for name in parameters if name not in self._carried for block in self._cut(name)]
        self._blocks = sorted(cut, key=lambda block: -block.value.size)
        self._shared = sum(block.value.size for block in cut) >= SHARED
        self._scratch: dict[tuple[int, DType], Array] = {}
        self._bounded = [
            parameter
            for parameter in parameters.values()
            if parameter.bounds is not None or (regularization.max_norm is not None and parameter.max_norm)
        ]

    def _cut(self, name: str) -> Iterator[Block]:
        """A parameter's value, gradient, moments and scratch, a block of each at a time."""
        parameter = self._parameters[name]
        kept = [self.moments[f"{moment}/{name}"] for moment in self.rule.moments]
        parts = zip(*map(blocks, (parameter.value, parameter.gradient, *kept)), strict=True)
        for value, gradient, *moments in parts:
            yield Block(parameter, value, gradient, tuple(moments))

    def _room(self, part: int, like: Array) -> Array:
        """Scratch for a block, of that thread's own."""
        key = part, like.dtype
        if key not in self._scratch:
            self._scratch[key] = np.empty(BLOCK, like.dtype)
        return self._scratch[key][: like.size]

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

    def at(self, lr: float) -> None:
        """Announce the learning rate of the step, before its backward pass."""
        self._announced = lr
        for parameter in self._carried.values():
            parameter.scale = -lr * parameter.lr_scale

    def step(self, lr: float, t: int) -> None:
        """Take the gradients as they stand and move every parameter; t counts updates from 1.

        Raises RuntimeError where a gradient was taken into a momentum with another learning rate, or none.
        """
        if self._carried and lr != self._announced:
            raise RuntimeError(f"a step with learning rate {lr}, and {self._announced} was announced")
        settings = self.regularization
        if settings.l1 or settings.l2:
            self._add_penalty_gradients(settings.l1, settings.l2)
        if settings.clip_norm is not None:
            self._clip(settings.clip_norm)

        def update(part: int, parts: int) -> None:
            for parameter, value, gradient, moments in self._blocks[part::parts]:
                rate = lr * parameter.lr_scale
                if settings.weight_decay and parameter.decay:
                    value *= 1 - rate * settings.weight_decay * parameter.decay
                if self.rule.gradient_scale != 1 and id(parameter) not in self._scaled:
                    gradient *= self.rule.gradient_scale
                self.rule.update(value, gradient, moments, self._room(part, value), lr=rate, t=t)

        if self._shared:
            threads.share(update)
        else:
            update(0, 1)
        for parameter in self._carried.values():
            # W = (1 - lr decay) W + v, where the backward pass left v = mu v - lr g
            if settings.weight_decay and parameter.decay:
                parameter.value *= 1 - lr * parameter.lr_scale * settings.weight_decay * parameter.decay
            stay_normal(parameter.gradient, t)
            add(parameter.gradient, parameter.value)
        for parameter in self._bounded:
            if settings.max_norm is not None and parameter.max_norm:
                bound_norms(parameter.value, settings.max_norm * parameter.max_norm)
            if parameter.bounds is not None:
                np.clip(parameter.value, *parameter.bounds, out=parameter.value)

    def _add_penalty_gradients(self, l1: float, l2: float) -> None:
        for parameter, value, gradient, _ in self._blocks:
            scratch = self._room(0, value)
            if l2 and parameter.decay:
                np.multiply(value, 2 * l2 * parameter.decay, out=scratch)
                gradient += scratch
            if l1 and parameter.decay:
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
