"""Softmax cross-entropy, with label smoothing and the confidence penalty as options (nn.losses)."""

from dataclasses import dataclass

from dropout_cli.arrays import Array
from dropout_cli.fields import FractionOrZero, NonNegative
from dropout_cli.nn import losses
from dropout_cli.nn.layer import Layer, NoiseSource
from dropout_cli.objectives.objective import OBJECTIVES, Objective


@OBJECTIVES.register("cross_entropy")
@dataclass(frozen=True, kw_only=True)
class CrossEntropy(Objective):
    """The mean over the batch of -ln p(label)."""

    label_smoothing: FractionOrZero = 0.0
    """The share of each target that is spread evenly over all classes."""
    confidence_penalty: NonNegative = 0.0
    """Times the entropy of the prediction, subtracted from the loss."""

    def learn(self, network: Layer, x: Array, labels: Array, noise: NoiseSource, targets: Array | None = None) -> float:
        """One noisy pass."""
        logits = network.forward(x, train=True, noise=noise)
        loss, dlogits = losses.cross_entropy(
            logits, labels, label_smoothing=self.label_smoothing, confidence_penalty=self.confidence_penalty
        )
        network.gradients(dlogits)
        return loss
