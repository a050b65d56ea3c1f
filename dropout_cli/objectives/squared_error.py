"""Squared error of regressions: the mean of (y - m)^2 over batch and targets.

Targets and predictions are standardized. The loss does not depend on the precision of the targets' noise, but a
likelihood does. With a given precision tau = `target_precision`, each pass predicts N(m, 1 / tau), as in Gal &
Ghahramani 2016 (arXiv:1506.02142).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from dropout_cli.core.field_types import Positive
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

    target_precision: Positive | None = None
    """The precision tau = 1 / variance of the noise of every target, in its own unit, for likelihoods and standard
    deviations. Training does not depend on it. null: the noise is estimated on the validation part, or on the training
    part if there is none."""

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

    def given_precision(self) -> float | None:
        """Return tau."""
        return self.target_precision
