"""Scores of the mean of T noisy passes, for several T at once.

The passes are divided into disjoint blocks of T, and each block is scored. Only sums are kept: one block per T.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics.formulas import classification
from dropout_cli.metrics.mutual_information import corrected_mutual_information
from dropout_cli.metrics.predictions import ClassPredictions
from dropout_cli.nn import losses

MIN_BLOCKS = 5
"""The fewest disjoint blocks whose standard deviation is reported."""

OnePass = TypeVar("OnePass", contravariant=True)
AnyPass = TypeVar("AnyPass")


class PassBlock(Protocol[OnePass]):
    """Running sums of a block of passes."""

    def add(self, one: OnePass) -> None:
        """Add a pass."""

    def scores(self) -> Mapping[str, float]:
        """Return the scores of the mean of the passes."""


def round_counts(passes: int) -> tuple[int, ...]:
    """Return 1, 2, 5, 10, 20, 50, 100, 200, ... up to a number of passes, and the number.

    Args:
        passes: The largest number, at least 1.
    """
    found, decade = [1], 1
    while found[-1] < passes:
        found += [step * decade for step in (2, 5, 10)]
        decade *= 10
    return (*(count for count in found if count < passes), passes)


def score_blocks(
    passes: Iterable[AnyPass], sizes: Sequence[int], start: Callable[[int], PassBlock[AnyPass]]
) -> dict[int, list[Mapping[str, float]]]:
    """Return the scores of all disjoint blocks of each size, in their order.

    Passes that fill no block are left out.

    Args:
        passes: One pass after the other.
        sizes: Numbers of passes per block.
        start: Makes the empty sums of a block of a given size.
    """
    found: dict[int, list[Mapping[str, float]]] = {size: [] for size in sizes}
    blocks = {size: start(size) for size in sizes}
    for number, one in enumerate(passes, start=1):
        for size in sizes:
            blocks[size].add(one)
            if number % size == 0:
                found[size].append(blocks[size].scores())
                blocks[size] = start(size)
    return found


def block_spread(scores: Sequence[Mapping[str, float]], name: str) -> tuple[float, float | None]:
    """Return mean and sample standard deviation of a score over blocks.

    The standard deviation is None for fewer than `MIN_BLOCKS` blocks.

    Args:
        scores: The scores of each block.
        name: The score.
    """
    values = np.array([one[name] for one in scores], np.float64)
    return float(values.mean()), float(values.std(ddof=1)) if len(values) >= MIN_BLOCKS else None


class PassProbabilities:
    """One pass of a classifier, in float64."""

    def __init__(self, logits: Array, labels: Array) -> None:
        """Compute the probabilities.

        Args:
            logits: (N, C).
            labels: (N,) class ids.
        """
        log_probabilities = losses.log_softmax(logits.astype(np.float64))
        self.probabilities = np.exp(log_probabilities)
        self.log_of_label = log_probabilities[np.arange(len(labels)), labels]
        self.entropy = -np.einsum("nc,nc->n", self.probabilities, log_probabilities)


class ClassBlock:
    """Running sums of passes of a classifier, for the scores of their mean probabilities."""

    def __init__(self, labels: Array, classes: Sequence[str]) -> None:
        """Make empty sums.

        Args:
            labels: (N,) class ids.
            classes: Class names.
        """
        self._labels, self._classes, self._count = labels, classes, 0
        self._sum = np.zeros((len(labels), len(classes)))
        self._log_sum_of_label = np.full(len(labels), -np.inf)
        self._entropy_sum = np.zeros(len(labels))

    def add(self, one: PassProbabilities) -> None:
        """Add a pass."""
        self._count += 1
        self._sum += one.probabilities
        np.logaddexp(self._log_sum_of_label, one.log_of_label, out=self._log_sum_of_label)
        self._entropy_sum += one.entropy

    def scores(self) -> dict[str, float]:
        """Return error, NLL, Brier score, ECE and mean mutual information.

        The corrected mutual information of one pass is NaN.
        """
        mean = self._sum / self._count
        given = ClassPredictions(mean, None, self._labels, self._classes)
        found = {
            "error": classification.error(given),
            # The mean of probabilities that round to 0 has a finite logarithm only if it is summed as logarithms.
            "nll": float(np.mean(np.log(self._count) - self._log_sum_of_label)),
            "brier": classification.brier(given),
            "ece": classification.ece(given),
        }
        if self._count == 1:
            return found | {"mutual_information": 0.0, "mutual_information_corrected": np.nan}
        entropy = -np.einsum("nc,nc->n", mean, np.log(np.where(mean > 0, mean, 1.0)))
        plug_in = np.maximum(entropy - self._entropy_sum / self._count, 0.0)
        corrected = corrected_mutual_information(plug_in, entropy, self._count)
        return found | {
            "mutual_information": float(plug_in.mean()),
            "mutual_information_corrected": float(corrected.mean()),
        }
