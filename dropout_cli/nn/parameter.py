"""A learned array with its gradient and the settings that can differ between parameters.

A layer changes a gradient only with `Parameter.add_gradient`. After a backward pass,

    gradient = grad_beta gradient + grad_alpha dL/dvalue

`grad_beta` is 0 and `grad_alpha` is 1 unless an optimizer fuses accumulation: with momentum, `gradient` is the
velocity, v = mu v - lr dL/dvalue (nn.optim.update, nn.layers.fast_passes). `add_gradient` applies both factors,
so layers do not depend on the optimizer.
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
    """An array, its gradient, and its settings for the optimizer.

    `lr_scale`, `decay` and `max_norm` multiply the settings of the run: a bias has `decay = max_norm = 0`, and a
    learned rate has its own `lr_scale`.
    """

    RENAMED: ClassVar[Mapping[str, str]] = {"carry": "grad_beta", "scale": "grad_alpha"}

    value: Array
    """Float array, changed in place. Before training, the optimizer moves it once to other memory
    (nn.backend.packing)."""
    lr_scale: float = 1.0
    """Factor of the learning rate."""
    decay: float = 1.0
    """Factor of l1, l2 and weight_decay. 0: not regularized."""
    max_norm: float = 1.0
    """Factor of training.max_norm, the bound on the norm of each unit's incoming weights (all axes but the last). 0:
    no bound."""
    bounds: tuple[float, float] | None = None
    """The value is clipped to this interval after each update."""
    clipped: bool = True
    """True if the gradient counts in the norm of gradient clipping and is scaled by it."""
    grad_beta: float = field(default=0.0, init=False)
    """Factor of the previous gradient. Set by the optimizer."""
    grad_alpha: float = field(default=1.0, init=False)
    """Factor of dL/dvalue in the gradient. Set by the optimizer."""
    gradient: Array = field(init=False)
    """grad_beta gradient + grad_alpha dL/dvalue after a backward pass. Layers write it only with `add_gradient`."""
    _scratch: Array | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Allocate the gradient."""
        self.gradient = np.zeros_like(self.value)

    @classmethod
    def bias(cls, value: Array) -> "Parameter":
        """Return a parameter without regularization and norm bound, such as a bias.

        Args:
            value: Initial value, any shape.
        """
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
        """Add `factor * g`, or `factor * (g @ times)` if `times` is given, to dL/dvalue.

        Args:
            g: Array in the shape of the value, or one number for all elements. With one more axis, it is summed over
                its first axis, as for a bias that is added to every row. With `times`: a matrix (n, k).
            times: A matrix (k, m). The product is computed directly in the memory of the gradient.
            factor: A number. It can also be an array in the shape of the value, if g is not summed and `rows` is None.
            rows: Distinct row indices. The product is for these rows of the value; the other rows get 0.
            first: True for the first addition of a backward pass. It replaces the old gradient, or adds to the momentum
                if the optimizer keeps it in this array (`grad_beta` is not 0).
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
            # One GEMM adds the product to the velocity: no second pass over a large gradient.
            matmul_into(g, times, self.gradient, self.grad_alpha * factor, beta)
        elif g.ndim > self.gradient.ndim:
            column_sums(g, self.gradient, self.grad_alpha * factor, beta)
        else:
            self._add_array(g, self.grad_alpha * factor, beta)

    def _add_array(self, g: Array, alpha: float, beta: float) -> None:
        """Set gradient = beta gradient + alpha g."""
        if beta:
            self._shrink(beta)
            add(np.ascontiguousarray(g, self.gradient.dtype), self.gradient, alpha=alpha)
        elif alpha == 1:
            self.gradient[...] = g
        else:
            np.multiply(g, alpha, out=self.gradient, dtype=self.gradient.dtype)

    def _add_weighted(self, g: Array | float, times: Array | None, weights: Array, beta: float) -> None:
        """Set gradient = beta gradient + alpha weights g, or with g @ times instead of g."""
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
        """Set gradient = beta gradient, and add alpha g @ times to the given rows."""
        selected = self._scratch_array()[: len(rows)]
        self._shrink(beta)
        if beta:
            # `clip` avoids the copy that the default mode makes; the indices are always valid.
            np.take(self.gradient, rows, axis=0, out=selected, mode="clip")
        self.gradient[rows] = matmul_into(g, times, selected, alpha=alpha, beta=1 if beta else 0)

    def _shrink(self, beta: float) -> None:
        """Multiply the gradient by beta; beta 0 also clears values that are not finite."""
        if not beta:
            self.gradient.fill(0)  # not `*= 0`, which would keep NaN and infinity
        elif beta != 1:
            self.gradient *= beta

    def _scratch_array(self) -> Array:
        """Return a reused scratch array in the shape of the value, with arbitrary contents."""
        if self._scratch is None:
            self._scratch = np.empty_like(self.value)
        return self._scratch
