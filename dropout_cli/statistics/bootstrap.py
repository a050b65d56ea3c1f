"""Two single regressions on the same examples: the paired bootstrap of the difference of their errors.

Examples are drawn with replacement, both runs' losses together, and the difference D* of the two errors is computed
anew. Percentiles of D* are too narrow for few examples, by (n - 1) / n in the variance and by normal for t quantiles.
The expanded percentile interval makes up for both (Hesterberg 2015, doi:10.1080/00031305.2015.1089789): its ends leave

    tail = Phi(-sqrt(n / (n - 1)) t(.975, n - 1))

of the D* outside on either side. p is the level at which the tail is the share of the D* on the other side of 0.

Coverage of 95 % intervals of the difference of RMSE, beside that of plain percentiles and of BCa. Each is the range
over three cases of 2,000 simulated pairs of runs (standard error .005): errors that correlate by .8, equally large and
1.15 times as large, and errors that do not correlate. The size of the test is 1 minus the coverage at equal errors.

    errors     n 20       n 50       n 200      percentiles, n 20   BCa, n 20
    normal     .93-.94    .94-.95    .93-.94    .91-.92             .89-.90
    Laplace    .92-.93    .93-.94    .95        .89-.90             .86
    t, df 5    .93-.94    .94-.95    .94-.95    .90-.91             .85-.88
    t, df 3    .91-.93    .92-.94    .92-.93    .89-.90             .82-.87

Of MAE it covers .93-.96. Of 5 to 10 examples, intervals of RMSE cover .90-.94.
"""

import math
from typing import NamedTuple

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.differences import ROUNDING
from dropout_cli.statistics.intervals import CONFIDENCE, Interval

RESAMPLES = 9_999
FEWEST_EXAMPLES = 5
"""Of four, the ends would be the very least and greatest of the resamples."""
BATCH = 2_000_000
"""Losses that are drawn at a time."""


class ErrorDifference(NamedTuple):
    """The errors of two runs, and the first minus the second."""

    first: float
    second: float
    difference: float
    interval: Interval
    """95 % interval of the difference for new examples, the two networks being these."""
    p: float
    """Two-sided; below .05 exactly where the interval excludes 0."""


def paired_bootstrap(first: Array, second: Array, *, root: bool = True) -> ErrorDifference:
    """Compare two runs by their losses for the same examples.

    Args:
        first: (n,) or (n, targets) losses of the first run, at least 0; several targets' errors are averaged.
        second: The same of the second run.
        root: Whether an error is the square root of a mean loss, as RMSE is of squared errors; else the mean loss.

    Raises:
        ValueError: the shapes differ, or there are fewer than `FEWEST_EXAMPLES`.
    """
    from scipy import special, stats

    if first.shape != second.shape:
        raise ValueError(f"losses {first.shape} do not pair with {second.shape}")
    n = len(first)
    if n < FEWEST_EXAMPLES:
        raise ValueError(f"needs {FEWEST_EXAMPLES} examples, got {n}")
    every = np.arange(n)
    one, other = (np.asarray(loss, np.float64).reshape(n, -1).T for loss in (first, second))  # (targets, n)

    def error(losses: Array, drawn: Array, axis: int) -> Array:
        means = losses[:, drawn].mean(axis=axis)
        return np.asarray((np.sqrt(means) if root else means).mean(axis=0))

    def first_minus_second(drawn: Array, axis: int) -> Array:
        first_error, second_error = error(one, drawn, axis), error(other, drawn, axis)
        gap = first_error - second_error
        return np.where(np.abs(gap) > ROUNDING * (first_error + second_error), gap, 0.0)

    made = stats.bootstrap(
        (every,),
        first_minus_second,
        n_resamples=RESAMPLES,
        batch=max(1, BATCH // one.size),
        vectorized=True,
        method="percentile",
        rng=stream(0, "statistics:bootstrap"),
    )
    drawn = np.sort(made.bootstrap_distribution)
    stretch = math.sqrt(n / (n - 1))
    tail = float(special.ndtr(-stretch * stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)))
    place = math.ceil(tail * (RESAMPLES + 1)) - 1  # so many D* may lie on the other side of 0, less one, for p < .05
    share = (1 + min(int(np.sum(drawn <= 0)), int(np.sum(drawn >= 0)))) / (RESAMPLES + 1)
    p = 2 * float(stats.t.sf(-special.ndtri(min(share, 0.5)) / stretch, n - 1))
    return ErrorDifference(
        float(error(one, every, -1)),
        float(error(other, every, -1)),
        float(first_minus_second(every, -1)),
        Interval(float(drawn[place - 1]), float(drawn[-place])),
        min(1.0, p),
    )
