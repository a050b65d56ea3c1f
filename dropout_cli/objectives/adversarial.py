"""Adversarial training: examples moved in the direction that raises their loss most are learned, too.

    L = CE(x) + alpha CE(x + r),   r = epsilon g / ||g||_2 for each example,   g = dCE/dx

r is a constant for the gradient. With `norm: linf`, r = epsilon sign(g), the fast gradient sign method. Both passes
draw the same noise, so g is the gradient of the network that r is added to. Perturbed inputs are not clipped. A step
costs about two of `cross_entropy`.

With batch normalization, each pass uses the statistics of its own batch, g includes the effect of an example on them,
and the running averages are those of the unperturbed pass.

References:
    Goodfellow, Shlens, Szegedy 2015, arXiv:1412.6572, with sign(g); the L2 form is that of Miyato et al. 2018,
    arXiv:1704.03976.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from dropout_cli.core.field_types import NonNegative, Positive
from dropout_cli.core.types import Array
from dropout_cli.nn import losses
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.objectives.base import OBJECTIVES, Objective
from dropout_cli.objectives.further_passes import add_gradients, scale_rows, unchanged_state


@OBJECTIVES.register("adversarial")
@dataclass(frozen=True, kw_only=True)
class Adversarial(Objective):
    """Cross-entropy of each example, and of its adversarial perturbation."""

    epsilon: Positive = 1.5
    """Size of the perturbation, in units of the scaled inputs: its L2 norm, or its largest element with linf."""
    alpha: NonNegative = 1.0
    """Factor of the loss of the perturbed examples."""
    norm: Literal["l2", "linf"] = "l2"
    """The norm in which epsilon is measured."""

    def compute_gradients(
        self,
        network: Layer,
        x: Array,
        labels: Array,
        noise: NoiseSource,
        targets: Array | None = None,
        weights: Array | None = None,
    ) -> float:
        """Run one pass over the batch, and one with the same noise over the perturbed batch."""
        same_noise = None if noise is None else noise.replay()
        logits = network.forward(x, train=True, noise=noise)
        loss, dlogits = losses.cross_entropy(logits, labels, weights=weights)
        perturbed = x + self._perturbation(network.backward(dlogits))
        with unchanged_state(network):
            logits = network.forward(perturbed, train=True, noise=same_noise)
            perturbed_loss, dlogits = losses.cross_entropy(logits, labels, weights=weights)
            add_gradients(network, self.alpha * dlogits)
        return loss + self.alpha * perturbed_loss

    def _perturbation(self, g: Array) -> Array:
        """Return r, in the shape of x."""
        return self.epsilon * np.sign(g) if self.norm == "linf" else scale_rows(g, self.epsilon)
