"""Softmax cross-entropy with label smoothing, confidence penalty and class weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from annotated_types import MinLen

from dropout_cli.core.errors import InvalidField
from dropout_cli.core.field_types import FractionOrZero, NonNegative
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
    """Share of each target that is distributed evenly over all classes."""
    confidence_penalty: NonNegative = 0.0
    """Factor of the prediction's entropy, which is subtracted from the loss."""
    class_weights: Literal["balanced"] | Annotated[tuple[NonNegative, ...], MinLen(2)] | None = None
    """Factor of the loss of an example, for each class in class order; balanced: training examples / (classes *
    training examples of the class), so that rare classes count as much as frequent ones."""

    def compute_gradients(
        self,
        network: Layer,
        x: Array,
        labels: Array,
        noise: NoiseSource,
        targets: Array | None = None,
        weights: Array | None = None,
    ) -> float:
        """Run one noisy pass."""
        logits = network.forward(x, train=True, noise=noise)
        loss, dlogits = losses.cross_entropy(
            logits,
            labels,
            label_smoothing=self.label_smoothing,
            confidence_penalty=self.confidence_penalty,
            weights=self._with_weights_of_classes(labels, weights),
        )
        network.gradients(dlogits)
        return loss

    def _with_weights_of_classes(self, labels: Array, weights: Array | None) -> Array | None:
        """Return the factor of each example's loss: its weight times that of its class."""
        if not isinstance(self.class_weights, tuple):
            return weights
        by_class = np.asarray(self.class_weights)[labels]
        return by_class if weights is None else by_class * weights

    def with_class_weights(self, labels: Array, classes: Sequence[str], weights: Array | None = None) -> "CrossEntropy":
        """Replace `balanced` by the weights computed from training labels.

        Args:
            labels: (N,) class ids of the training part.
            classes: Class names, in the order of the ids.
            weights: (N,) weights of the training examples, with mean 1: an example counts as often as its weight says.
                None: all are 1.

        Raises:
            InvalidField: the number of weights is not that of the classes.
        """
        if self.class_weights == "balanced":
            counts = np.bincount(labels, weights, minlength=len(classes))
            # Classes without training examples do not count, nor do they divide by 0.
            balanced = len(labels) / (np.count_nonzero(counts) * np.where(counts > 0, counts, 1))
            return replace(self, class_weights=tuple(balanced.tolist()))
        if self.class_weights is not None and len(self.class_weights) != len(classes):
            names = ", ".join(classes[:10]) + (", ..." if len(classes) > 10 else "")
            fact = f"{counted(len(self.class_weights), 'number')} for {counted(len(classes), 'class')} ({names})"
            raise InvalidField("class_weights", fact, "Give one for each class")
        return self
