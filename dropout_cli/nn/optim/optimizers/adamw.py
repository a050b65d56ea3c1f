"""AdamW: Adam with a weight decay that does not go through the moments.

    W -= lr weight_decay W

before each update of Adam.
"""

from dataclasses import dataclass

from dropout_cli.core.field_types import NonNegative
from dropout_cli.nn.optim.optimizers.adam import Adam
from dropout_cli.nn.optim.optimizers.base import OPTIMIZERS


@OPTIMIZERS.register("adamw")
@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101)."""

    weight_decay: NonNegative = 0.01
    """Decoupled weight decay: before each update the weights shrink by learning rate x this value. Biases are not
    decayed."""

    @property
    def decoupled_decay(self) -> float:
        """Return `weight_decay`."""
        return self.weight_decay
