"""Weights of examples: checks of given ones, and their scale in training.

The loss of a batch of B examples is sum_i w_i l_i / B. The weights w_i have mean 1 over the training part, so that a
weight is relative to the others, and the learning rate keeps its meaning.
"""

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.readers.cells import RowLocator

WEIGHTS_KEY = "dataset.weights"


def require_valid_weights(weights: Array, where: RowLocator, called: str) -> None:
    """Raise DataError for the first weight that is missing, negative or infinite.

    Args:
        weights: (N,) float64; NaN: missing.
        where: maps a row number to its place in the file.
        called: the weight of a row, for messages.
    """
    wrong = np.flatnonzero(~((weights >= 0) & np.isfinite(weights)))
    if len(wrong):
        value = weights[wrong[0]]
        fact = f"{called} is missing" if np.isnan(value) else f"{called} is {value:g}"
        raise DataError(where(int(wrong[0])), fact, f"Give a finite number of at least 0, or change {WEIGHTS_KEY}")


def training_weights(weights: Array | None, rows: Array) -> Array | None:
    """Return the weights of the training part, divided by their mean, (n,) float64.

    Args:
        weights: (N,) weights of all examples, as in `Examples`; None: there are none.
        rows: rows of the training part.

    Returns:
        None if there are no weights, or all are equal, so that they change nothing.

    Raises:
        DataError: if a training example has no weight, or every weight is 0.
    """
    if weights is None:
        return None
    chosen = weights[rows]
    unknown = int(np.count_nonzero(np.isnan(chosen)))
    if unknown:
        fact = (
            f"has no weights for {counted(unknown, 'training example')}, from the validation or test part of the data"
        )
        way_out = "Set dataset.test_fraction to null, or put all examples and weights into one file"
        raise DataError(WEIGHTS_KEY, fact, way_out)
    largest = chosen.max()
    if largest == 0:
        raise DataError(WEIGHTS_KEY, "every weight of the training part is 0", "Give other weights, or remove the key")
    if chosen.min() == largest:
        return None
    # Relative to the largest first: the sum of huge weights would be infinite, the mean of tiny ones 0.
    relative = chosen / largest
    return np.asarray(relative / relative.mean())


def effective_examples(weights: Array) -> float:
    """Return (sum w)^2 / sum w^2, the number of equal weights with the same variance of a mean.

    Args:
        weights: (N,), at least one above 0.

    References:
        Kish 1965, Survey Sampling, section 8.2.
    """
    return float(weights.sum() ** 2 / (weights**2).sum())
