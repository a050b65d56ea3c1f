"""How well a score tells strange examples from known ones.

A score is higher for stranger examples. Strange examples are the positive class, unless a name says otherwise:

    AUROC         probability that a strange example has a higher score than a known one; ties count half
    AP            average precision (Davis & Goadrich 2006, doi:10.1145/1143844.1143874); it depends on the numbers of
                  examples. For known examples as the positive class the score is negated
    FPR at 95 %   share of known examples at or above the largest threshold that finds 95 % of the strange ones (Liang
                  et al. 2018, arXiv:1706.02690)

The 95 % interval of the AUROC uses the variance of DeLong et al. 1988 (doi:10.2307/2531595), in Wilson's form: it stays
inside of 0 to 1 and has a width even if all pairs are in order.

Equal scores are one block: a threshold takes all of them or none (Hendrycks & Gimpel 2017, arXiv:1610.02136).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.statistics import Interval
from dropout_cli.statistics.proportion import wilson_from_effective

TRUE_POSITIVE_RATE = 0.95
CURVE_POINTS = 200
"""The most points of a ROC curve that are kept."""


@dataclass(frozen=True)
class Separation:
    """How well a score tells strange examples from known ones."""

    auroc: float
    auroc_low: float
    """Lower end of the 95 % interval of the AUROC; NaN with fewer than two known or two strange examples."""
    auroc_high: float
    """Upper end."""
    average_precision_strange: float
    """Average precision with strange examples as the positive class."""
    average_precision_known: float
    """Average precision with known examples as the positive class."""
    fpr95_strange: float
    """False positive rate, with strange examples as positives: the share of known examples at or above the threshold
    that finds 95 % of the strange ones."""
    fpr95_known: float
    """False positive rate, with known examples as positives: the share of strange examples at or below the threshold
    that finds 95 % of the known ones."""


def separate(known: Array, strange: Array) -> Separation:
    """Compare the scores of known and strange examples.

    Args:
        known: (n,) scores of known examples, at least one; higher is stranger.
        strange: (m,) scores of strange examples, at least one.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    is_strange = np.repeat([False, True], [len(known), len(strange)])
    scores = np.concatenate([known, strange])
    return Separation(
        float(roc_auc_score(is_strange, scores)),
        *auroc_interval(known, strange),
        float(average_precision_score(is_strange, scores)),
        float(average_precision_score(~is_strange, -scores)),
        _false_positive_rate(is_strange, scores),
        _false_positive_rate(~is_strange, -scores),
    )


def auroc_interval(known: Array, strange: Array) -> Interval:
    """Return the 95 % interval of the AUROC; NaN with fewer than two known or two strange examples.

    Args:
        known: (n,) scores of known examples; higher is stranger.
        strange: (m,) scores of strange examples.

    References:
        DeLong et al. 1988, doi:10.2307/2531595 (variance).
    """
    if min(len(known), len(strange)) < 2:
        return Interval(math.nan, math.nan)
    above = _shares_below(np.sort(known), np.sort(strange))
    below = 1 - _shares_below(np.sort(strange), np.sort(known))
    auroc = min(1.0, max(0.0, float(above.mean())))
    variance = float(above.var(ddof=1)) / len(strange) + float(below.var(ddof=1)) / len(known)
    # A variance of 0 is that of a small sample: the smaller number of examples then counts.
    effective = auroc * (1 - auroc) / variance if variance > 0 else 0.0
    return wilson_from_effective(auroc, effective or min(len(known), len(strange)), NormalDist().inv_cdf(0.975))


def _shares_below(scores: Array, values: Array) -> Array:
    """Return the share of sorted scores below each value; equal ones count half."""
    places = [np.searchsorted(scores, values, side) for side in ("left", "right")]
    return np.asarray((places[0] + places[1]) / (2 * len(scores)))


def _false_positive_rate(positive: Array, scores: Array) -> float:
    """Return the share of negatives at the largest threshold that takes 95 % of the positives."""
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(positive, scores, drop_intermediate=False)
    return float(false[np.argmax(true >= TRUE_POSITIVE_RATE)])


def roc_points(known: Array, strange: Array) -> tuple[Array, Array]:
    """Return points of the ROC curve: shares of known and of strange examples at or above thresholds.

    Args:
        known: (n,) scores of known examples.
        strange: (m,) scores of strange examples.
    """
    from sklearn.metrics import roc_curve

    is_strange = np.repeat([False, True], [len(known), len(strange)])
    false, true, _ = roc_curve(is_strange, np.concatenate([known, strange]))
    # Equal steps along both axes together, so that steep and flat parts keep points.
    places = np.searchsorted(false + true, np.linspace(0, 2, CURVE_POINTS))
    kept = np.unique(np.clip(places, 0, len(false) - 1)) if len(false) > CURVE_POINTS else np.arange(len(false))
    return np.asarray(false[kept]), np.asarray(true[kept])
