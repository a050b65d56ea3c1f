"""Inputs of the metrics: predictions and true values, in float64."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from dropout_cli.core.types import Array

MIN_PROBABILITY = float(np.finfo(np.float64).tiny)  # 2.2e-308 in place of a probability of 0: a loss is at most 708.4


class PerClass(NamedTuple):
    """Numbers per class, in class order; a ratio without examples in its denominator is 0."""

    precision: list[float]
    recall: list[float]
    f1: list[float]
    support: list[int]


@dataclass(frozen=True)
class ClassPredictions:
    """Probabilities of classes for N >= 1 examples, with the true classes."""

    probabilities: Array
    """(N, C)."""
    log_probabilities: Array | None
    """(N, C): ln of the probabilities, more exact near 0 and 1; None if only the probabilities are known.

    Float32 probabilities are 0 for classes less likely than e^-104, and 1 for those likelier than 1 - 3e-8.
    """
    labels: Array
    """(N,): class ids."""
    classes: Sequence[str]
    """Class names."""

    @classmethod
    def of(
        cls, probs: Array, labels: Array, classes: Sequence[str], log_probs: Array | None = None
    ) -> "ClassPredictions":
        """Check the shapes and convert to float64.

        Args:
            probs: (N, C) probabilities.
            labels: (N,) class ids.
            classes: C class names.
            log_probs: (N, C) logarithms of `probs`, if known.

        Raises:
            ValueError: the shapes do not fit.
        """
        if len(labels) == 0 or any(
            array.shape != (len(labels), len(classes)) for array in (probs, log_probs) if array is not None
        ):
            shapes = f"probs {probs.shape}" + ("" if log_probs is None else f" and log_probs {log_probs.shape}")
            fact = f"{shapes} must have the shape {(len(labels), len(classes))}"
            raise ValueError(f"{fact}: a row per label (at least one) and a column per class.")
        # Float32 sums over 10,000 examples lose digits that a summary prints.
        wide = None if log_probs is None else np.asarray(log_probs, np.float64)
        return cls(np.asarray(probs, np.float64), wide, labels, classes)

    @cached_property
    def predicted(self) -> Array:
        """(N,): the likeliest class."""
        return np.asarray(
            (self.probabilities if self.log_probabilities is None else self.log_probabilities).argmax(axis=1)
        )

    @cached_property
    def losses(self) -> Array:
        """(N,): -ln of the true class's probability."""
        # Not scikit-learn's log_loss, which clips probabilities and so hides the worst examples.
        place = np.arange(len(self.labels)), self.labels
        if self.log_probabilities is not None:
            return np.asarray(np.abs(self.log_probabilities[place]))  # abs turns -0.0 into 0.0
        return np.asarray(np.log(1 / np.maximum(self.probabilities[place], MIN_PROBABILITY)))

    @cached_property
    def ranking_scores(self) -> Array:
        """(N, C): the log-odds by which each class ranks the examples, or the probabilities."""
        if self.log_probabilities is None:
            return self.probabilities
        return log_odds(self.log_probabilities)  # they rank examples whose probabilities round to 0 or 1

    @cached_property
    def per_class(self) -> PerClass:
        """Precision, recall, F1 and support of each class."""
        from sklearn.metrics import precision_recall_fscore_support

        ids = np.arange(len(self.classes))
        columns: Any = precision_recall_fscore_support(self.labels, self.predicted, labels=ids, zero_division=0)
        return PerClass(*(column.tolist() for column in columns))


def log_odds(log_probs: Array) -> Array:
    """Return ln p_c - ln(sum of the other p), (N, C).

    Args:
        log_probs: (N, C) ln p.
    """
    odds = np.empty_like(log_probs)
    for c in range(log_probs.shape[1]):
        # The others are summed, since 1 - p_c would be 0 for a p_c that rounds to 1.
        others = np.delete(log_probs, c, axis=1)
        odds[:, c] = log_probs[:, c] - np.logaddexp.reduce(others, axis=1) if others.shape[1] else 0.0
    return odds


@dataclass(frozen=True)
class TargetPredictions:
    """Predicted and true numbers of N >= 1 examples and T targets, in the targets' units."""

    mean: Array
    """(N, T)."""
    sd: Array | None
    """(N, T): the standard deviation; None if none is predicted."""
    true: Array
    """(N, T)."""

    @classmethod
    def of(cls, mean: Array, sd: Array | None, true: Array) -> "TargetPredictions":
        """Convert to float64.

        Args:
            mean: (N, T) predicted values.
            sd: (N, T) predicted standard deviations, or None.
            true: (N, T) true values.
        """
        wide = None if sd is None else np.asarray(sd, np.float64)
        return cls(np.asarray(mean, np.float64), wide, np.asarray(true, np.float64))
