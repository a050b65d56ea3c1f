"""Scores of a classifier, with its confusion matrix and its worst mistakes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics import registry
from dropout_cli.metrics.csv_text import csv_bytes
from dropout_cli.metrics.predictions import ClassPredictions


class Mistake(NamedTuple):
    """A misclassified example."""

    row: int
    """Its row number in the source."""
    true: str
    """The true class."""
    predicted: str
    """The predicted class."""
    prob_true: float
    """Probability of the true class."""
    prob_predicted: float
    """Probability of the predicted class."""
    loss: float
    """-ln of the probability of the true class."""


def score_classes(
    probs: Array, labels: Array, classes: Sequence[str], log_probs: Array | None = None
) -> dict[str, Any]:
    """Score the predictions of a classifier.

    Args:
        probs: (N, C) probabilities, N >= 1.
        labels: (N,) class ids.
        classes: Class names, in the order of the ids.
        log_probs: (N, C) logarithms of `probs`. They are more exact near 0 and 1, and losses, ranks and the predicted
            class then follow from them. If None, a probability of 0 counts as 2.2e-308.

    Returns:
        Plain Python numbers: the registered metrics (see `metrics.formulas.classification`), and `per_class`, a list of
        {class, precision, recall, f1, support} in class order. A metric is None if it is not defined, or if a summary
        omits it for these labels.

    Raises:
        ValueError: the shapes do not fit.
    """
    given = ClassPredictions.of(probs, labels, classes, log_probs)
    scores = {
        metric.name: metric.compute(given) if metric.in_summary(given) else None
        for metric in registry.task_metrics("classification")
    }
    return scores | {
        "per_class": [
            {"class": name, "precision": precision, "recall": recall, "f1": f1, "support": support}
            for name, precision, recall, f1, support in zip(classes, *given.per_class, strict=True)
        ],
    }


def predicted_classes(stored: Mapping[str, Array]) -> Array:
    """Return the likeliest class of each example, (N,).

    Args:
        stored: The arrays of `predictions.npz`, of format 1 or 2.
    """
    return np.asarray(stored.get("log_probabilities", stored["probabilities"]).argmax(axis=1))


def confusion_matrix(probs: Array, labels: Array, classes: Sequence[str], log_probs: Array | None = None) -> Array:
    """Count the examples of each pair of true and predicted class.

    Args:
        probs: (N, C) probabilities.
        labels: (N,) class ids.
        classes: Class names.
        log_probs: See `score_classes`.

    Returns:
        (C, C) int64; rows are true classes, columns predicted ones.
    """
    from sklearn.metrics import confusion_matrix as count

    predicted = ClassPredictions.of(probs, labels, classes, log_probs).predicted
    matrix: Array = count(labels, predicted, labels=np.arange(len(classes))).astype(np.int64)
    return matrix


def worst_positions(probs: Array, labels: Array, most: int = 100, log_probs: Array | None = None) -> Array:
    """Return the positions of the misclassified examples with the largest losses.

    Args:
        probs: (N, C) probabilities.
        labels: (N,) class ids.
        most: Maximum number of examples.
        log_probs: See `score_classes`.

    Returns:
        (M,) positions in the part, M <= `most`, by descending loss; ties by position.
    """
    given = ClassPredictions.of(probs, labels, [str(c) for c in range(probs.shape[1])], log_probs)
    wrong = np.flatnonzero(given.predicted != labels)
    return wrong[np.argsort(-given.losses[wrong], kind="stable")][:most]


def worst_mistakes(
    probs: Array,
    labels: Array,
    rows: Array,
    classes: Sequence[str],
    most: int = 100,
    log_probs: Array | None = None,
) -> list[Mistake]:
    """Describe the misclassified examples with the largest losses.

    They are in the order of `worst_positions`.

    Args:
        probs: (N, C) probabilities.
        labels: (N,) class ids.
        rows: (N,) row numbers in the source.
        classes: Class names.
        most: Maximum number of examples.
        log_probs: See `score_classes`.
    """
    given = ClassPredictions.of(probs, labels, classes, log_probs)
    p, predicted = given.probabilities, given.predicted
    return [
        Mistake(
            row=int(rows[i]),
            true=classes[labels[i]],
            predicted=classes[predicted[i]],
            prob_true=float(p[i, labels[i]]),
            prob_predicted=float(p[i, predicted[i]]),
            loss=float(given.losses[i]),
        )
        for i in worst_positions(probs, labels, most, log_probs)
    ]


def confusion_csv(matrix: Array, classes: Sequence[str]) -> bytes:
    r"""Return the confusion matrix as CSV.

    The header has `true\predicted` and the class names; each row starts with its class.

    Args:
        matrix: (C, C) counts.
        classes: Class names.
    """
    counts = [[name, *row] for name, row in zip(classes, matrix.tolist(), strict=True)]
    return csv_bytes([["true\\predicted", *classes], *counts])


def mistakes_csv(mistakes: Sequence[Mistake]) -> bytes:
    """Return the mistakes as CSV with their field names as header.

    Fractions have six significant digits.

    Args:
        mistakes: The mistakes, in order.
    """
    rows = [[f"{cell:.6g}" if isinstance(cell, float) else cell for cell in mistake] for mistake in mistakes]
    return csv_bytes([Mistake._fields, *rows])
