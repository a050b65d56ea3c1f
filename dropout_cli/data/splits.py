"""Split of rows into train, val and test: stratified, by group, or as the data assign."""

from typing import NamedTuple

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.rng import stream
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.base import TEST, TRAIN, VAL, Examples, Source


class SplitRows(NamedTuple):
    """Row numbers of each part, ascending, intp.

    `val` is None without a validation part, and `test` is empty if the caller tests on examples of its own.
    """

    train: Array
    val: Array | None
    test: Array


def split_rows(examples: Examples, source: Source) -> SplitRows:
    """Split the examples as the source says, with the `split` stream, and draw `train_examples`.

    Raises:
        DataError: if a part would be empty, or the training part is smaller than `train_examples`.
    """
    rows = _split_parts(examples, source)
    if source.train_examples is None:
        return rows
    if source.train_examples > len(rows.train):
        fact = f"cannot be {source.train_examples:,}, because the training part has {len(rows.train):,}"
        raise DataError("dataset.train_examples", fact, "Set a smaller number, or null for all of them")
    return rows._replace(train=_draw_subset(rows.train, examples, source))


def _draw_subset(rows: Array, examples: Examples, source: Source) -> Array:
    """Return `train_examples` of the rows, each class in proportion; ascending."""
    count = source.train_examples
    assert count is not None
    shuffled = stream(source.split_seed, "split", 1).permutation(rows)
    if not examples.target_names:
        labels = examples.labels[shuffled]
        place = np.empty(len(rows), np.float64)
        for label in np.unique(labels):
            its = np.flatnonzero(labels == label)
            place[its] = (np.arange(len(its)) + 0.5) / len(its)
        # By relative place within the class, any number of first rows has each class in proportion.
        shuffled = shuffled[np.argsort(place, kind="stable")]
    return np.sort(shuffled[:count])


def _split_parts(examples: Examples, source: Source) -> SplitRows:
    """Split the examples as the source says, with the `split` stream.

    Without groups each part has exactly round(fraction * N) rows. The test part does not depend on
    `val_fraction`. Parts that the data assign are kept; an assigned test part is replaced if `test_fraction`
    is given. With folds, the test parts of one `split_seed` are disjoint and together cover all rows.

    Raises:
        DataError: if a fraction leaves a part without an example per class, or a class is too small to divide.
    """
    total = len(examples.labels)
    rows = np.arange(total, dtype=np.intp)
    # Two seeds from one draw: changing val_fraction then cannot change the test part.
    test_seed, val_seed = (int(seed) for seed in stream(source.split_seed, "split").integers(2**32, size=2))
    given = source.assign_parts(examples)
    assigned = np.full(total, TRAIN, np.int8) if given is None else given
    if source.leaves_testing:
        remaining, test = rows, rows[:0]
    elif source.folds is not None:
        remaining, test = _split_folds(rows, examples, source, test_seed)
    elif source.draws_test_part(examples):
        fraction = source.default_test_fraction if source.test_fraction is None else source.test_fraction
        if fraction is None:
            fact = "null keeps the official test set, but this dataset has none"
            raise DataError("dataset.test_fraction", fact, "Set a number, such as 0.2")
        # Old splits of tables take test rows from a given validation part, too.
        kept = rows[assigned == VAL] if source.draws_test_from_train else rows[:0]
        drawable = np.setdiff1d(rows, kept, assume_unique=True) if len(kept) else rows
        count = round(fraction * len(drawable))
        remaining, test = _take_stratified(drawable, examples, source, count, test_seed, "test_fraction")
        remaining = np.sort(np.concatenate([remaining, kept])) if len(kept) else remaining
    elif (assigned == TEST).any():
        remaining, test = rows[assigned != TEST], rows[assigned == TEST]
        total = len(remaining)
    else:
        remaining, test = rows[: examples.train_count], rows[examples.train_count :]
        total = len(remaining)

    if source.val_last is not None:
        return _take_last(remaining, assigned, source.val_last, test)
    if (assigned[remaining] == VAL).any():
        return _require_nonempty(
            SplitRows(remaining[assigned[remaining] != VAL], remaining[assigned[remaining] == VAL], test)
        )
    if source.val_fraction == 0:
        return _require_nonempty(SplitRows(remaining, None, test), tested=not source.leaves_testing)
    # `total` is the training set if the data provide the test part, else all examples.
    count = round(source.val_fraction * total)
    train, val = _take_stratified(remaining, examples, source, count, val_seed, "val_fraction")
    return SplitRows(train, val, test)


def _split_folds(rows: Array, examples: Examples, source: Source, seed: int) -> tuple[Array, Array]:
    """Return (remaining, test) rows, where `source.fold` is the test part.

    Raises:
        DataError: if the data have a part of their own, or a class or the groups are too few for the folds.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

    folds = source.folds
    assert folds is not None
    if examples.has_part(VAL) or not source.draws_test_part(examples):
        part = "validation" if examples.has_part(VAL) else "test"
        pooled = f", or set dataset.test_fraction to {1 / folds:.4g}, which adds the official test part to the folds"
        way_out = f"Remove dataset.folds{pooled * (part == 'test' and examples.train_count is not None)}"
        raise DataError("dataset.folds", f"cannot be used, because these data already have a {part} part", way_out)
    labels = None if examples.target_names else examples.labels[rows]
    if examples.groups is not None:
        splitter, least = GroupKFold(folds, shuffle=True, random_state=seed), len(np.unique(examples.groups))
        fact = f"{folds} folds are too many for {counted(least, 'group')}"
    elif labels is None:
        splitter, least = KFold(folds, shuffle=True, random_state=seed), len(rows)
        fact = f"{folds} folds are too many for {counted(least, 'example')}"
    else:
        # A class without any example must not count as the smallest, hence the replacement by a large number.
        sizes = np.bincount(labels, minlength=len(examples.classes))
        rarest = int(np.argmin(np.where(sizes > 0, sizes, len(rows) + 1)))
        splitter, least = StratifiedKFold(folds, shuffle=True, random_state=seed), int(sizes[rarest])
        rare = f"class '{examples.classes[rarest]}' has only {counted(least, 'example')}"
        fact = f"{folds} folds are too many: {rare}"
    if least < folds:
        raise DataError("dataset.folds", fact, "Set fewer folds")
    remaining, chosen = list(splitter.split(rows, labels, examples.groups))[source.fold]
    return rows[remaining], rows[chosen]


def _take_last(rows: Array, assigned: Array, count: int, test: Array) -> SplitRows:
    """Return the parts with the last rows for validation; raise DataError if there are too few."""
    if (assigned[rows] == VAL).any():
        fact = "cannot be set, because these data already have a validation part"
        raise DataError("dataset.val_last", fact, "Remove it")
    if count >= len(rows):
        fact = f"cannot be {count:,}, because the training part has {len(rows):,} examples"
        raise DataError("dataset.val_last", fact, "Set a smaller number")
    return SplitRows(rows[:-count], rows[-count:], test)


def _require_nonempty(rows: SplitRows, *, tested: bool = True) -> SplitRows:
    """Return the rows; raise DataError if a part is empty, the test part only if it is `tested`."""
    for name, part in zip(("training", "validation", "test"), rows, strict=True):
        if part is not None and not len(part) and (tested or part is not rows.test):
            raise DataError("dataset", f"no row is left for the {name} part", "Assign rows to it")
    return rows


def _take_stratified(
    rows: Array, examples: Examples, source: Source, count: int, seed: int, key: str
) -> tuple[Array, Array]:
    """Take `count` of `rows`, each class in proportion, and return (left, taken).

    Args:
        rows: row numbers to divide.
        examples: supplies labels, class names and groups.
        source: supplies the advice for a class with a single example.
        count: number of rows to take.
        seed: seed of the draw.
        key: the config key that errors name, `test_fraction` or `val_fraction`.

    Raises:
        DataError: if a part would lack a class, or a class has a single example.
    """
    from sklearn.model_selection import train_test_split

    names, labels = examples.classes, None if examples.target_names else examples.labels[rows]
    sizes = np.array([len(rows)]) if labels is None else np.bincount(labels, minlength=len(names))
    classes, smallest = np.count_nonzero(sizes), int(np.argmin(np.where(sizes > 0, sizes, len(rows) + 1)))
    each = "" if labels is None else f", but each of the {classes} classes needs at least one"
    for verb, size, way_out in (("takes", count, "Raise it"), ("leaves", len(rows) - count, "Lower it")):
        if size < classes:
            raise DataError(
                f"dataset.{key}", f"{verb} {max(size, 0)} of {counted(len(rows), 'example')}{each}", way_out
            )
    if examples.groups is not None:
        # A share instead of a count: whole groups cannot give an exact number of rows.
        return _take_groups(rows, examples.groups[rows], count / len(rows), seed, key)
    if labels is not None and sizes[smallest] < 2:
        fact = f"class '{names[smallest]}' has only one example here, but a stratified split needs two per class"
        raise DataError(f"dataset.{key}", fact, source.rare_class_way_out)
    left, taken = train_test_split(rows, test_size=count, stratify=labels, random_state=seed)
    # `FileRows.subset` needs ascending rows.
    return np.sort(left), np.sort(taken)


def _take_groups(rows: Array, groups: Array, share: float, seed: int, key: str) -> tuple[Array, Array]:
    """Take about this share of the groups, each whole; classes are not balanced."""
    from sklearn.model_selection import GroupShuffleSplit

    try:
        left, taken = next(GroupShuffleSplit(1, test_size=share, random_state=seed).split(rows, groups=groups))
    except ValueError:
        fact = f"{counted(len(np.unique(groups)), 'group')} cannot fill every part"
        raise DataError(f"dataset.{key}", fact, "Change the fraction, or remove dataset.group") from None
    return rows[left], rows[taken]
