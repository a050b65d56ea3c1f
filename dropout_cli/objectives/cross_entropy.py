"""Softmax cross-entropy, with label smoothing and the confidence penalty as options (nn.losses)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from annotated_types import MinLen

from dropout_cli.core.errors import InvalidField
from dropout_cli.core.fields import FractionOrZero, NonNegative
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.nn import losses
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.objectives.base import OBJECTIVES, Objective


@OBJECTIVES.register("cross_entropy")
@dataclass(frozen=True, kw_only=True)
class CrossEntropy(Objective):
    """The mean over the batch of -ln p(label)."""

    label_smoothing: FractionOrZero = 0.0
    """The share of each target that is spread evenly over all classes."""
    confidence_penalty: NonNegative = 0.0
    """Times the entropy of the prediction, subtracted from the loss."""
    class_weights: Literal["balanced"] | Annotated[tuple[NonNegative, ...], MinLen(2)] | None = None
    """What the loss of an example is multiplied by, for each class in the order of the classes; balanced: training
    examples / (classes * training examples of the class), so that rare classes count as much as common ones."""

    def learn(self, network: Layer, x: Array, labels: Array, noise: NoiseSource, targets: Array | None = None) -> float:
        """One noisy pass."""
        logits = network.forward(x, train=True, noise=noise)
        loss, dlogits = losses.cross_entropy(
            logits,
            labels,
            label_smoothing=self.label_smoothing,
            confidence_penalty=self.confidence_penalty,
            class_weights=self.class_weights if isinstance(self.class_weights, tuple) else None,
        )
        network.gradients(dlogits)
        return loss

    def weighed(self, labels: Array, classes: Sequence[str]) -> "CrossEntropy":
        """With the weights that `balanced` means for these training labels. Raises InvalidField for a wrong number."""
        if self.class_weights == "balanced":
            counts = np.bincount(labels, minlength=len(classes))
            balanced = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
            return replace(self, class_weights=tuple(balanced.tolist()))
        if self.class_weights is not None and len(self.class_weights) != len(classes):
            names = ", ".join(classes[:10]) + (", ..." if len(classes) > 10 else "")
            fact = f"{counted(len(self.class_weights), 'number')} for {counted(len(classes), 'class')} ({names})"
            raise InvalidField("class_weights", fact, "Give one for each class")
        return self
