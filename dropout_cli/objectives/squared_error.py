"""Squared error, for regression: the mean over the batch and the targets of (y - m)^2, in standardized units."""

from dataclasses import dataclass
from typing import ClassVar

from dropout_cli.core.types import Array
from dropout_cli.nn import losses
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.objectives.base import OBJECTIVES, Objective


@OBJECTIVES.register("squared_error")
@dataclass(frozen=True, kw_only=True)
class SquaredError(Objective):
    """The network predicts the mean of each target."""

    predicts: ClassVar[str] = "quantities"
    squared: ClassVar[bool] = True

    def learn(self, network: Layer, x: Array, labels: Array, noise: NoiseSource, targets: Array | None = None) -> float:
        """One noisy pass; `labels` (N, targets) are standardized."""
        loss, doutputs = losses.squared_error(network.forward(x, train=True, noise=noise), labels)
        network.gradients(doutputs)
        return loss
