"""R-Drop: two noisy passes over each batch are trained to agree.

    L = CE1 + CE2 + alpha / 2 (KL(p1 || p2) + KL(p2 || p1)), means over the batch

One pass is made over the batch stacked on itself, 2 B rows with noise of their own. All gradients flow through both
predictions. With alpha = 0, L is the sum of two cross-entropies, so loss and gradient are about twice those of
`cross_entropy`. Code that halves the cross-entropies has an alpha half of this one.

References:
    Wu et al. 2021, arXiv:2106.14448: alpha 5 for translation, 1 for language models, .6 for ViT.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.field_types import NonNegative
from dropout_cli.core.types import Array
from dropout_cli.nn import losses
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.objectives.base import OBJECTIVES, Objective, require_per_example_noise
from dropout_cli.variants.toolkit.base import Variant


@OBJECTIVES.register("rdrop")
@dataclass(frozen=True, kw_only=True)
class RDrop(Objective):
    """Predicts each example twice with noise, and penalizes errors and differences."""

    alpha: NonNegative = 1.0
    """Factor of half the sum of the two divergences between the predictions."""

    needs_noise = "anywhere"

    def compute_gradients(
        self,
        network: Layer,
        x: Array,
        labels: Array,
        noise: NoiseSource,
        targets: Array | None = None,
        weights: Array | None = None,
    ) -> float:
        """Run one pass over the stacked batch."""
        logits = network.forward(np.concatenate([x, x]), train=True, noise=noise)
        loss, dlogits = symmetric_loss(logits, labels, self.alpha, weights)
        network.gradients(dlogits)
        return loss

    def check(self, variant: Variant, *, other_noise: bool = False) -> None:
        """Raise ValueError if the two copies would have the same noise."""
        require_per_example_noise("rdrop", variant)
        if variant.is_silent() and not other_noise:
            raise ValueError(
                "rdrop compares two noisy passes, but there is no noise: they would be equal. "
                "Use a variant with a rate above 0, such as inverted"
            )


def symmetric_loss(logits: Array, labels: Array, alpha: float, weights: Array | None = None) -> tuple[float, Array]:
    """Return L and dL/dlogits of stacked logits.

    Args:
        logits: (2 B, C).
        labels: (B,) class ids.
        alpha: Factor of the divergences.
        weights: (B,) factors of the losses of the examples, both cross-entropies and divergences; None: all are 1.
    """
    n = len(labels)
    logp = losses.log_softmax(logits)
    p = np.exp(logp)
    ratio = logp[:n] - logp[n:]
    forth = (p[:n] * ratio).sum(axis=1, keepdims=True)  # KL(p1 || p2) of each example
    back = -(p[n:] * ratio).sum(axis=1, keepdims=True)
    rows, columns = np.arange(2 * n), np.concatenate([labels, labels])
    stacked = None if weights is None else np.concatenate([weights, weights])
    loss = -2 * losses.weighted_mean(logp[rows, columns], stacked)
    loss += alpha / 2 * losses.weighted_mean(forth + back, weights)
    dlogits = p.copy()
    dlogits[rows, columns] -= 1
    # The gradient of KL(p1 || p2) is p1 (ratio - KL) for z1 and p2 - p1 for z2; the other divergence mirrors it.
    dlogits[:n] += alpha / 2 * (p[:n] * (ratio - forth) + p[:n] - p[n:])
    dlogits[n:] += alpha / 2 * (p[n:] * (-ratio - back) + p[n:] - p[:n])
    dlogits /= n
    return loss, losses.weigh_rows(dlogits, stacked)
