"""Metrics of classifiers.

With y the one-hot label and p the probabilities of an example:
nll = mean of -ln p[true]; Brier = mean of sum_c (p_c - y_c)^2 (0 to 2; Brier 1950);
ECE = sum over 15 bins of the top class's probability of (examples in bin / N) * |accuracy - mean confidence|
(Guo et al. 2017, arXiv:1706.04599), with bins of equal width, open on the left and closed on the right.
`ece_if_calibrated` is the average ECE if labels were drawn from the probabilities: small parts have a large ECE by
chance.

`macro_f1` averages over the classes that occur among labels or predictions, and `balanced_accuracy`, the mean recall,
over those among labels, so that a class absent from a small part does not lower them. `roc_auc` and `average_precision`
are means over the classes, each against the rest; for two classes, `average_precision` is that of the second class, the
positive one. A summary has them for two classes, or if the largest class has more than twice the examples of the
smallest.
"""

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics.calibration.bins import BINS, equal_width_bins
from dropout_cli.metrics.ece_by_chance import ece_by_chance
from dropout_cli.metrics.predictions import ClassPredictions
from dropout_cli.metrics.registry import Metric, register_metrics


def is_right(given: ClassPredictions) -> Array:
    """Return (N,) bool: True for examples that are right."""
    return np.asarray(given.predicted == given.labels)


def is_wrong(given: ClassPredictions) -> Array:
    """Return (N,) bool: True for examples that are wrong."""
    return ~is_right(given)


def accuracy(given: ClassPredictions) -> float:
    """Return the share of right examples."""
    return float(np.mean(is_right(given)))


def error(given: ClassPredictions) -> float:
    """Return the share of wrong examples."""
    return float(np.mean(is_wrong(given)))


def mean_nll(given: ClassPredictions) -> float:
    """Return the mean loss, in nats."""
    return float(np.mean(given.losses))


def brier_distances(given: ClassPredictions) -> Array:
    """Return the squared distance of each example's probabilities to its one-hot label, (N,)."""
    p = given.probabilities
    return np.asarray(np.sum((p - np.eye(p.shape[1])[given.labels]) ** 2, axis=1))


def brier(given: ClassPredictions) -> float:
    """Return the mean squared distance to the one-hot labels."""
    return float(np.mean(brier_distances(given)))


def ece(given: ClassPredictions) -> float:
    """Return the expected calibration error: the mean gap of confidence and accuracy."""
    confidence, bins = _binned(given)
    right = given.predicted == given.labels
    gaps = np.bincount(bins, weights=right - confidence, minlength=BINS)
    return float(np.sum(np.abs(gaps)) / len(confidence))


def ece_if_calibrated(given: ClassPredictions) -> float:
    """Return the mean ECE of labels drawn from the probabilities themselves."""
    return ece_by_chance(*_binned(given)).mean


def _binned(given: ClassPredictions) -> tuple[Array, Array]:
    """Return the top class's probability of each example, and its bin."""
    confidence = given.probabilities.max(axis=1)
    return confidence, equal_width_bins(confidence)


def macro_f1(given: ClassPredictions) -> float:
    """Return the mean F1 of the classes."""
    return float(np.mean([given.per_class.f1[c] for c in np.union1d(given.labels, given.predicted)]))


def balanced_accuracy(given: ClassPredictions) -> float:
    """Return the mean recall of the classes."""
    return float(np.mean([given.per_class.recall[c] for c in np.unique(given.labels)]))


def roc_auc(given: ClassPredictions) -> float | None:
    """Return the mean area under the ROC curve of each class against the rest."""
    from sklearn.metrics import roc_auc_score

    ranked = _ranked(given)
    return None if ranked is None else float(roc_auc_score(*ranked))


def average_precision(given: ClassPredictions) -> float | None:
    """Return the area under the curve of precision against recall."""
    from sklearn.metrics import average_precision_score

    ranked = _ranked(given)
    if ranked is None:
        return None
    positive = slice(1, None) if given.probabilities.shape[1] == 2 else slice(None)
    return float(average_precision_score(ranked[0][:, positive], ranked[1][:, positive]))


def _ranked(given: ClassPredictions) -> tuple[Array, Array] | None:
    """Return labels and evidence for each example and class; None if no class can be scored.

    Classes without examples, or without examples of other classes, are left out.
    """
    counts = np.bincount(given.labels, minlength=given.probabilities.shape[1])
    scored = np.flatnonzero((counts > 0) & (counts < len(given.labels)))
    return (given.labels[:, None] == scored, given.ranking_scores[:, scored]) if len(scored) else None


def _binary_or_imbalanced(given: ClassPredictions) -> bool:
    support = given.per_class.support
    return len(support) == 2 or max(support) > 2 * min(support)


register_metrics(
    Metric(
        "accuracy",
        "accuracy",
        True,
        "labels",
        accuracy,
        displayed=True,
        is_share=True,
        is_count=True,
        per_example=is_right,
    ),
    Metric("error", "error", False, "labels", error, is_share=True, is_count=True, per_example=is_wrong),
    Metric(
        "nll",
        "negative log-likelihood",
        False,
        "log_probabilities",
        mean_nll,
        displayed=True,
        per_example=lambda given: given.losses,
    ),
    Metric("brier", "Brier score", False, "probabilities", brier, displayed=True, per_example=brier_distances),
    Metric("ece", "calibration error (ECE)", False, "probabilities", ece, displayed=True),
    Metric(
        "ece_if_calibrated",
        "ECE of a perfectly calibrated model",
        None,
        "probabilities",
        ece_if_calibrated,
        displayed=True,
    ),
    Metric("macro_f1", "macro F1", True, "labels", macro_f1, is_share=True),
    Metric("balanced_accuracy", "balanced accuracy", True, "labels", balanced_accuracy, is_share=True),
    Metric("roc_auc", "ROC AUC", True, "log_probabilities", roc_auc, is_share=True, in_summary=_binary_or_imbalanced),
    Metric(
        "average_precision",
        "average precision",
        True,
        "log_probabilities",
        average_precision,
        is_share=True,
        in_summary=_binary_or_imbalanced,
    ),
)
