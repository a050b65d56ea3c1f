"""Intervals of a mean accuracy that stay inside [0, 1] and never have zero width.

The Wilson form with an effective number of examples Neff:

    centre (p + z^2 / 2 Neff) / (1 + z^2 / Neff)
    half   z / (1 + z^2 / Neff) sqrt(p (1 - p) / Neff + z^2 / 4 Neff^2)
"""

import math
from collections.abc import Sequence

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.statistics.estimate import Estimate, over_units
from dropout_cli.statistics.intervals import CONFIDENCE, Interval


def wilson_form(p: float, effective: float, z: float) -> Interval:
    """Return the interval of a share `p` that is as certain as `effective` independent examples, z being a quantile."""
    shrink = 1 + z**2 / effective
    centre = (p + z**2 / (2 * effective)) / shrink
    half = z / shrink * math.sqrt(p * (1 - p) / effective + z**2 / (4 * effective**2))
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def around(estimate: Estimate, judged: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of a mean share that an estimate gives, in Wilson's form.

    Args:
        estimate: Of the mean share, with its standard error, which is above 0, and its degrees of freedom.
        judged: How many examples were judged in all, by all runs together.
        confidence: Of the interval.
    """
    from scipy import stats

    shrunk = (judged * estimate.mean + 0.5) / (judged + 1)
    if not estimate.se > 0:  # shares of examples never are this sure
        return wilson_form(estimate.mean, judged, float(stats.norm.ppf((1 + confidence) / 2)))
    effective = shrunk * (1 - shrunk) / estimate.se**2
    return wilson_form(estimate.mean, effective, float(stats.t.ppf((1 + confidence) / 2, estimate.df)))


def of_these_examples(accuracies: Sequence[float], examples: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of the mean accuracy that new seeds would have on these test examples.

    Args:
        accuracies: (n,) of n runs, at least two.
        examples: Test examples per run.
        confidence: Of the interval.
    """
    if len(accuracies) < 2:
        return Interval(math.nan, math.nan)
    found = over_units(accuracies, smallest_sd=0.5 / examples)
    return around(found, len(accuracies) * examples, confidence=confidence)


def of_new_examples(right: Array, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of the mean accuracy that new seeds would have on new examples of this kind.

    Args:
        right: (seeds, N) whether each run has each test example right; at least two seeds. The ends are NaN for a
            single example.
        confidence: Of the interval.
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
    variance = max(of_seeds + of_examples - residual, of_seeds, of_examples) / (n * examples)
    if variance == 0:
        return wilson_form(p, examples, float(stats.t.ppf((1 + confidence) / 2, examples - 1)))
    terms = of_seeds**2 / (n - 1) + of_examples**2 / (examples - 1) + residual**2 / ((n - 1) * (examples - 1))
    df = (variance * n * examples) ** 2 / terms
    effective = min(float(examples), p * (1 - p) / variance) if 0 < p < 1 else float(examples)
    return wilson_form(p, effective, float(stats.t.ppf((1 + confidence) / 2, df)))
