"""Intervals of a mean accuracy that stay inside [0, 1] and never have zero width.

They have Wilson's form with an effective number of examples Neff:

    center (p + z^2 / 2 Neff) / (1 + z^2 / Neff)
    half   z / (1 + z^2 / Neff) sqrt(p (1 - p) / Neff + z^2 / 4 Neff^2)
"""

import math
from collections.abc import Sequence

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.statistics.intervals import CONFIDENCE, Interval
from dropout_cli.statistics.t_test import Estimate, estimate_mean


def wilson_from_effective(p: float, effective: float, z: float) -> Interval:
    """Return the interval of a share that is as certain as a number of independent examples.

    Args:
        p: The share.
        effective: Effective number of independent examples.
        z: Quantile of the normal or t distribution.
    """
    shrink = 1 + z**2 / effective
    center = (p + z**2 / (2 * effective)) / shrink
    half = z / shrink * math.sqrt(p * (1 - p) / effective + z**2 / (4 * effective**2))
    return Interval(max(0.0, center - half), min(1.0, center + half))


def share_interval(estimate: Estimate, scored: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval in Wilson's form for an estimate of a mean share.

    Args:
        estimate: The mean share, with its standard error and degrees of freedom.
        scored: Number of scored examples, all runs together.
        confidence: Level of the interval.
    """
    from scipy import stats

    shrunk = (scored * estimate.mean + 0.5) / (scored + 1)  # away from 0 and 1, where p (1 - p) vanishes
    if not estimate.se > 0:  # equal accuracies of all runs do not make the share of a finite sample certain
        return wilson_from_effective(estimate.mean, scored, float(stats.norm.ppf((1 + confidence) / 2)))
    effective = shrunk * (1 - shrunk) / estimate.se**2
    return wilson_from_effective(estimate.mean, effective, float(stats.t.ppf((1 + confidence) / 2, estimate.df)))


def interval_same_examples(accuracies: Sequence[float], examples: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of the mean accuracy of new seeds on these test examples.

    Args:
        accuracies: (n,) one per run.
        examples: Number of test examples per run.
        confidence: Level of the interval.

    Returns:
        The interval; NaN with fewer than two runs.
    """
    if len(accuracies) < 2:
        return Interval(math.nan, math.nan)
    estimate = estimate_mean(accuracies, smallest_sd=0.5 / examples)
    return share_interval(estimate, len(accuracies) * examples, confidence=confidence)


def interval_new_examples(right: Array, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of the mean accuracy of new seeds on new examples of this kind.

    Args:
        right: (seeds, N) bool, True for the test examples that each run has right; at least two seeds.
        confidence: Level of the interval.

    Returns:
        The interval; NaN with a single example.
    """
    from scipy import stats

    values: Array = np.asarray(right, np.float64)
    n, examples = values.shape
    if examples < 2:
        return Interval(math.nan, math.nan)
    p = float(values.mean())
    of_seeds = examples * float(np.var(values.mean(axis=1), ddof=1))
    of_examples = n * float(np.var(values.mean(axis=0), ddof=1))
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0, keepdims=True) + p
    residual = float(np.sum(rest**2)) / ((n - 1) * (examples - 1))
    # Subtracting the residual may go below either part by chance, which the maximum prevents.
    variance = max(of_seeds + of_examples - residual, of_seeds, of_examples) / (n * examples)
    if variance == 0:
        return wilson_from_effective(p, examples, float(stats.t.ppf((1 + confidence) / 2, examples - 1)))
    terms = of_seeds**2 / (n - 1) + of_examples**2 / (examples - 1) + residual**2 / ((n - 1) * (examples - 1))
    df = (variance * n * examples) ** 2 / terms
    effective = min(float(examples), p * (1 - p) / variance) if 0 < p < 1 else float(examples)
    return wilson_from_effective(p, effective, float(stats.t.ppf((1 + confidence) / 2, df)))
