"""All numbers of a classifier, and the tables that show its mistakes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics import registry
from dropout_cli.metrics.csv_text import csv_bytes
from dropout_cli.metrics.scored import Classes


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


def classification(
    probs: Array, labels: Array, classes: Sequence[str], log_probs: Array | None = None
) -> dict[str, Any]:
    """Score `probs` (N, C) against `labels` (N,) of class ids, N >= 1; plain Python numbers come back.

    `log_probs` (N, C): the logarithms of `probs`, which say more of what is nearly 0 or 1 and then decide losses, ranks
    and the predicted class; None: the probabilities are all that is known, and 0 counts as 2.2e-308.

    Keys: the registered metrics, see `numbers.classification`, and per_class, a list of {class, precision, recall, f1,
    support} in class order. Metrics that a summary leaves out for these labels, and those that are not defined, are
    None. Raises ValueError if the shapes do not fit.
    """
    given = Classes.of(probs, labels, classes, log_probs)
    found = {one.name: one.of(given) if one.summarized(given) else None for one in registry.of_task("classification")}
    return found | {
        "per_class": [
            {"class": name, "precision": precision, "recall": recall, "f1": f1, "support": support}
            for name, precision, recall, f1, support in zip(classes, *given.per_class, strict=True)
        ],
    }


def predicted(stored: Mapping[str, Array]) -> Array:
    """Return the likeliest class of each example from the arrays of `predictions.npz`, of format 1 or 2."""
    return np.asarray(stored.get("log_probabilities", stored["probabilities"]).argmax(axis=1))


def confusion_matrix(probs: Array, labels: Array, classes: Sequence[str], log_probs: Array | None = None) -> Array:
    """Count the examples as an int64 array (C, C): rows are true classes, columns predicted ones."""
    from sklearn.metrics import confusion_matrix as count

    predicted = Classes.of(probs, labels, classes, log_probs).predicted
    matrix: Array = count(labels, predicted, labels=np.arange(len(classes))).astype(np.int64)
    return matrix


def worst(probs: Array, labels: Array, most: int = 100, log_probs: Array | None = None) -> Array:
    """Positions (M,) in the part, M <= `most`, of the misclassified examples by descending loss; ties by position."""
    given = Classes.of(probs, labels, [str(c) for c in range(probs.shape[1])], log_probs)
    wrong = np.flatnonzero(given.predicted != labels)
    return wrong[np.argsort(-given.losses[wrong], kind="stable")][:most]


def mistakes(
    probs: Array,
    labels: Array,
    rows: Array,
    classes: Sequence[str],
    most: int = 100,
    log_probs: Array | None = None,
) -> list[Mistake]:
    """Describe the examples at `worst(probs, labels, most)`, in that order; `rows` (N,) are their source rows."""
    given = Classes.of(probs, labels, classes, log_probs)
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
        for i in worst(probs, labels, most, log_probs)
    ]


def confusion_csv(matrix: Array, classes: Sequence[str]) -> bytes:
    r"""Write the matrix under a header of `true\predicted` and the class names; each row begins with its class."""
    counts = [[name, *row] for name, row in zip(classes, matrix.tolist(), strict=True)]
    return csv_bytes([["true\\predicted", *classes], *counts])


def mistakes_csv(found: Sequence[Mistake]) -> bytes:
    """Write the mistakes under a header of their field names, fractions with six significant digits."""
    rows = [[f"{cell:.6g}" if isinstance(cell, float) else cell for cell in mistake] for mistake in found]
    return csv_bytes([Mistake._fields, *rows])
