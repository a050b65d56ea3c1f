"""Paired bootstrap of the difference of two regressions' errors on the same examples.

Examples are drawn with replacement, both runs' losses together, and the difference D* of the two errors is computed
for each resample. Percentiles of D* are too narrow for few examples: the variance is too small by (n - 1) / n, and
normal quantiles replace those of t. The expanded percentile interval corrects both (Hesterberg 2015,
doi:10.1080/00031305.2015.1089789). Its ends leave outside, on either side, the share

    tail = Phi(-sqrt(n / (n - 1)) t(.975, n - 1))

of the D*. p is the level at which the tail equals the share of the D* on the other side of 0.

Coverage of 95 % intervals of the difference of RMSE, compared with plain percentiles and BCa. Each entry is the range
over three cases of 2,000 simulated pairs of runs (standard error .005): errors that correlate by .8, equally large and
1.15 times as large, and errors that do not correlate. The size of the test is 1 minus the coverage at equal errors.

    errors     n 20       n 50       n 200      percentiles, n 20   BCa, n 20
    normal     .93-.94    .94-.95    .93-.94    .91-.92             .89-.90
    Laplace    .92-.93    .93-.94    .95        .89-.90             .86
    t, df 5    .93-.94    .94-.95    .94-.95    .90-.91             .85-.88
    t, df 3    .91-.93    .92-.94    .92-.93    .89-.90             .82-.87

Intervals of the difference of MAE cover .93-.96. With 5 to 10 examples, intervals of RMSE cover .90-.94.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.differences import ROUNDING
from dropout_cli.statistics.intervals import CONFIDENCE, Interval

RESAMPLES = 9_999
MIN_EXAMPLES = 5  # with four, the ends would be the least and the greatest of the resamples
LARGE_SAMPLE = 2_000
"""From so many losses on, `rmse_difference_interval` uses the normal interval: a bootstrap would take .3 s and more."""
BATCH_LOSSES = 2_000_000  # losses drawn at a time; bounds memory


class ErrorDifference(NamedTuple):
    """The errors of two runs and their difference."""

    first: float
    second: float
    difference: float
    """The first error minus the second."""
    interval: Interval
    """95 % interval of the difference on new examples, for these two networks."""
    p: float
    """Two-sided; below .05 exactly if the interval excludes 0."""


def paired_bootstrap(first: Array, second: Array, *, take_root: bool = True) -> ErrorDifference:
    """Compare two runs by their losses on the same examples.

    Args:
        first: (n,) or (n, targets) losses of the first run, at least 0; the errors of several targets are averaged.
        second: The losses of the second run, of the same shape.
        take_root: True if an error is the square root of a mean loss, as RMSE is of squared errors; else it is the mean
            loss.

    Raises:
        ValueError: the shapes differ, or there are fewer than `MIN_EXAMPLES`.
    """
    from scipy import special, stats

    if first.shape != second.shape:
        raise ValueError(f"losses {first.shape} cannot be paired with {second.shape}")
    n = len(first)
    if n < MIN_EXAMPLES:
        raise ValueError(f"needs {MIN_EXAMPLES} examples, got {n}")
    every = np.arange(n)  # positions are resampled, so that both runs get the same examples
    losses_1, losses_2 = (np.asarray(loss, np.float64).reshape(n, -1).T for loss in (first, second))  # (targets, n)

    def error(losses: Array, drawn: Array, axis: int) -> Array:
        means = losses[:, drawn].mean(axis=axis)
        return np.asarray((np.sqrt(means) if take_root else means).mean(axis=0))

    def first_minus_second(drawn: Array, axis: int) -> Array:
        first_error, second_error = error(losses_1, drawn, axis), error(losses_2, drawn, axis)
        gap = first_error - second_error
        # Errors are compared after averaging: ties stay exact, and two arrays are gathered per resample, not three.
        return np.where(np.abs(gap) > ROUNDING * (first_error + second_error), gap, 0.0)

    result = stats.bootstrap(
        (every,),
        first_minus_second,
        n_resamples=RESAMPLES,
        batch=max(1, BATCH_LOSSES // losses_1.size),
        vectorized=True,
        method="percentile",
        rng=stream(0, "statistics:bootstrap"),
    )
    drawn = np.sort(result.bootstrap_distribution)
    stretch = math.sqrt(n / (n - 1))
    tail = float(special.ndtr(-stretch * stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)))
    place = math.ceil(tail * (RESAMPLES + 1)) - 1  # p < .05 exactly if fewer D* are on the other side of 0
    share = (1 + min(int(np.sum(drawn <= 0)), int(np.sum(drawn >= 0)))) / (RESAMPLES + 1)
    p = 2 * float(stats.t.sf(-special.ndtri(min(share, 0.5)) / stretch, n - 1))
    return ErrorDifference(
        float(error(losses_1, every, -1)),
        float(error(losses_2, every, -1)),
        float(first_minus_second(every, -1)),
        Interval(float(drawn[place - 1]), float(drawn[-place])),
        min(1.0, p),
    )


def rmse_difference_interval(first: Array, second: Array) -> Interval:
    """Return the interval of the first run's RMSE minus the second's, on new examples.

    For many losses it is the normal interval of the linearized difference: with r_t the RMSE of target t, the example i
    contributes the mean over t of l_it / (2 r_t) of the first run, minus that of the second.

    Args:
        first: (n,) or (n, targets) squared errors of the first run, n at least `MIN_EXAMPLES`.
        second: The squared errors of the second run, of the same shape.

    Raises:
        ValueError: the shapes differ, or there are too few examples.
    """
    if first.size < LARGE_SAMPLE:
        return paired_bootstrap(first, second).interval
    losses = [np.asarray(loss, np.float64).reshape(len(loss), -1) for loss in (first, second)]
    roots = [np.sqrt(loss.mean(axis=0)) for loss in losses]
    parts = [
        (loss / (2 * np.where(root > 0, root, 1.0))).mean(axis=1) for loss, root in zip(losses, roots, strict=True)
    ]
    difference = float(roots[0].mean() - roots[1].mean())
    deviation = float(np.std(parts[0] - parts[1], ddof=1)) / math.sqrt(len(first))
    half = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * deviation
    return Interval(difference - half, difference + half)
