"""Probabilities that a setting is worse, equal in practice, or better than its baseline.

They are the posterior of the paired t test, with the standard error and the degrees of freedom of the interval. So they
agree with its uncorrected p-value: with a margin of 0, P(better) is 1 - p/2 for a setting with the better mean.

References:
    Benavoli, Corani, Demsar & Zaffalon 2017, arXiv:1606.04316.
"""

from collections.abc import Iterator

from dropout_cli.statistics.bayes import PosteriorProbabilities, posterior_probabilities
from dropout_cli.statistics.t_test import Estimate
from dropout_cli.sweeps.comparison import Comparison
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.wording import group_name

MOST_LISTED = 6
"""The most settings whose probabilities are in the notes; all are in the full table."""


def practical_probabilities(comparison: Comparison) -> PosteriorProbabilities | None:
    """Return the probabilities for the margin of a comparison.

    Args:
        comparison: The comparison.

    Returns:
        The probabilities; None without a margin or a verdict, after several looks, or if all pairs are identical.
    """
    found = comparison.estimate
    if comparison.margin is None or comparison.refused or comparison.sequential is not None or not found.se > 0:
        return None
    sign = 1 if comparison.larger_is_better else -1
    better_is_larger = Estimate(sign * found.mean, found.se, found.df, found.sd, found.n)
    return posterior_probabilities(better_is_larger, comparison.margin)


def probability_notes(evidence: SweepComparison) -> Iterator[str]:
    """Yield a note with the probabilities of each setting by the main metric, if there is a margin."""
    known = [(one, found) for one in evidence.main if (found := practical_probabilities(one)) is not None]
    if not known:
        return
    texts = [
        f"{group_name(evidence.groups[one.group])}: better {_share(found.better)}, equal {_share(found.equal)}, "
        f"worse {_share(found.worse)}"
        for one, found in known[:MOST_LISTED]
    ]
    more = [f"{len(known) - MOST_LISTED} more in the full table"] if len(known) > MOST_LISTED else []
    correction = ", without correction for several comparisons" if len(known) > 1 else ""
    yield (
        f"Probabilities, if differences within {evidence.margin:g} count as equal (Bayesian t test{correction}): "
        f"{'; '.join([*texts, *more])}."
    )


def _share(probability: float) -> str:
    """Return a probability in per cent, without claiming certainty."""
    if 0 < probability < 0.001:
        return "< 0.1 %"
    if 0.999 < probability < 1:
        return "> 99.9 %"
    return f"{100 * probability:.1f} %"
