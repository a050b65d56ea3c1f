"""Scores of the average of k networks, over random subsets of K networks.

The networks have no order, so the first k of them are one subset among many. All subsets come from the same K
networks: their spread is less than that of new networks, and it is 0 for k = K.
"""

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np

from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array
from dropout_cli.metrics.predictions import MIN_PROBABILITY

SIZES = (1, 2, 3, 5, 7, 10, 14)
"""Sizes of subsets within a decade; the sizes of the next decades are 20, 30, 50, 70, 100, 140, ..."""
BLOCK = 1 << 22
"""The most numbers in the averages of a block of examples."""


def subset_sizes(count: int) -> list[int]:
    """Return sizes of subsets from 1 to `count`, about evenly spaced on a logarithmic axis.

    Args:
        count: Number of networks, at least 1.
    """
    found = {*SIZES, *(size * 10**power for power in range(1, 7) for size in (2, 3, 5, 7, 10, 14)), count}
    return sorted(size for size in found if size <= count)


def choose_subsets(count: int, size: int, most: int, rng: Generator) -> Array:
    """Return different random subsets; all of them if there are at most `most`.

    Args:
        count: Number of networks.
        size: Networks in a subset.
        most: The most subsets.
        rng: The generator.

    Returns:
        (subsets, count) of bool, True for the networks of a subset.
    """
    if math.comb(count, size) <= most:
        found = list(combinations(range(count), size))
    else:
        chosen: dict[tuple[int, ...], None] = {}
        while len(chosen) < most:
            chosen[tuple(sorted(rng.permutation(count)[:size].tolist()))] = None
        found = list(chosen)
    masks = np.zeros((len(found), count), bool)
    masks[np.arange(len(found))[:, None], np.array(found)] = True
    return masks


def score_class_subsets(probs: Array, labels: Array, subsets: Array) -> dict[str, Array]:
    """Return error rate and cross-entropy of the arithmetic mean of each subset.

    Args:
        probs: (K, N, C) probabilities of each network.
        labels: (N,) true class ids.
        subsets: (M, K) of bool.

    Returns:
        `error` and `nll`, (M,) each.
    """

    def sums(means: Array, rows: slice) -> Array:
        at_label = means[:, np.arange(means.shape[1]), labels[rows]]
        wrong = (means.argmax(axis=2) != labels[rows]).sum(axis=1)
        return np.stack([wrong, -np.log(np.maximum(at_label, MIN_PROBABILITY)).sum(axis=1)], axis=1)

    error, nll = (_sums_over_examples(probs, subsets, sums) / len(labels)).T
    return {"error": error, "nll": nll}


def score_number_subsets(means: Array, true: Array, subsets: Array) -> dict[str, Array]:
    """Return the root mean squared error of the average of each subset, a mean over targets.

    Args:
        means: (K, N, T) predicted numbers of each network.
        true: (N, T) true values.
        subsets: (M, K) of bool.

    Returns:
        `rmse`, (M,).
    """
    squares = _sums_over_examples(means, subsets, lambda each, rows: ((each - true[rows]) ** 2).sum(axis=1))
    return {"rmse": np.sqrt(squares / len(true)).mean(axis=1)}


def _sums_over_examples(networks: Array, subsets: Array, sums: Callable[[Array, slice], Array]) -> Array:
    """Return the sums of scores over all examples, (M, scores).

    Args:
        networks: (K, N, D) predictions.
        subsets: (M, K) of bool.
        sums: Turns the averages (M, n, D) of a block of examples into sums over them, (M, scores).
    """
    count, examples, numbers = networks.shape
    weights = subsets / subsets.sum(axis=1, keepdims=True)
    step = max(1, BLOCK // (len(subsets) * numbers))
    total = np.zeros(1)
    for start in range(0, examples, step):
        rows = slice(start, min(start + step, examples))
        block = networks[:, rows].reshape(count, -1)
        total = total + sums((weights @ block).reshape(len(subsets), -1, numbers), rows)
    return total
