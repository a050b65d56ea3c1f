"""Split conformal prediction: intervals and sets with a given probability of the truth.

A score says how badly a prediction fits the truth. It is computed for n held-out examples, and the threshold q is their
k-th smallest score, k = ceil((n + 1) coverage). If a new example and the held-out ones are exchangeable, its score is
at most q with probability k / (n + 1) (without ties), whatever the network. With k > n no finite threshold gives that
coverage. Scores:

    regression       |y - m| / s; the interval is m - q s to m + q s
    classification   1 - p_y; the set has the classes with 1 - p_c <= q, and may be empty

Vovk, Gammerman & Shafer 2005, doi:10.1007/b106715; Angelopoulos & Bates 2023, arXiv:2107.07511.
"""

import math
from collections.abc import Sequence

import numpy as np

from dropout_cli.core.types import Array

ROUNDING = 1e-9
"""Subtracted before rounding up: 20 * .95 is 19.000000000000004 in other orders of the factors."""


def conformal_threshold(scores: Array, coverage: float) -> float:
    """Return the threshold q; infinity if there are too few scores.

    Args:
        scores: (n,) scores of held-out examples; NaN counts as infinite.
        coverage: Probability that the true value is covered, above 0 and below 1.
    """
    k = max(1, math.ceil((len(scores) + 1) * coverage - ROUNDING))
    if k > len(scores):
        return math.inf
    chosen = float(np.sort(scores)[k - 1])  # NaN is sorted last
    return math.inf if math.isnan(chosen) else chosen


def min_conformal_examples(coverage: float) -> int:
    """Return the smallest number of held-out examples with a finite threshold.

    Args:
        coverage: Probability that the true value is covered, above 0 and below 1.
    """
    # k <= n: (n + 1) coverage <= n.
    return max(1, math.ceil(coverage / (1 - coverage) - ROUNDING))


def conformal_intervals(mean: Array, sd: Array, threshold: float) -> tuple[Array, Array]:
    """Return lower and upper ends, shaped as the arguments.

    Args:
        mean: Predicted means.
        sd: Predicted standard deviations, at least 0.
        threshold: The threshold of the scores |y - m| / s.
    """
    half = threshold * sd if math.isfinite(threshold) else np.full_like(mean, math.inf)  # 0 * inf would be NaN
    return np.asarray(mean - half), np.asarray(mean + half)


def conformal_class_scores(log_probabilities: Array) -> Array:
    """Return the conformal scores of all classes, -ln p.

    They give the same sets as the scores 1 - p, but keep all digits for p near 0 and 1. A threshold for them must be
    computed from such scores, too.

    Args:
        log_probabilities: (N, C) ln p.

    Returns:
        (N, C) scores in float32, at least 0.
    """
    return np.abs(log_probabilities).astype(np.float32)  # abs turns -0.0 into 0.0


def conformal_sets(scores: Array, threshold: float, classes: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the set of classes of each example, the likeliest class first.

    Args:
        scores: (N, C) scores of all classes.
        threshold: The threshold of the scores of the true classes.
        classes: C names.
    """
    order = np.argsort(scores, axis=1, kind="stable")
    sizes = (scores <= threshold).sum(axis=1)
    return [
        tuple(classes[place] for place in places[:size])
        for places, size in zip(order.tolist(), sizes.tolist(), strict=True)
    ]
