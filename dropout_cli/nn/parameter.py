"""A learned array and its gradient, with the settings that may differ from parameter to parameter."""

from dataclasses import dataclass, field

import numpy as np

from dropout_cli.core.types import Array


@dataclass(eq=False)
class Parameter:
    """A value, its gradient, and how training treats it.

    The three scales multiply the run's own settings: a bias has `decay = max_norm = 0`, a learned
    rate its own `lr_scale`, and the equivalence of classic and inverted dropout q^2 per layer.
    """

    value: Array
    """Float array; changed in place. The optimizer moves it to other memory, once, before training (nn.packing)."""
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
    carry: float = 0.0
    """The share of `gradient` that stays in it, for layers that heed it (Layer.carrying)."""
    scale: float = 1.0
    """What dL/dvalue is multiplied by on its way into `gradient`, for the same layers."""
    gradient: Array = field(init=False)
    """Overwritten by the layer's backward pass with carry gradient + scale dL/dvalue."""

    def __post_init__(self) -> None:
        """Allocate the gradient."""
        self.gradient = np.zeros_like(self.value)

    @classmethod
    def bias(cls, value: Array) -> "Parameter":
        """A parameter that is neither regularized nor bounded: biases, scales of a normalization."""
        return cls(value, decay=0.0, max_norm=0.0)
