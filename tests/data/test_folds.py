"""Folds, and what changes with the split seed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_cli.core.errors import DataError
from dropout_cli.data import DatasetLoader, load_dataset
from dropout_cli.data.base import TEST, TRAIN, VAL
from dropout_cli.data.sources.table import TableSource
from dropout_cli.data.splits import SplitRows, split_rows
from tests.data.test_splits import BALANCED, Given, divide


def folded(folds: int, **keys: Any) -> list[SplitRows]:
    """The parts for each fold, of examples with these keys."""
    labels = keys.pop("labels", BALANCED)
    return [divide(labels, folds=folds, fold=fold, **keys) for fold in range(folds)]


@given(n=st.integers(40, 300), folds=st.integers(2, 9), val=st.floats(0.1, 0.4), seed=st.integers(0, 2**40))
@settings(deadline=None, max_examples=30)
def test_folds_are_a_partition(n: int, folds: int, val: float, seed: int) -> None:
    """The test parts of one split seed are disjoint and together all rows; the rest is divided as without folds."""
    labels = tuple(index % 3 for index in range(n))
    every = folded(folds, labels=labels, val_fraction=val, split_seed=seed)
    assert sorted(np.concatenate([rows.test for rows in every])) == list(range(n))
    for rows in every:
        assert rows.val is not None and len(rows.val) == round(val * n)
        assert sorted(np.concatenate([rows.train, rows.val, rows.test])) == list(range(n))
        assert all((np.diff(part) > 0).all() and part.dtype == np.intp for part in rows if part is not None)


def test_every_fold_has_the_classes_in_proportion() -> None:
    """With classes of 200, 60 and 40, each of five folds has each class within one example of its share."""
    labels = np.array([0] * 200 + [1] * 60 + [2] * 40)
    for rows in folded(5, labels=tuple(labels.tolist())):
        assert np.abs(np.bincount(labels[rows.test]) - np.array([40, 12, 8])).max() <= 1


def test_folds_are_a_function_of_the_split_seed() -> None:
    """The same seed gives the same folds, another seed gives others, and `val_fraction` does not matter."""
    first, same, other = ([rows.test.tolist() for rows in folded(3, split_seed=seed)] for seed in (1, 1, 2))
    assert first == same != other
    assert first == [rows.test.tolist() for rows in folded(3, split_seed=1, val_fraction=0.0)]


def test_a_group_is_in_one_fold() -> None:
    """No group is in two parts, and each is in the test part of one fold."""
    groups = np.arange(300) // 10
    every = folded(4, groups=tuple(groups.tolist()))
    assert sorted(group for rows in every for group in np.unique(groups[rows.test])) == list(range(30))
    for rows in every:
        assert not np.intersect1d(groups[rows.test], groups[rows.train]).size


@pytest.mark.parametrize(
    ("keys", "words", "way_out"),
    [
        (
            {"labels": (*(0, 1) * 20, *(2,) * 4)},
            "class 'cat' has only 4 examples",
            "Set fewer",
        ),
        ({"groups": (0, 1, 2) * 100}, "5 folds are too many for 3 groups", "Set fewer"),
        ({"train_count": 200, "test_fraction": None}, "already have a test part", "test_fraction to 0.2"),
        (
            {"assigned": (TRAIN, TRAIN, TEST) * 100, "test_fraction": None},
            "have a test part",
            "Remove dataset.folds",
        ),
        ({"assigned": (TRAIN, TRAIN, VAL) * 100}, "have a validation part", "Remove dataset.folds"),
    ],
)
def test_impossible_folds_are_refused(keys: dict[str, Any], words: str, way_out: str) -> None:
    """Too few of a class or of groups, and data that give parts themselves; the official ones can be pooled."""
    with pytest.raises(DataError) as caught:
        folded(5, **keys)
    (problem,) = caught.value.problems
    assert problem.place == "dataset.folds" and words in problem.fact and way_out in problem.way_out


def test_folds_of_pooled_examples() -> None:
    """A test fraction of the size of a fold mixes official training and test examples."""
    every = folded(5, train_count=200, test_fraction=0.2)
    assert sorted(np.concatenate([rows.test for rows in every])) == list(range(300))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"fold": 1}, "fold: needs dataset.folds"),
        ({"folds": 3, "fold": 3}, "fold: must be below the number of folds, 3; got 3"),
        (
            {"folds": 3, "test_fraction": 0.25},
            "test_fraction: cannot be 0.25 together with folds",
        ),
    ],
)
def test_keys_about_folds_contradict_each_other(keys: dict[str, Any], said: str) -> None:
    """No such fold, or a test part of another size."""
    with pytest.raises(ValueError, match=said):
        Given(labels=BALANCED, **keys)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"val_fraction": 0.0},
        {"folds": 3},
        {"train_count": 200},
        {"train_count": 200, "test_fraction": None},
        {"train_count": 200, "test_fraction": None, "val_fraction": 0.0},
        {"assigned": (TRAIN, VAL, TEST) * 100, "test_fraction": None},
        {"assigned": (TRAIN, VAL, TEST) * 100},
        {"assigned": (TRAIN, TRAIN, TEST) * 100, "test_fraction": None},
        {"assigned": (TRAIN, TRAIN, VAL) * 100},
    ],
)
def test_the_parts_that_vary_are_those_that_change_with_the_split_seed(keys: dict[str, Any]) -> None:
    """The parts that a source declares as varying are those that another seed changes."""
    source = Given(**{"labels": BALANCED} | keys)
    one, other = (split_rows(source.read(), replace(source, split_seed=seed)) for seed in (0, 1))
    changed = tuple(
        name for name in ("train", "val", "test") if not np.array_equal(getattr(one, name), getattr(other, name))
    )
    assert source.varying_parts(source.read()) == changed


def test_data_are_read_once_for_all_their_splits(tmp_path: Path) -> None:
    """A loader splits the same data again, as `load` does, and does not read the file again."""
    file = tmp_path / "table.csv"
    file.write_text("a,b,label\n" + "".join(f"{n},{n * n % 7},{'xy'[n % 2]}\n" for n in range(60)))
    source, loader = TableSource(path=str(file), folds=3), DatasetLoader()
    others = [replace(source, split_seed=4), replace(source, fold=2)]
    expected = [load_dataset(one) for one in others]
    loader.load(source)
    file.unlink()
    for one, fresh in zip(others, expected, strict=True):
        known = loader.load(one)
        assert np.array_equal(known.test.rows, fresh.test.rows) and known.fingerprint == fresh.fingerprint
        assert np.array_equal(known.scaling.scale, fresh.scaling.scale)
        assert known.varying_parts == ("train", "val", "test")
    with pytest.raises(DataError):
        loader.load(replace(source, header=False))
