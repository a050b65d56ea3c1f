"""Squared error of regressions: the mean of (y - m)^2 over batch and targets.

Targets and predictions are standardized.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from dropout_cli.core.types import Array
from dropout_cli.nn import losses
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.objectives.base import OBJECTIVES, Objective


@OBJECTIVES.register("squared_error")
@dataclass(frozen=True, kw_only=True)
class SquaredError(Objective):
    """The squared error of the predicted mean of each target."""

    task: ClassVar[Literal["classification", "regression"]] = "regression"
    is_squared_error: ClassVar[bool] = True

    def compute_gradients(
        self,
        network: Layer,
        x: Array,
        labels: Array,
        noise: NoiseSource,
        targets: Array | None = None,
        weights: Array | None = None,
    ) -> float:
        """Run one noisy pass; `labels` (N, targets) are standardized."""
        loss, doutputs = losses.squared_error(network.forward(x, train=True, noise=noise), labels, weights)
        network.gradients(doutputs)
        return loss
