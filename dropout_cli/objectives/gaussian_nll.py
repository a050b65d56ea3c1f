"""Gaussian negative log-likelihood, for regressions whose noise differs between examples.

    L = mean of ln(v) / 2 + (y - m)^2 / (2 v) + ln(2 pi) / 2,   v = softplus(s) + 1e-6

The network outputs m and s for every target, in standardized units.

References:
    Nix & Weigend 1994 (ICNN, 55-60); the softplus is that of Lakshminarayanan et al. 2017, arXiv:1612.01474.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from dropout_cli.core.types import Array
from dropout_cli.nn import losses
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.objectives.base import OBJECTIVES, Objective


@OBJECTIVES.register("gaussian_nll")
@dataclass(frozen=True, kw_only=True)
class GaussianNll(Objective):
    """The negative log-likelihood of a predicted mean and variance of each target."""

    task: ClassVar[Literal["classification", "regression"]] = "regression"
    outputs_per_target: ClassVar[int] = 2

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
        loss, doutputs = losses.gaussian_loss(network.forward(x, train=True, noise=noise), labels, weights)
        network.gradients(doutputs)
        return loss
