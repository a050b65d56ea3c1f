"""Posterior probabilities that a setting is worse, equal within a margin, or better.

The posterior of the mean difference is mean + se t(df), with the standard error and the degrees of freedom of the
layout. With a margin of 0, P(better) is 1 - p/2 for a positive mean, so it never contradicts the p-value.

References:
    Corani & Benavoli 2015, doi:10.1007/s10994-015-5486-z.
"""

from typing import NamedTuple

from dropout_cli.statistics.t_test import Estimate


class PosteriorProbabilities(NamedTuple):
    """Probabilities of three ranges of the mean difference; they add up to 1."""

    worse: float
    """The difference is below -margin."""
    equal: float
    """The difference is between -margin and margin."""
    better: float
    """The difference is above the margin."""


def posterior_probabilities(estimate: Estimate, margin: float = 0.0) -> PosteriorProbabilities:
    """Return the posterior probabilities of a mean difference.

    Args:
        estimate: Of the difference, larger being better; its standard error is above 0.
        margin: Differences up to this size count as equal.
    """
    from scipy import stats

    posterior = stats.t(estimate.df, loc=estimate.mean, scale=estimate.se)
    worse, better = float(posterior.cdf(-margin)), float(posterior.sf(margin))
    return PosteriorProbabilities(worse, 1 - worse - better, better)
