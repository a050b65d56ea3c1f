"""Multi-sample dropout: several noises before the logits, one noise everywhere else.

    L = mean of the losses of S noisy copies of the last features, not the loss of their mean logits

The features are computed once and repeated S times. They pass through the last noise and the last linear map together.
The layers below get the sum of the S gradients. Evaluation does not change.

References:
    Inoue 2019, arXiv:1905.09788, S = 8.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.field_types import Count
from dropout_cli.core.types import Array
from dropout_cli.nn import losses
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.objectives.base import OBJECTIVES, Objective, require_per_example_noise
from dropout_cli.variants.toolkit.base import Variant


@OBJECTIVES.register("multi_sample")
@dataclass(frozen=True, kw_only=True)
class MultiSample(Objective):
    """Several dropout masks before the logits in each step, for faster training."""

    samples: Count = 8
    """S, the number of draws of the noise before the logits."""

    needs_noise = "before the logits"

    def compute_gradients(
        self,
        network: Layer,
        x: Array,
        labels: Array,
        noise: NoiseSource,
        targets: Array | None = None,
        weights: Array | None = None,
    ) -> float:
        """Run one pass through the lower layers, and one with S times the rows above them.

        Raises:
            ValueError: the network has no dropout above its first layer.
        """
        parts = network.split_at_dropout()
        if parts is None:
            raise ValueError("multi_sample needs a network with dropout above its first layer")
        # Below the split all copies are equal: one pass gives their features, and the sum of their gradients goes back.
        trunk, head = parts
        features = trunk.forward(x, train=True, noise=noise)
        logits = head.forward(np.concatenate([features] * self.samples), train=True, noise=noise)
        repeated = None if weights is None else np.concatenate([weights] * self.samples)
        loss, dlogits = losses.cross_entropy(logits, np.concatenate([labels] * self.samples), weights=repeated)
        dfeatures = head.backward(dlogits)
        trunk.gradients(np.add.reduce(dfeatures.reshape(self.samples, *features.shape)))
        return loss

    def check(self, variant: Variant, *, other_noise: bool = False) -> None:
        """Raise ValueError unless each copy draws its own noise before the logits."""
        require_per_example_noise("multi_sample", variant)
        if not variant.noise_before_logits():
            raise ValueError(
                "multi_sample needs noise before the logits, but the variant draws none there. "
                "Use another variant or rate, such as inverted"
            )
