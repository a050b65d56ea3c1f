"""Weights of examples in an array."""

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.example_weights import require_valid_weights


def weights_from_array(array: Array, place: str, *, trained: int, total: int) -> Array:
    """Return the weight of each example, (N,) float64; NaN for examples of the other parts.

    Args:
        array: the weights of the first examples, (trained,) or (trained, 1).
        place: the file or array, for messages.
        trained: number of examples before those of the validation and test parts.
        total: N.

    Raises:
        DataError: for another shape or type, or a missing, negative or infinite weight.
    """
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if flat.ndim != 1 or flat.dtype.kind not in "uifb":
        fact = f"has the shape {array.shape} and the type {array.dtype}"
        raise DataError(place, fact, "Weights must be numbers of the shape (N,)")
    if len(flat) != trained:
        fact = f"has {counted(len(flat), 'weight')} for {counted(trained, 'training example')}"
        raise DataError(place, fact, "Give one weight for each example")
    weights = np.full(total, np.nan)
    weights[:trained] = flat
    require_valid_weights(weights[:trained], lambda row: f"{place}, row {row}", "the weight")
    return weights
