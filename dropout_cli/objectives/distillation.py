"""Distillation: a student network learns the softened predictions of its teachers.

The teachers are finished runs.

    L = T^2 CE(mean over teachers of softmax(z_t / T), softmax(z_s / T)) + w CE(labels)

T is the temperature, z_t and z_s the logits of a teacher and of the student. Several teachers, or several Monte Carlo
passes of one, are averaged as probabilities, never as logits. Teachers and T are constants for the gradient; the
student predicts at T = 1. `hard_weight: 0` removes the labels from the loss.

References:
    Hinton, Vinyals, Dean 2015, arXiv:1503.02531. The smaller the student, the lower the best temperature.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import MinLen

from dropout_cli.core.field_types import CountOrZero, NonNegative, PathField, Positive
from dropout_cli.core.types import Array
from dropout_cli.nn import losses
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.objectives.base import OBJECTIVES, Objective

RunPath = Annotated[str, PathField()]


@OBJECTIVES.register("distillation")
@dataclass(frozen=True, kw_only=True)
class Distillation(Objective):
    """Training of a (smaller) network on the predictions of one or more finished runs."""

    teacher: RunPath | Annotated[tuple[RunPath, ...], MinLen(1)]
    """The folder of a completed run on the same data and split, or a list of such folders."""
    temperature: Positive = 4.0
    """The temperature T. A higher value gives more weight to the teacher's ranking of the wrong classes."""
    hard_weight: NonNegative = 0.1
    """w, the factor of the cross-entropy with the labels; 0: the teacher alone."""
    teacher_passes: CountOrZero = 0
    """Number of Monte Carlo passes of each teacher; 0: its dropout is off."""
    teacher_noise: Literal["dropout", "all"] = "dropout"
    """Noise of these passes: the teacher's dropout, or its input_noise and hidden_noise too."""
    fingerprint: str | None = None
    """SHA-256 over the teachers' weights; filled in when a run starts, checked when it is trained again."""

    @property
    def teachers(self) -> tuple[str, ...]:
        """The run folders of the teachers."""
        return self.teacher if isinstance(self.teacher, tuple) else (self.teacher,)

    def soften(self, logits: Iterable[Array]) -> Array:
        """Return the mean over teachers and passes of softmax(z / T), (N, classes).

        Args:
            logits: (N, classes) of each teacher and pass.
        """
        count, total = 0, np.zeros(1)
        for pass_logits in logits:
            count, total = count + 1, total + losses.softmax(pass_logits.astype(np.float64) / self.temperature)
        return np.asarray(total / count)

    def compute_gradients(
        self,
        network: Layer,
        x: Array,
        labels: Array,
        noise: NoiseSource,
        targets: Array | None = None,
        weights: Array | None = None,
    ) -> float:
        """Run one noisy pass.

        Raises:
            ValueError: there are no targets.
        """
        if targets is None:
            raise ValueError("distillation needs the teachers' targets")
        logits = network.forward(x, train=True, noise=noise)
        T = self.temperature
        logp = losses.log_softmax(logits / T)
        loss = -(T**2) * losses.weighted_mean((targets * logp).sum(axis=1), weights)
        # d/dz of T^2 CE is T (softmax(z / T) - target): T^2 keeps the gradient's size when T grows.
        dlogits = losses.weigh_rows((T / len(x)) * (np.exp(logp) - targets), weights)
        if self.hard_weight:
            hard, dhard = losses.cross_entropy(logits, labels, weights=weights)
            loss += self.hard_weight * hard
            dlogits += self.hard_weight * dhard
        network.gradients(dlogits)
        return loss
