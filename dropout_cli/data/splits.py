"""Which rows train, which validate, which test: stratified by class, by group, or as the data say."""

from typing import NamedTuple

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.rng import stream
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.base import TEST, TRAIN, VAL, Examples, Source


class Rows(NamedTuple):
    """Row numbers of each part, ascending, intp."""

    train: Array
    val: Array | None
    test: Array


def split(examples: Examples, source: Source) -> Rows:
    """Split as `source` says, from the `split` stream; without groups each part has exactly round(fraction * N) rows.

    The test part does not depend on `val_fraction`. Parts that the data themselves assign are kept, a test part unless
    `test_fraction` is given. With folds, the test parts of one `split_seed` are disjoint, and together all rows. Raises
    DataError where a fraction leaves a part without an example per class, or a class is too small to be divided.
    """
    total = len(examples.labels)
    rows = np.arange(total, dtype=np.intp)
    test_seed, val_seed = (int(seed) for seed in stream(source.split_seed, "split").integers(2**32, size=2))
    given = np.full(total, TRAIN, np.int8) if examples.assigned is None else examples.assigned
    if source.folds is not None:
        rest, test = _folded(rows, examples, source, test_seed)
    elif source.draws_test(examples):
        fraction = source.default_test_fraction if source.test_fraction is None else source.test_fraction
        if fraction is None:
            fact = "must be a number, got null, which keeps an official test set, and this dataset has none"
            raise DataError("dataset.test_fraction", fact, "Give the part to test on, such as 0.2")
        rest, test = _divide(rows, examples, round(fraction * total), test_seed, "test_fraction")
    elif (given == TEST).any():
        rest, test = rows[given != TEST], rows[given == TEST]
        total = len(rest)
    else:
        rest, test = rows[: examples.train_count], rows[examples.train_count :]
        total = len(rest)

    if (given[rest] == VAL).any():
        return _whole(Rows(rest[given[rest] != VAL], rest[given[rest] == VAL], test))
    if source.val_fraction == 0:
        return _whole(Rows(rest, None, test))
    count = round(source.val_fraction * total)
    train, val = _divide(rest, examples, count, val_seed, "val_fraction")
    return Rows(train, val, test)


def _folded(rows: Array, examples: Examples, source: Source, seed: int) -> tuple[Array, Array]:
    """Return (left, taken), where `fold` of the folds is taken. Raises DataError."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

    folds = source.folds
    assert folds is not None
    if examples.gives(VAL) or not source.draws_test(examples):
        part = "validation" if examples.gives(VAL) else "test"
        pooled = f", or set dataset.test_fraction to {1 / folds:.4g}, which takes the test part for folds, too"
        way_out = f"Leave dataset.folds out{pooled * (part == 'test' and examples.train_count is not None)}"
        raise DataError(
            "dataset.folds", f"divide all examples, and these data have a {part} part of their own", way_out
        )
    labels = None if examples.quantities else examples.labels[rows]
    if examples.groups is not None:
        divided, least = GroupKFold(folds, shuffle=True, random_state=seed), len(np.unique(examples.groups))
        fact = f"{folds} folds of {counted(least, 'group')}"
    elif labels is None:
        divided, least = KFold(folds, shuffle=True, random_state=seed), len(rows)
        fact = f"{folds} folds of {counted(least, 'example')}"
    else:
        sizes = np.bincount(labels, minlength=len(examples.classes))
        rarest = int(np.argmin(np.where(sizes > 0, sizes, len(rows) + 1)))
        divided, least = StratifiedKFold(folds, shuffle=True, random_state=seed), int(sizes[rarest])
        fact = f"{folds} folds, and class '{examples.classes[rarest]}' has {counted(least, 'example')} for them"
    if least < folds:
        raise DataError("dataset.folds", fact, "Set fewer")
    left, taken = list(divided.split(rows, labels, examples.groups))[source.fold]
    return rows[left], rows[taken]


def _whole(rows: Rows) -> Rows:
    """With something in every part. Raises DataError."""
    for name, part in zip(("training", "validation", "test"), rows, strict=True):
        if part is not None and not len(part):
            raise DataError("dataset", f"no row is left for the {name} part", "Assign some to it")
    return rows


def _divide(rows: Array, examples: Examples, count: int, seed: int, key: str) -> tuple[Array, Array]:
    """Take `count` of `rows`, each class in proportion; return (left, taken). `key` is blamed if it cannot be done."""
    from sklearn.model_selection import train_test_split

    names, labels = examples.classes, None if examples.quantities else examples.labels[rows]
    sizes = np.array([len(rows)]) if labels is None else np.bincount(labels, minlength=len(names))
    classes, smallest = np.count_nonzero(sizes), int(np.argmin(np.where(sizes > 0, sizes, len(rows) + 1)))
    each = "" if labels is None else f", and each of {classes} classes needs one at least"
    for what, size, way_out in (("takes", count, "Raise it"), ("leaves", len(rows) - count, "Lower it")):
        if size < classes:
            raise DataError(
                f"dataset.{key}", f"{what} {max(size, 0)} of {counted(len(rows), 'example')}{each}", way_out
            )
    if examples.groups is not None:
        return _by_group(rows, examples.groups[rows], count / len(rows), seed, key)
    if labels is not None and sizes[smallest] < 2:
        fact = f"class '{names[smallest]}' has a single example here, and a stratified split needs two of each class"
        raise DataError(f"dataset.{key}", fact, "Leave that class out, or add examples of it")
    left, taken = train_test_split(rows, test_size=count, stratify=labels, random_state=seed)
    return np.sort(left), np.sort(taken)


def _by_group(rows: Array, groups: Array, share: float, seed: int, key: str) -> tuple[Array, Array]:
    """Take about that share of the groups, whole; classes are not balanced then."""
    from sklearn.model_selection import GroupShuffleSplit

    try:
        left, taken = next(GroupShuffleSplit(1, test_size=share, random_state=seed).split(rows, groups=groups))
    except ValueError:
        fact = f"cannot divide {counted(len(np.unique(groups)), 'group')} so that no part is empty"
        raise DataError(f"dataset.{key}", fact, "Change it, or leave dataset.group out") from None
    return rows[left], rows[taken]
