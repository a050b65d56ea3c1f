"""Stratified splits: which rows train, which validate, which test."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.data.source import Examples, Source
from dropout_cli.errors import DataError
from dropout_cli.streams import stream


class Rows(NamedTuple):
    """Row numbers of each part, ascending, intp."""

    train: Array
    val: Array | None
    test: Array


def split(examples: Examples, source: Source) -> Rows:
    """Split as `source` says, from the `split` stream; each part has exactly round(fraction * examples) rows.

    The test part does not depend on `val_fraction`. Raises DataError where a fraction leaves a part
    without an example per class, or a class is too small to be divided.
    """
    labels, total = examples.labels, len(examples.labels)
    rows = np.arange(total, dtype=np.intp)
    test_seed, val_seed = (int(seed) for seed in stream(source.split_seed, "split").integers(2**32, size=2))

    if source.test_fraction is not None:
        count = round(source.test_fraction * total)
        rest, test = _divide(rows, labels, examples.classes, count, test_seed, "test_fraction")
    elif examples.train_count is not None:
        rest, test = rows[: examples.train_count], rows[examples.train_count :]
        total = len(rest)
    else:
        fact = "must be a number, got null, which keeps an official test set, and this dataset has none"
        raise DataError("dataset.test_fraction", fact, "Give the part to test on, such as 0.2")

    if source.val_fraction == 0:
        return Rows(rest, None, test)
    count = round(source.val_fraction * total)
    train, val = _divide(rest, labels, examples.classes, count, val_seed, "val_fraction")
    return Rows(train, val, test)


def _divide(rows: Array, labels: Array, names: Sequence[str], count: int, seed: int, key: str) -> tuple[Array, Array]:
    """Take `count` of `rows`, each class in proportion; return (left, taken). `key` is blamed if it cannot be done."""
    from sklearn.model_selection import train_test_split

    sizes = np.bincount(labels[rows])
    classes, smallest = np.count_nonzero(sizes), int(np.argmin(np.where(sizes > 0, sizes, len(rows) + 1)))
    for what, size, way_out in (("takes", count, "Raise it"), ("leaves", len(rows) - count, "Lower it")):
        if size < classes:
            fact = f"{what} {max(size, 0)} of {len(rows)} examples, and each of {classes} classes needs one at least"
            raise DataError(f"dataset.{key}", fact, way_out)
    if sizes[smallest] < 2:
        fact = f"class '{names[smallest]}' has a single example here, and a stratified split needs two of each class"
        raise DataError(f"dataset.{key}", fact, "Leave that class out, or add examples of it")
    left, taken = train_test_split(rows, test_size=count, stratify=labels[rows], random_state=seed)
    return np.sort(left), np.sort(taken)
