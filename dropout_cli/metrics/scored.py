"""The inputs of metrics: predictions and true values, in float64."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from dropout_cli.core.types import Array

SMALLEST = float(np.finfo(np.float64).tiny)
"""2.2e-308 replaces a probability of 0 where logarithms are not given: a loss is then at most 708.4."""


class PerClass(NamedTuple):
    """A number per class, in their order; a ratio without examples to divide by is 0."""

    precision: list[float]
    recall: list[float]
    f1: list[float]
    support: list[int]


@dataclass(frozen=True)
class Classes:
    """Probabilities of classes, N >= 1 examples."""

    probabilities: Array
    """(N, C)."""
    logarithms: Array | None
    """(N, C): ln of the probabilities, more exact for those near 0 and 1; None where only the probabilities are known.

    Float32 probabilities are 0 for whatever is less likely than e^-104, and 1 for what is likelier than 1 - 3e-8.
    """
    labels: Array
    """(N,): class ids."""
    classes: Sequence[str]

    @classmethod
    def of(cls, probs: Array, labels: Array, classes: Sequence[str], log_probs: Array | None = None) -> "Classes":
        """Take probabilities, and logarithms where they are known. Raises ValueError if the shapes do not fit."""
        if len(labels) == 0 or any(
            one.shape != (len(labels), len(classes)) for one in (probs, log_probs) if one is not None
        ):
            raise ValueError(f"probs {probs.shape} do not fit {len(labels)} labels and {len(classes)} classes")
        # Float32 sums over 10,000 examples lose digits that a summary prints.
        wide = None if log_probs is None else np.asarray(log_probs, np.float64)
        return cls(np.asarray(probs, np.float64), wide, labels, classes)

    @cached_property
    def predicted(self) -> Array:
        """(N,): the likeliest class."""
        return np.asarray((self.probabilities if self.logarithms is None else self.logarithms).argmax(axis=1))

    @cached_property
    def losses(self) -> Array:
        """(N,): -ln of the true class's probability; scikit-learn's log_loss clips it, and hides the worst."""
        place = np.arange(len(self.labels)), self.labels
        if self.logarithms is not None:
            return np.asarray(np.abs(self.logarithms[place]))  # no -0.0 for an example that is sure and right
        return np.asarray(np.log(1 / np.maximum(self.probabilities[place], SMALLEST)))

    @cached_property
    def evidence(self) -> Array:
        """(N, C): the log-odds by which each class ranks the examples; they do not saturate as probabilities do."""
        if self.logarithms is None:
            return self.probabilities
        return log_odds(self.logarithms)

    @cached_property
    def per_class(self) -> PerClass:
        """Precision, recall, F1 and support."""
        from sklearn.metrics import precision_recall_fscore_support

        ids = np.arange(len(self.classes))
        found: Any = precision_recall_fscore_support(self.labels, self.predicted, labels=ids, zero_division=0)
        return PerClass(*(column.tolist() for column in found))


def log_odds(log_probs: Array) -> Array:
    """Return ln p_c - ln sum of the others' p, (N, C), from ln p."""
    found = np.empty_like(log_probs)
    for c in range(log_probs.shape[1]):
        others = np.delete(log_probs, c, axis=1)
        found[:, c] = log_probs[:, c] - np.logaddexp.reduce(others, axis=1) if others.shape[1] else 0.0
    return found


@dataclass(frozen=True)
class Quantities:
    """Predicted numbers, N >= 1 examples of T targets, in the targets' own units."""

    mean: Array
    """(N, T)."""
    sd: Array | None
    """(N, T): the standard deviation; None where none is predicted."""
    true: Array
    """(N, T)."""

    @classmethod
    def of(cls, mean: Array, sd: Array | None, true: Array) -> "Quantities":
        """Take numbers of any type as float64."""
        wide = None if sd is None else np.asarray(sd, np.float64)
        return cls(np.asarray(mean, np.float64), wide, np.asarray(true, np.float64))
