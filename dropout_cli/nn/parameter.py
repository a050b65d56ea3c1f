"""A learned array and its gradient, with the settings that may differ from parameter to parameter.

A layer writes gradients by `Parameter.add_gradient` alone. A backward pass leaves

    gradient = grad_beta gradient + grad_alpha dL/dvalue

there, with 0 and 1 unless an optimizer asks for more: with a momentum `gradient` is the memory of the velocity, and
v = mu v - lr dL/dvalue (nn.optim.update, nn.layers.batch_parallel). The method sees to that; a layer need not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from dropout_cli.core.renamed import ReportsRenamed
from dropout_cli.core.types import Array
from dropout_cli.nn.backend.matmul import add, column_sums, matmul_into


@dataclass(eq=False)
class Parameter(ReportsRenamed):
    """A value, its gradient, and how training treats it.

    The three scales multiply the run's own settings: a bias has `decay = max_norm = 0`, a learned
    rate its own `lr_scale`, and the equivalence of classic and inverted dropout q^2 per layer.
    """

    RENAMED: ClassVar[Mapping[str, str]] = {"carry": "grad_beta", "scale": "grad_alpha"}

    value: Array
    """Float array; changed in place. Before training, the optimizer moves it once to other memory (backend.packing)."""
    lr_scale: float = 1.0
    """Times the learning rate."""
    decay: float = 1.0
    """Times l1, l2 and weight_decay; 0: not regularized."""
    max_norm: float = 1.0
    """Times training.max_norm, the bound on each unit's incoming weights (all axes but the last); 0: unbounded."""
    bounds: tuple[float, float] | None = None
    """The value is clipped to this interval after each update."""
    clipped: bool = True
    """Whether the gradient counts in, and is scaled by, gradient-norm clipping."""
    grad_beta: float = field(default=0.0, init=False)
    """The share of `gradient` that stays in it. The optimizer sets it."""
    grad_alpha: float = field(default=1.0, init=False)
    """The factor of dL/dvalue in `gradient`. The optimizer sets it."""
    gradient: Array = field(init=False)
    """grad_beta gradient + grad_alpha dL/dvalue after a backward pass. A layer writes to it by `add_gradient` alone."""
    _scratch: Array | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Allocate the gradient."""
        self.gradient = np.zeros_like(self.value)

    @classmethod
    def bias(cls, value: Array) -> "Parameter":
        """A parameter that is neither regularized nor bounded: biases, scales of a normalization."""
        return cls(value, decay=0.0, max_norm=0.0)

    def add_gradient(
        self,
        g: Array | float,
        times: Array | None = None,
        *,
        factor: Array | float = 1.0,
        rows: Array | None = None,
        first: bool = False,
    ) -> None:
        """Add factor g, or factor (g times) where `times` is given, to dL/dvalue.

        Args:
            g: In the shape of the value, or one number for all elements. With an axis more, it is summed over its
                first axis, as for a bias that was added to every row. With `times`: a matrix (n, k).
            times: A matrix (k, m). Their product is made in the gradient's own memory.
            factor: A number; where g is neither summed nor for `rows`, also an array in the shape of the value.
            rows: Indices, each once: the product is for these rows of the value, and the others get 0.
            first: Whether this is the first addition in a backward pass. It replaces the gradient of the last pass.
        """
        beta = self.grad_beta if first else 1.0
        if isinstance(factor, np.ndarray):
            self._add_weighted(g, times, factor, beta)
        elif not isinstance(g, np.ndarray):
            self._shrink(beta)
            self.gradient += self.grad_alpha * factor * g
        elif rows is not None and times is not None:
            self._add_rows(g, times, rows, self.grad_alpha * factor, beta)
        elif times is not None:
            matmul_into(g, times, self.gradient, self.grad_alpha * factor, beta)
        elif g.ndim > self.gradient.ndim:
            column_sums(g, self.gradient, self.grad_alpha * factor, beta)
        else:
            self._add_array(g, self.grad_alpha * factor, beta)

    def _add_array(self, g: Array, alpha: float, beta: float) -> None:
        """Gradient = beta gradient + alpha g."""
        if beta:
            self._shrink(beta)
            add(np.ascontiguousarray(g, self.gradient.dtype), self.gradient, alpha=alpha)
        elif alpha == 1:
            self.gradient[...] = g
        else:
            np.multiply(g, alpha, out=self.gradient, dtype=self.gradient.dtype)

    def _add_weighted(self, g: Array | float, times: Array | None, weights: Array, beta: float) -> None:
        """Gradient = beta gradient + alpha weights g, elementwise, or alpha weights (g times)."""
        if times is not None:
            assert isinstance(g, np.ndarray)
            g = matmul_into(g, times, self._scratch_array())
        if self.grad_alpha != 1:
            weights = np.multiply(weights, self.grad_alpha, dtype=self.gradient.dtype)
        if beta:
            self._shrink(beta)
            self.gradient += weights * g
        else:
            np.multiply(weights, g, out=self.gradient)

    def _add_rows(self, g: Array, times: Array, rows: Array, alpha: float, beta: float) -> None:
        """Gradient = beta gradient; in these rows, + alpha (g times)."""
        some = self._scratch_array()[: len(rows)]
        self._shrink(beta)
        if beta:
            np.take(self.gradient, rows, axis=0, out=some, mode="clip")
        self.gradient[rows] = matmul_into(g, times, some, alpha=alpha, beta=1 if beta else 0)

    def _shrink(self, beta: float) -> None:
        """Gradient = beta gradient; with `beta` 0 its former contents do not matter, even if not finite."""
        if not beta:
            self.gradient.fill(0)
        elif beta != 1:
            self.gradient *= beta

    def _scratch_array(self) -> Array:
        """An array of the value's shape, its contents arbitrary, kept from call to call."""
        if self._scratch is None:
            self._scratch = np.empty_like(self.value)
        return self._scratch
