"""Bins of confidence, by which examples with similar probabilities are averaged.

Bins of equal width are open on the left and closed on the right: (0, 1/15], (1/15, 2/15], ... Bins of equal mass have
about as many examples each. Examples with equal confidence are always in one bin, because their order would otherwise
decide the result.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array

BINS = 15
MIN_EXAMPLES = 2  # of a bin of equal mass; the variance within a bin needs two


@dataclass(frozen=True)
class ConfidenceBins:
    """The bins that have examples, by rising confidence."""

    examples: Array
    """(B,): number of examples."""
    confidence: Array
    """(B,): mean confidence."""
    accuracy: Array
    """(B,): share of examples that are right."""

    @property
    def shares(self) -> Array:
        """(B,): share of all examples."""
        return np.asarray(self.examples / self.examples.sum())

    @property
    def gaps(self) -> Array:
        """(B,): accuracy minus confidence."""
        return np.asarray(self.accuracy - self.confidence)


def equal_width_bins(confidence: Array, count: int = BINS) -> Array:
    """Return the bin of each example, (N,), from 0 to `count` - 1.

    Args:
        confidence: (N,) probabilities.
        count: Number of bins.
    """
    inner_edges = np.arange(1, count) / count
    return np.asarray(np.searchsorted(inner_edges, confidence, side="left"))  # left: a bin includes its upper edge


def equal_mass_bins(confidence: Array, count: int = BINS) -> Array:
    """Return the bin of each example, (N,), numbered from 0 by rising confidence.

    Examples with equal confidence are in the bin that their middle one falls into. Fewer than `count` bins are left if
    there are large groups of equal confidence, or fewer than two examples for each bin.

    Args:
        confidence: (N,) probabilities.
        count: Number of bins wanted.
    """
    n = len(confidence)
    count = max(1, min(count, n // MIN_EXAMPLES))
    _, group, sizes = np.unique(confidence, return_inverse=True, return_counts=True)
    middles = np.cumsum(sizes) - sizes + (sizes - 1) // 2  # places among the sorted examples
    starts = np.cumsum([0, *(len(part) for part in np.array_split(np.empty(n), count)[:-1])])
    bins = np.searchsorted(starts, middles, side="right") - 1
    return np.asarray(_join_small(bins, sizes)[group])


def _join_small(bins: Array, sizes: Array) -> Array:
    """Number the bins from 0 without gaps; a bin with one example is joined to its neighbor.

    Args:
        bins: (groups,) bin of each group of examples, rising.
        sizes: (groups,) number of examples.
    """
    _, place = np.unique(bins, return_inverse=True)
    number, filled = -1, MIN_EXAMPLES
    numbers = []
    for examples in np.bincount(place, weights=sizes):
        if min(filled, examples) < MIN_EXAMPLES and number >= 0:
            filled += examples
        else:
            number, filled = number + 1, examples
        numbers.append(number)
    return np.asarray(np.array(numbers)[place])


def bin_means(confidence: Array, right: Array, bins: Array) -> ConfidenceBins:
    """Average confidence and accuracy in each bin that has examples.

    Args:
        confidence: (N,) probabilities.
        right: (N,) bool: True for examples that are right.
        bins: (N,) the bin of each example.
    """
    examples = np.bincount(bins)
    used = examples > 0
    sums = [np.bincount(bins, weights=values)[used] for values in (confidence, right)]
    return ConfidenceBins(examples[used], *(total / examples[used] for total in sums))
