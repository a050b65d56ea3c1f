"""The update of all parameters: regularization, clipping, update rule, constraints.

For each parameter, with its own factors (nn.parameter):

    g += l1 sign(W) + 2 l2 W            the gradient of l1 |W| + l2 |W|^2
    g *= min(1, clip_norm / |all g|)    one norm over all clipped parameters
    W -= lr weight_decay W              decoupled
    W, moments = rule(W, g, moments, lr)
    w_j *= min(1, c / |w_j|)            max-norm; w_j: the incoming weights of unit j

The speed of an update is limited by memory, not by arithmetic. So with momentum, the matrix product adds its gradient
directly to the velocity, v = mu v - lr x'dy (nn.backend.matmul), if nothing else needs the gradient and the layer
declares it (nn.layers.fast_passes). This saves 1.2 ms per step of 784-1024-1024-1024-10. The other parameters are
updated block by block, by all threads if there are enough of them.
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
"""Elements that are updated at a time: weights, gradient, two moments and scratch of a block fit into the cache.
Smaller blocks would let the threads wait for each other at the interpreter lock."""

SHARED = 400_000
"""Number of elements from which threads share the update."""


def split_into_blocks(array: Array) -> list[Array]:
    """Return flat views of an array, BLOCK elements each.

    Args:
        array: C-contiguous array of any shape.
    """
    flat = array.reshape(-1)
    return [flat[start : start + BLOCK] for start in range(0, flat.size, BLOCK)]


class ParamGroup(NamedTuple):
    """The settings that parameters have in common if they are updated together."""

    dtype: DType
    lr_scale: float
    decay: float
    accumulates: bool
    """True if backward passes apply grad_alpha and grad_beta (`PassOptimizations.fused_parameters`)."""


class ParameterBlock(NamedTuple):
    """A flat slice of the parameters of a group, with its gradient and moments."""

    group: ParamGroup
    value: Array
    gradient: Array
    moments: tuple[Array, ...]


def _group_parameters(
    parameters: Mapping[str, Parameter], fused_ids: Collection[int], *, decays: bool
) -> list[tuple[ParamGroup, list[str]]]:
    """Group parameters by name: a large one alone, small ones with equal settings together."""
    large: list[tuple[ParamGroup, list[str]]] = []
    small: dict[ParamGroup, list[str]] = {}
    for name, parameter in parameters.items():
        # If nothing decays, weights and biases need not be separate groups.
        decay = parameter.decay if decays else 0.0
        group = ParamGroup(parameter.value.dtype, parameter.lr_scale, decay, id(parameter) in fused_ids)
        if parameter.value.size >= BLOCK:
            large.append((group, [name]))
        else:
            small.setdefault(group, []).append(name)
    return [*large, *small.items()]


@dataclass(frozen=True, kw_only=True)
class Regularization:
    """Settings that act on the weights in addition to the loss; 0 and None switch them off."""

    l1: float = 0.0
    """The factor of the sum of |W|."""
    l2: float = 0.0
    """The factor of the sum of W^2."""
    weight_decay: float = 0.0
    """The decoupled decay: the fraction of W, times the learning rate, that is subtracted before each update."""
    max_norm: float | None = None
    """The largest norm of the incoming weights of a unit."""
    clip_norm: float | None = None
    """The largest norm of all clipped gradients together."""


class OptimizerState:
    """An optimizer with its moments for the parameters of one network."""

    def __init__(
        self,
        rule: Optimizer,
        parameters: Mapping[str, Parameter],
        regularization: Regularization,
        fused: Sequence[Parameter] = (),
    ) -> None:
        """Pack the parameters into blocks and start with moments of 0.

        Args:
            rule: The update rule.
            parameters: The parameters by name.
            regularization: Settings that act on the weights in addition to the loss.
            fused: Parameters whose gradients may be accumulated in a momentum (nn.layers.fast_passes).
        """
        self.rule = rule
        self.regularization = regularization
        self._parameters = dict(parameters)
        self._step_lr: float | None = None
        # These settings need the gradient itself, which a fused accumulation never stores.
        needs_gradients = regularization.l1 or regularization.l2 or regularization.clip_norm is not None
        fused_ids = set() if needs_gradients else {id(parameter) for parameter in fused}
        self._fused = {
            name: parameter for name, parameter in parameters.items() if rule.grad_beta and id(parameter) in fused_ids
        }
        moments: dict[str, Array] = {}
        self._blocks: list[ParameterBlock] = []
        self._fused_blocks: list[ParameterBlock] = []
        decays = regularization.l1 or regularization.l2 or regularization.weight_decay
        for group, names in _group_parameters(parameters, fused_ids, decays=bool(decays)):
            packed = self._pack_group(group, names, moments)
            if packed.group.accumulates and rule.grad_beta:
                self._fused_blocks.append(packed)
            else:
                parts = zip(*map(split_into_blocks, (packed.value, packed.gradient, *packed.moments)), strict=True)
                self._blocks += [
                    ParameterBlock(group, value, gradient, tuple(kept)) for value, gradient, *kept in parts
                ]
        self.moments = {
            f"{moment}/{name}": moments[f"{moment}/{name}"] for name in parameters for moment in rule.moments
        }
        # Largest first, so that threads that take every nth block get about the same number of elements.
        self._blocks.sort(key=lambda block: -block.value.size)
        self._shared = sum(block.value.size for block in self._blocks) >= SHARED
        self._scratch: dict[tuple[int, DType], Array] = {}
        self._bounded = [
            parameter
            for parameter in parameters.values()
            if parameter.bounds is not None or (regularization.max_norm is not None and parameter.max_norm)
        ]

    def _pack_group(self, group: ParamGroup, names: Sequence[str], moments: dict[str, Array]) -> ParameterBlock:
        """Move values, gradients and moments of a group to contiguous memory."""
        parameters = [self._parameters[name] for name in names]
        value, values = pack_arrays([parameter.value for parameter in parameters])
        kept = []
        for moment in self.rule.moments:
            flat, views = pack_arrays([np.zeros_like(array) for array in values])
            kept.append(flat)
            moments.update((f"{moment}/{name}", view) for name, view in zip(names, views, strict=True))
        if group.accumulates and self.rule.grad_beta:
            # The gradient of a fused parameter is its velocity itself.
            gradient, gradients = kept[0], [moments[f"{self.rule.moments[0]}/{name}"] for name in names]
        else:
            gradient, gradients = pack_arrays([parameter.gradient for parameter in parameters])
        for parameter, new_value, new_gradient in zip(parameters, values, gradients, strict=True):
            parameter.value, parameter.gradient = new_value, new_gradient
            if group.accumulates:
                parameter.grad_beta, parameter.grad_alpha = self.rule.grad_beta or 0.0, self.rule.gradient_scale
        return ParameterBlock(group, value, gradient, tuple(kept))

    def _scratch_for(self, part: int, like: Array) -> Array:
        """Return a scratch array for a block, one per thread."""
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
        """Set the learning rate of the step before its backward pass.

        Fused parameters need it there, because their gradients are added to a velocity.

        Args:
            lr: The learning rate of the step.
        """
        self._step_lr = lr
        for parameter in self._fused.values():
            parameter.grad_alpha = -lr * parameter.lr_scale

    def step(self, lr: float, t: int) -> None:
        """Update every parameter with its current gradient.

        Args:
            lr: The learning rate, as given to `begin_step`.
            t: The number of the update, from 1.

        Raises:
            RuntimeError: `begin_step` was not called, or with a different learning rate, and a gradient is fused.
        """
        if self._fused and lr != self._step_lr:
            raise RuntimeError(f"the step uses learning rate {lr}, but begin_step was called with {self._step_lr}")
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
        """Add the gradients of l1 |W| + l2 |W|^2."""
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
        """Scale the clipped gradients so that their common norm is at most `bound`."""
        clipped = [parameter.gradient for parameter in self._parameters.values() if parameter.clipped]
        norm = math.sqrt(sum(float(np.vdot(gradient, gradient)) for gradient in clipped))
        if norm > bound:
            for gradient in clipped:
                gradient *= bound / norm


def bound_norms(weights: Array, bound: float) -> None:
    """Scale the incoming weights of each unit to a norm of at most `bound`, in place.

    Args:
        weights: (..., units); the norm is over all axes but the last.
        bound: The largest norm.
    """
    rows = weights.reshape(-1, weights.shape[-1])
    norms = np.sqrt(np.einsum("ij,ij->j", rows, rows))
    scale = np.minimum(1, bound / np.maximum(norms, 1e-12))  # a unit without weights has norm 0
    if scale.min() < 1:
        rows *= scale
