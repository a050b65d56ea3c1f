"""The arrays of a caller as a dataset of the engine."""

from typing import Any

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.data import Dataset, Examples, split_and_scale
from dropout_cli.data.in_memory import NO_FINGERPRINT, ArraysInMemory
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.sparse_rows import SparseRows


def as_rows(X: Any) -> Any:
    """Return a dense array as it is, and a sparse matrix as rows that become dense batch by batch."""
    return X if isinstance(X, np.ndarray) else SparseRows(X.tocsr())


def dataset_of_arrays(
    source: ArraysInMemory,
    X: Any,
    labels: Array,
    weights: Array,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    *,
    batch_size: int,
    known: Preprocessing | None = None,
) -> tuple[Dataset, float]:
    """Return the dataset of some arrays, and the sum of the weights of its training examples.

    Examples with the weight 0 are left out. If one batch holds all examples, copies of an example are trained as one
    with their total weight, in an order that depends on the examples alone. So an example with the weight 3 is the same
    as three copies of it, noise included.

    Args:
        source: The split.
        X: (N, features), dense or sparse.
        labels: (N,) class ids; for a regression (N, targets).
        weights: (N,) weights of the examples, at least one above 0.
        names: Classes, and targets of a regression; one of them is empty.
        batch_size: The most examples per step.
        known: The preprocessing of earlier calls, whose scale of the targets is kept.

    Raises:
        DataError: The examples cannot be split.
    """
    counted = weights > 0
    if not counted.all():
        X, labels, weights = X[counted], labels[counted], weights[counted]
    if X.shape[0] <= batch_size:
        X = X if isinstance(X, np.ndarray) else X.toarray()
        X, labels, weights = _without_copies(X, labels, weights)
    classes, targets = names
    examples = Examples(as_rows(X), labels, classes=classes, target_names=targets, weights=weights)
    dataset = split_and_scale(source, examples, known, known_fingerprint=NO_FINGERPRINT)
    return dataset, float(weights[dataset.train.rows].sum())


def _without_copies(X: Array, labels: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Return the different examples in a fixed order, with the sum of the weights of their copies."""
    rows = np.ascontiguousarray(np.column_stack([X, labels]) + 0.0)  # -0.0 becomes 0.0
    texts = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, inverse = np.unique(texts, return_index=True, return_inverse=True)
    return X[first], labels[first], np.bincount(inverse.ravel(), weights)
