"""One training step's change of a network: regularization, clipping, the update rule, constraints.

For each parameter, with its own scales (nn.parameter):

    g += l1 sign(W) + 2 l2 W            the gradient of l1 |W| + l2 |W|^2
    g *= min(1, clip_norm / |all g|)    one norm over all clipped parameters
    W -= lr weight_decay W              decoupled
    W, moments = rule(W, g, moments, lr)
    w_j *= min(1, c / |w_j|)            max-norm; w_j: the incoming weights of unit j

An update is bound by memory, not by arithmetic. A momentum therefore takes its gradient in as the product makes it,
v = mu v - lr x'dy in one go (nn.backend.matmul), where nothing else needs the gradient and the layer declares it
(nn.layers.batch_parallel): 1.2 ms less of a step of 784-1024-1024-1024-10. What is left is done block by block, by
all threads where it is much.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dropout_cli.core.types import Array, DType
from dropout_cli.nn.backend import threads
from dropout_cli.nn.backend.matmul import add
from dropout_cli.nn.backend.packing import pack_arrays
from dropout_cli.nn.optim.optimizers.base import Optimizer, flush_denormals
from dropout_cli.nn.parameter import Parameter

BLOCK = 131_072
"""Elements updated at a time: weights, gradient, two moments and scratch of a block stay in the cache. Where threads
share the update, shorter work would have them wait for each other at the interpreter."""

SHARED = 400_000
"""From so many elements on threads share the update."""


def split_into_blocks(array: Array) -> list[Array]:
    """Flat views of a C-contiguous array, BLOCK elements each."""
    flat = array.reshape(-1)
    return [flat[start : start + BLOCK] for start in range(0, flat.size, BLOCK)]


class ParamGroup(NamedTuple):
    """Settings of the parameters that are updated together."""

    dtype: DType
    lr_scale: float
    decay: float
    accumulates: bool
    """Whether backward passes apply grad_alpha and grad_beta themselves (`PassOptimizations.fused_parameters`)."""


class ParameterBlock(NamedTuple):
    """A flat slice of the parameters of a group, with its gradient and moments."""

    group: ParamGroup
    value: Array
    gradient: Array
    moments: tuple[Array, ...]


def _group_parameters(
    parameters: Mapping[str, Parameter], fused_ids: Collection[int], *, decays: bool
) -> list[tuple[ParamGroup, list[str]]]:
    """The names of parameters to be updated together: large ones alone, small ones with others treated alike."""
    found: list[tuple[ParamGroup, list[str]]] = []
    small: dict[ParamGroup, list[str]] = {}
    for name, one in parameters.items():
        group = ParamGroup(one.value.dtype, one.lr_scale, one.decay if decays else 0.0, id(one) in fused_ids)
        if one.value.size >= BLOCK:
            found.append((group, [name]))
        else:
            small.setdefault(group, []).append(name)
    return [*found, *small.items()]


@dataclass(frozen=True, kw_only=True)
class Regularization:
    """Settings that act on the weights besides the loss; 0 and None switch them off."""

    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    max_norm: float | None = None
    clip_norm: float | None = None


class OptimizerState:
    """Holds an optimizer's moments for the parameters of one network."""

    def __init__(
        self,
        rule: Optimizer,
        parameters: Mapping[str, Parameter],
        regularization: Regularization,
        fused: Sequence[Parameter] = (),
    ) -> None:
        """Begin with moments of 0.

        Args:
            rule: The update rule.
            parameters: Name -> parameter.
            regularization: What acts on the weights besides the loss.
            fused: Those whose gradient can be taken into a momentum as it comes (nn.layers.batch_parallel).
        """
        self.rule = rule
        self.regularization = regularization
        self._parameters = dict(parameters)
        self._announced: float | None = None
        needs_gradients = regularization.l1 or regularization.l2 or regularization.clip_norm is not None
        fused_ids = set() if needs_gradients else {id(parameter) for parameter in fused}
        self._fused = {name: one for name, one in parameters.items() if rule.grad_beta and id(one) in fused_ids}
        moments: dict[str, Array] = {}
        self._blocks: list[ParameterBlock] = []
        self._fused_blocks: list[ParameterBlock] = []
        decays = regularization.l1 or regularization.l2 or regularization.weight_decay
        for group, names in _group_parameters(parameters, fused_ids, decays=bool(decays)):
            whole = self._pack_group(group, names, moments)
            if whole.group.accumulates and rule.grad_beta:
                self._fused_blocks.append(whole)
            else:
                parts = zip(*map(split_into_blocks, (whole.value, whole.gradient, *whole.moments)), strict=True)
                self._blocks += [
                    ParameterBlock(group, value, gradient, tuple(kept)) for value, gradient, *kept in parts
                ]
        self.moments = {
            f"{moment}/{name}": moments[f"{moment}/{name}"] for name in parameters for moment in rule.moments
        }
        self._blocks.sort(key=lambda block: -block.value.size)
        self._shared = sum(block.value.size for block in self._blocks) >= SHARED
        self._scratch: dict[tuple[int, DType], Array] = {}
        self._bounded = [
            parameter
            for parameter in parameters.values()
            if parameter.bounds is not None or (regularization.max_norm is not None and parameter.max_norm)
        ]

    def _pack_group(self, group: ParamGroup, names: Sequence[str], moments: dict[str, Array]) -> ParameterBlock:
        """Put values, gradients and moments of these parameters side by side; add the moments, 0, by name."""
        parameters = [self._parameters[name] for name in names]
        value, values = pack_arrays([parameter.value for parameter in parameters])
        kept = []
        for moment in self.rule.moments:
            flat, views = pack_arrays([np.zeros_like(one) for one in values])
            kept.append(flat)
            moments.update((f"{moment}/{name}", view) for name, view in zip(names, views, strict=True))
        if group.accumulates and self.rule.grad_beta:
            gradient, gradients = kept[0], [moments[f"{self.rule.moments[0]}/{name}"] for name in names]
        else:
            gradient, gradients = pack_arrays([parameter.gradient for parameter in parameters])
        for parameter, here, there in zip(parameters, values, gradients, strict=True):
            parameter.value, parameter.gradient = here, there
            if group.accumulates:
                parameter.grad_beta, parameter.grad_alpha = self.rule.grad_beta or 0.0, self.rule.gradient_scale
        return ParameterBlock(group, value, gradient, tuple(kept))

    def _scratch_for(self, part: int, like: Array) -> Array:
        """Scratch for a block, of that thread's own."""
        key = part, like.dtype
        if key not in self._scratch:
            self._scratch[key] = np.empty(BLOCK, like.dtype)
        return self._scratch[key][: like.size]

    def penalty(self) -> float:
        """Return the sum of l1 |W| + l2 |W|^2 over the regularized weights."""
        l1, l2 = self.regularization.l1, self.regularization.l2
        total = 0.0
        if l1 or l2:
            for parameter in self._parameters.values():
                if parameter.decay:
                    w = parameter.value
                    total += parameter.decay * (l1 * float(np.abs(w).sum()) + l2 * float(np.vdot(w, w)))
        return total

    def begin_step(self, lr: float) -> None:
        """Announce the learning rate of the step, before its backward pass."""
        self._announced = lr
        for parameter in self._fused.values():
            parameter.grad_alpha = -lr * parameter.lr_scale

    def step(self, lr: float, t: int) -> None:
        """Take the gradients as they stand and move every parameter; t counts updates from 1.

        Raises RuntimeError where a gradient was taken into a momentum with another learning rate, or none.
        """
        if self._fused and lr != self._announced:
            raise RuntimeError(f"a step with learning rate {lr}, and {self._announced} was announced")
        settings = self.regularization
        if settings.l1 or settings.l2:
            self._add_penalty_gradients(settings.l1, settings.l2)
        if settings.clip_norm is not None:
            self._clip(settings.clip_norm)

        def update(part: int, parts: int) -> None:
            for group, value, gradient, moments in self._blocks[part::parts]:
                rate = lr * group.lr_scale
                if settings.weight_decay and group.decay:
                    value *= 1 - rate * settings.weight_decay * group.decay
                if self.rule.gradient_scale != 1 and not group.accumulates:
                    gradient *= self.rule.gradient_scale
                self.rule.update(value, gradient, moments, self._scratch_for(part, value), lr=rate, t=t)

        if self._shared:
            threads.parallel(update)
        else:
            update(0, 1)
        for group, value, velocity, _ in self._fused_blocks:
            # W = (1 - lr decay) W + v, where the backward pass left v = mu v - lr g
            if settings.weight_decay and group.decay:
                value *= 1 - lr * group.lr_scale * settings.weight_decay * group.decay
            flush_denormals(velocity, t)
            add(velocity, value)
        for parameter in self._bounded:
            if settings.max_norm is not None and parameter.max_norm:
                bound_norms(parameter.value, settings.max_norm * parameter.max_norm)
            if parameter.bounds is not None:
                np.clip(parameter.value, *parameter.bounds, out=parameter.value)

    def _add_penalty_gradients(self, l1: float, l2: float) -> None:
        for group, value, gradient, _ in self._blocks:
            scratch = self._scratch_for(0, value)
            if l2 and group.decay:
                np.multiply(value, 2 * l2 * group.decay, out=scratch)
                gradient += scratch
            if l1 and group.decay:
                np.sign(value, out=scratch)
                scratch *= l1 * group.decay
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
