"""The numbers that judge a classifier, from its probabilities; and the tables that show its mistakes.

With y the one-hot label and p the probabilities of an example:
nll = mean of -ln p[true]; Brier = mean of sum_c (p_c - y_c)^2 (0 to 2; Brier 1950);
ECE = sum over 15 bins of the top class's probability of (examples in bin / N) * |accuracy - mean confidence|
(Guo et al. 2017, arXiv:1706.04599), with bins of equal width, open on the left and closed on the right.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics.csv_text import csv_bytes

SMALLEST = float(np.finfo(np.float64).tiny)
"""2.2e-308, what a probability of zero counts as: one example's loss is at most 708.4, so nll stays finite."""

ECE_BINS = 15

NUMBERS = (
    "accuracy",
    "error",
    "nll",
    "brier",
    "ece",
    "macro_f1",
    "balanced_accuracy",
    "roc_auc",
    "average_precision",
)
"""What `classification` says of a part as a whole."""


class Mistake(NamedTuple):
    """A misclassified example."""

    row: int
    """Its row number in the source."""
    true: str
    predicted: str
    prob_true: float
    prob_predicted: float
    loss: float
    """-ln of the probability given to the true class."""


def classification(probs: Array, labels: Array, classes: Sequence[str]) -> dict[str, Any]:
    """Score `probs` (N, C) against `labels` (N,) of class ids, N >= 1; plain Python numbers come back.

    Keys: NUMBERS, and per_class, a list of {class, precision, recall, f1, support} in class order. A ratio without
    examples to divide by is 0. `macro_f1` averages over the classes that occur among labels or predictions, and
    `balanced_accuracy`, the mean recall, over those among labels, so that a class absent from a small part does not
    lower them. `roc_auc` and `average_precision` (`ranking`) are worked out for two classes, or where the largest
    class has more than twice the examples of the smallest, and are None elsewhere. Raises ValueError if the shapes do
    not fit.
    """
    from sklearn.metrics import precision_recall_fscore_support

    p = _checked(probs, labels, classes)
    predicted = p.argmax(axis=1)
    accuracy = float(np.mean(predicted == labels))
    per_class = precision_recall_fscore_support(labels, predicted, labels=np.arange(len(classes)), zero_division=0)
    precision, recall, f1, support = (column.tolist() for column in per_class)
    told_apart = len(classes) == 2 or max(support) > 2 * min(support)
    ranks = ranking(p, labels) if told_apart else dict.fromkeys(("roc_auc", "average_precision"))
    return {
        "accuracy": accuracy,
        "error": float(np.mean(predicted != labels)),
        "nll": float(np.mean(_losses(p, labels))),
        "brier": float(np.mean(np.sum((p - np.eye(len(classes))[labels]) ** 2, axis=1))),
        "ece": _calibration_error(p.max(axis=1), predicted == labels),
        "macro_f1": float(np.mean([f1[occurring] for occurring in np.union1d(labels, predicted)])),
        "balanced_accuracy": float(np.mean([recall[occurring] for occurring in np.unique(labels)])),
        **ranks,
        "per_class": [
            {"class": name, "precision": precision[i], "recall": recall[i], "f1": f1[i], "support": support[i]}
            for i, name in enumerate(classes)
        ],
    }


def ranking(probs: Array, labels: Array) -> dict[str, float | None]:
    """How well the probabilities (N, C) rank the examples: `roc_auc` and `average_precision`, means over the classes.

    Each class against the rest; of two classes, `average_precision` is that of the second alone, the positive one.
    Classes without examples, or without others, are left out; None where none is left.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    counts = np.bincount(labels, minlength=probs.shape[1])
    judged = np.flatnonzero((counts > 0) & (counts < len(labels)))
    if not len(judged):
        return {"roc_auc": None, "average_precision": None}
    truth, p = labels[:, None] == judged, probs[:, judged]
    precisely = slice(1, None) if probs.shape[1] == 2 else slice(None)
    return {
        "roc_auc": float(roc_auc_score(truth, p)),
        "average_precision": float(average_precision_score(truth[:, precisely], p[:, precisely])),
    }


def confusion_matrix(probs: Array, labels: Array, classes: Sequence[str]) -> Array:
    """Count the examples as an int64 array (C, C): rows are true classes, columns predicted ones."""
    from sklearn.metrics import confusion_matrix as count

    predicted = _checked(probs, labels, classes).argmax(axis=1)
    matrix: Array = count(labels, predicted, labels=np.arange(len(classes))).astype(np.int64)
    return matrix


def worst(probs: Array, labels: Array, most: int = 100) -> Array:
    """Positions (M,) in the part, M <= `most`, of the misclassified examples by descending loss; ties by position."""
    p = np.asarray(probs, np.float64)
    wrong = np.flatnonzero(p.argmax(axis=1) != labels)
    return wrong[np.argsort(-_losses(p, labels)[wrong], kind="stable")][:most]


def mistakes(probs: Array, labels: Array, rows: Array, classes: Sequence[str], most: int = 100) -> list[Mistake]:
    """Describe the examples at `worst(probs, labels, most)`, in that order; `rows` (N,) are their source rows."""
    p = _checked(probs, labels, classes)
    predicted, losses = p.argmax(axis=1), _losses(p, labels)
    return [
        Mistake(
            row=int(rows[i]),
            true=classes[labels[i]],
            predicted=classes[predicted[i]],
            prob_true=float(p[i, labels[i]]),
            prob_predicted=float(p[i, predicted[i]]),
            loss=float(losses[i]),
        )
        for i in worst(p, labels, most)
    ]


def confusion_csv(matrix: Array, classes: Sequence[str]) -> bytes:
    r"""Write the matrix under a header of `true\predicted` and the class names; each row begins with its class."""
    counts = [[name, *row] for name, row in zip(classes, matrix.tolist(), strict=True)]
    return csv_bytes([["true\\predicted", *classes], *counts])


def mistakes_csv(found: Sequence[Mistake]) -> bytes:
    """Write the mistakes under a header of their field names, fractions with six significant digits."""
    rows = [[f"{cell:.6g}" if isinstance(cell, float) else cell for cell in mistake] for mistake in found]
    return csv_bytes([Mistake._fields, *rows])


def _checked(probs: Array, labels: Array, classes: Sequence[str]) -> Array:
    """The probabilities in float64: float32 sums over 10,000 examples lose digits that a summary prints."""
    if len(labels) == 0 or probs.shape != (len(labels), len(classes)):
        raise ValueError(f"probs {probs.shape} do not fit {len(labels)} labels and {len(classes)} classes")
    return np.asarray(probs, np.float64)


def _losses(probs: Array, labels: Array) -> Array:
    """-ln p[true] of each example; scikit-learn's log_loss would clip at 1e-7 in float32 and hide the worst."""
    losses: Array = np.log(1 / np.maximum(probs[np.arange(len(labels)), labels], SMALLEST))
    return losses


def _calibration_error(confidence: Array, right: Array) -> float:
    """ECE from the top class's probability (N,) and whether it was right (N,)."""
    inner_edges = np.arange(1, ECE_BINS) / ECE_BINS
    bins = np.searchsorted(inner_edges, confidence, side="left")  # left: a value on an edge belongs below it
    gaps = np.bincount(bins, weights=right - confidence, minlength=ECE_BINS)
    return float(np.sum(np.abs(gaps)) / len(confidence))
