"""The Bayesian reading of the same t: how probable it is that a setting is worse, equal within a margin, or better.

The posterior of the mean difference is mean + se t(df), with the standard error and the degrees of freedom of the
layout (Corani & Benavoli 2015, doi:10.1007/s10994-015-5486-z). With a margin of 0, P(better) is 1 - p/2 for a positive
mean: it never contradicts the p-value.
"""

from typing import NamedTuple

from dropout_cli.statistics.estimate import Estimate


class Probabilities(NamedTuple):
    """The probabilities of three ranges of the mean difference; they add up to 1."""

    worse: float
    """It is below -margin."""
    equal: float
    """It lies within the margin."""
    better: float
    """It is above the margin."""


def probabilities(estimate: Estimate, margin: float = 0.0) -> Probabilities:
    """Return the posterior probabilities; larger differences are better. The standard error must be above 0."""
    from scipy import stats

    posterior = stats.t(estimate.df, loc=estimate.mean, scale=estimate.se)
    worse, better = float(posterior.cdf(-margin)), float(posterior.sf(margin))
    return Probabilities(worse, 1 - worse - better, better)
