"""Estimates: a mean difference with its standard error and degrees of freedom.

Interval and p-value follow from these numbers, so that they never contradict each other.

Each layout of an experiment has its own standard error and degrees of freedom:

    interval   mean +- t(1 - alpha/2, df) se
    p          2 P(T > |mean| / se),  T ~ t(df)

    one split, n seeds       s / sqrt(n), df n - 1, the sd s floored for accuracies
    n splits, a seed each    s / sqrt(n), df n - 1
    S splits, seeds nested   as above, over the S means of the splits
    seeds x splits crossed   two-way mean squares, Satterthwaite's df
    new data                 s sqrt(1/n + n_test / n_train) (Nadeau & Bengio 2003, doi:10.1023/A:1024068626366)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.statistics.intervals import CONFIDENCE, Interval, mean_and_sd
from dropout_cli.statistics.multiple_comparisons import bonferroni_adjust

MIN_UNITS = 3  # an interval of two units has one degree of freedom and is too wide to be useful


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error and degrees of freedom."""

    mean: float
    se: float
    """Standard error of the mean; NaN with fewer than two units."""
    df: float
    """Degrees of freedom; NaN with fewer than two units."""
    sd: float
    """Standard deviation of the units; in some layouts it has a floor."""
    n: int
    """Number of averaged units: seeds, splits, or means of splits."""

    def interval(self, *, confidence: float = CONFIDENCE, comparisons: int = 1) -> Interval:
        """Return the t interval of the mean.

        Args:
            confidence: Level of the interval.
            comparisons: Number of comparisons for Bonferroni's correction.
        """
        from scipy import stats

        if not self.df > 0:
            return Interval(math.nan, math.nan)
        half = float(stats.t.ppf(1 - (1 - confidence) / (2 * comparisons), self.df)) * self.se
        return Interval(self.mean - half, self.mean + half)

    def p(self, *, comparisons: int = 1) -> float:
        """Return the two-sided p-value of the hypothesis that the mean is 0.

        Args:
            comparisons: Bonferroni's factor; the product is at most 1.
        """
        from scipy import stats

        if not self.df > 0:
            return math.nan
        if self.se == 0:
            return 1.0 if self.mean == 0 else 0.0
        return bonferroni_adjust(2 * float(stats.t.sf(abs(self.mean) / self.se, self.df)), comparisons)


def estimate_mean(values: Sequence[float], *, smallest_sd: float = 0.0, split_ratio: float = 0.0) -> Estimate:
    """Return the estimate of the mean of independent units.

    Args:
        values: (n,) one difference per unit: per seed on one split, per split, or the mean of each split.
        smallest_sd: Floor of the standard deviation. For accuracies on one split it is half an example, .5 / N, since
            identical differences come from rounding and not from certainty.
        split_ratio: Test examples over training examples if the estimate is for new data; else 0.
    """
    n = len(values)
    if n < 2:
        return Estimate(float(np.mean(values)) if n else math.nan, math.nan, math.nan, math.nan, n)
    mean, spread = mean_and_sd(values)
    sd = max(spread, smallest_sd)
    return Estimate(mean, sd * math.sqrt(1 / n + split_ratio), n - 1, sd, n)


def mean_only(mean: float, n: int) -> Estimate:
    """Return an estimate with a known mean and an unknown standard error."""
    return Estimate(mean, math.nan, math.nan, math.nan, n)


def estimate_crossed(values: Array, *, smallest_sd: float = 0.0) -> Estimate:
    """Return the estimate of the mean if the same seeds were trained on every split.

    The splits share the effects of the seeds, so the means of the splits are not independent.

    Args:
        values: (splits, seeds), at least two of each.
        smallest_sd: Floor of the standard deviation of single values.

    Raises:
        ValueError: fewer than two splits or seeds.
    """
    splits, seeds = values.shape
    if splits < 2 or seeds < 2:
        raise ValueError(f"needs two splits and two seeds, got {splits} and {seeds}")
    of_splits = seeds * float(np.var(values.mean(axis=1), ddof=1))
    of_seeds = splits * float(np.var(values.mean(axis=0), ddof=1))
    residual = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0, keepdims=True) + values.mean()
    of_residual = float(np.sum(residual**2)) / ((splits - 1) * (seeds - 1))
    both = of_splits + of_seeds - of_residual  # may be below either, or below 0, by chance: hence the maximum
    largest = max(both, of_splits, of_seeds, smallest_sd**2)
    # Each standard error has the degrees of freedom of the mean square that it comes from.
    if largest > max(both, of_splits, of_seeds) or largest == 0:
        df = float(min(splits, seeds) - 1)
    elif largest == both:
        terms = of_splits**2 / (splits - 1), of_seeds**2 / (seeds - 1), of_residual**2 / ((splits - 1) * (seeds - 1))
        df = both**2 / sum(terms)
    else:
        df = float(splits - 1 if of_splits >= of_seeds else seeds - 1)
    se = math.sqrt(largest / values.size)
    return Estimate(float(values.mean()), se, df, math.sqrt(largest), splits)


def estimate_new_examples(differences: Array, *, is_count: bool = True) -> Estimate:
    """Return the estimate for new seeds and new examples with the same training set.

    The variances of seeds and of examples add up; the degrees of freedom are Satterthwaite's.

    Args:
        differences: (seeds, N) difference of each pair of runs on each test example: -1, 0 or 1 for right and wrong, or
            a difference of losses. At least two seeds; with a single example the standard error is NaN.
        is_count: True if each example counts as right or wrong; losses have no smallest difference.
    """
    seeds, examples = differences.shape
    means = differences.mean(axis=1)
    if examples < 2:
        return mean_only(float(means.mean()), seeds)
    sd = max(mean_and_sd(means.tolist())[1], 0.5 / examples if is_count else 0.0)
    rest = differences - means[:, None]
    # Mean covariance, over examples, of the differences of two seeds: the variance that more seeds do not reduce.
    shared = np.sum(rest.sum(axis=0) ** 2 - (rest**2).sum(axis=0)) / (seeds * (seeds - 1) * (examples - 1))
    per_example = max(float(shared), 1 / examples if is_count else 0.0)
    of_seeds, of_examples = sd**2 / seeds, per_example / examples
    variance = of_seeds + of_examples
    if variance == 0:
        return Estimate(float(means.mean()), 0.0, seeds - 1, 0.0, seeds)
    df = variance**2 / (of_seeds**2 / (seeds - 1) + of_examples**2 / (examples - 1))
    return Estimate(float(means.mean()), math.sqrt(variance), df, sd, seeds)


def hedges_g(estimate: Estimate) -> float:
    """Return Hedges' g: the mean in standard deviations, corrected for small samples.

    Hedges 1981, doi:10.3102/10769986006002107.

    Args:
        estimate: The estimate; the result is NaN if its standard deviation is not above 0.
    """
    if not estimate.sd > 0 or estimate.n < 2:
        return math.nan
    m = estimate.n - 1
    # Through logarithms, since the gamma function overflows for some 170 units.
    correction = math.exp(math.lgamma(m / 2) - math.lgamma((m - 1) / 2)) / math.sqrt(m / 2) if m > 1 else 0.0
    return correction * estimate.mean / estimate.sd
