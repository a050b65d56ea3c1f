"""Splits and scaling: who trains, who validates, who tests, and what they are scaled by."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.base import Examples, Source
from dropout_cli.data.scaling import BLOCK_VALUES, fit_scaling
from dropout_cli.data.splits import SplitRows, split_rows


@dataclass(frozen=True, kw_only=True)
class Given(Source):
    """Examples that a test makes up."""

    labels: tuple[int, ...]
    train_count: int | None = None
    assigned: tuple[int, ...] | None = None
    groups: tuple[int, ...] | None = None
    default_test_fraction: ClassVar[float | None] = None

    def read(self) -> Examples:
        """Row numbers as the only feature."""
        labels = np.array(self.labels, np.intp)
        return Examples(
            np.arange(len(labels), dtype=np.float32)[:, np.newaxis],
            labels,
            ("ant", "bee", "cat"),
            train_count=self.train_count,
            assigned_parts=None if self.assigned is None else np.array(self.assigned, np.int8),
            groups=None if self.groups is None else np.array(self.groups, np.intp),
        )


BALANCED = (0, 1, 2) * 100


def divide(labels: tuple[int, ...], **keys: Any) -> SplitRows:
    """Split examples of these labels."""
    source = Given(labels=labels, **keys)
    return split_rows(source.read(), source)


@given(n=st.integers(60, 400), val=st.floats(0.1, 0.4), test=st.floats(0.1, 0.4), seed=st.integers(0, 2**40))
@settings(deadline=None, max_examples=40)
def test_parts_are_exact_disjoint_and_ascending(n: int, val: float, test: float, seed: int) -> None:
    """Every row is in exactly one part, parts have round(fraction * n) rows, in ascending order."""
    labels = tuple(index % 3 for index in range(n))
    rows = divide(labels, val_fraction=val, test_fraction=test, split_seed=seed)
    assert rows.val is not None
    assert (len(rows.val), len(rows.test)) == (round(val * n), round(test * n))
    assert sorted(np.concatenate([rows.train, rows.val, rows.test])) == list(range(n))
    assert all((np.diff(part) > 0).all() and part.dtype == np.intp for part in rows if part is not None)


def test_every_part_has_the_classes_in_proportion() -> None:
    """With classes of 200, 60 and 40, each part has each class within one example of its share."""
    labels = np.array([0] * 200 + [1] * 60 + [2] * 40)
    rows = divide(tuple(labels.tolist()), val_fraction=0.15, test_fraction=0.2)
    for part in rows:
        assert part is not None
        expected = np.array([200, 60, 40]) * len(part) / 300
        assert np.abs(np.bincount(labels[part]) - expected).max() <= 1


def test_a_split_is_a_function_of_its_seed() -> None:
    """The same seed gives the same rows, another seed gives others."""
    first, same, other = (divide(BALANCED, split_seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.test, same.test) and np.array_equal(first.train, same.train)
    assert not np.array_equal(first.test, other.test)


def test_the_test_part_does_not_depend_on_the_validation_part() -> None:
    """Validating on more, or on nothing, tests on the same examples."""
    tests = [divide(BALANCED, val_fraction=fraction).test for fraction in (0.0, 0.1, 0.3)]
    assert np.array_equal(tests[0], tests[1]) and np.array_equal(tests[0], tests[2])


def test_no_validation_part_without_a_fraction() -> None:
    """val_fraction 0 gives no validation part and leaves its examples to training."""
    rows = divide(BALANCED, val_fraction=0.0)
    assert rows.val is None and len(rows.train) == 240


def test_the_official_test_set_is_kept() -> None:
    """Without test_fraction, the test part is the official one, and val_fraction counts from the training set."""
    rows = divide(BALANCED, train_count=200, test_fraction=None, val_fraction=0.1)
    assert rows.val is not None
    assert rows.test.tolist() == list(range(200, 300))
    assert (len(rows.val), len(rows.train)) == (20, 180)


def test_a_test_fraction_pools_everything() -> None:
    """With test_fraction, official training and test examples are mixed and split again."""
    rows = divide(BALANCED, train_count=200, test_fraction=0.2, val_fraction=0.1)
    assert rows.val is not None
    assert (len(rows.test), len(rows.val)) == (60, 30)
    assert rows.test.min() < 200 <= rows.train.max()


@pytest.mark.parametrize(
    ("labels", "keys", "place", "words"),
    [
        (BALANCED, {"test_fraction": None}, "dataset.test_fraction", "this dataset has none"),
        (BALANCED, {"test_fraction": 0.001}, "dataset.test_fraction", "takes 0 of 300"),
        (BALANCED, {"val_fraction": 0.005}, "dataset.val_fraction", "takes 2 of 240"),
        (BALANCED, {"test_fraction": 0.999}, "dataset.test_fraction", "leaves 0 of 300"),
        (BALANCED, {"val_fraction": 0.8}, "dataset.val_fraction", "leaves 0 of 240"),
        (BALANCED, {"val_fraction": 0.9}, "dataset.val_fraction", "leaves 0 of 240"),
        ((*(0, 1) * 20, 2), {}, "dataset.test_fraction", "class 'cat' has only one example"),
    ],
)
def test_impossible_splits_are_refused(labels: tuple[int, ...], keys: dict[str, Any], place: str, words: str) -> None:
    """A split that cannot be made is a data error that names the key, the number and a way out."""
    with pytest.raises(DataError) as caught:
        divide(labels, **keys)
    (problem,) = caught.value.problems
    assert problem.place == place and words in problem.fact and problem.way_out


def apply(x: Array, kind: str) -> Array:
    """`x`, scaled by what is fitted to it."""
    scaling = fit_scaling(x, kind)
    assert scaling.scale.dtype == scaling.shift.dtype == np.float32
    return np.asarray(x * scaling.scale + scaling.shift)


def test_unit_scaling_maps_every_feature_onto_zero_to_one() -> None:
    """The least value of a feature becomes 0, the greatest 1."""
    y = apply(np.random.default_rng(0).normal(5, 3, (50, 4)).astype(np.float32), "unit")
    assert np.allclose(y.min(axis=0), 0, atol=1e-6) and np.allclose(y.max(axis=0), 1, atol=1e-6)


def test_standardizing_gives_mean_zero_and_variance_one() -> None:
    """Also when the data come in several blocks."""
    x = np.random.default_rng(0).normal(5, 3, (BLOCK_VALUES // 8 + 1000, 8)).astype(np.float32)
    y = apply(x, "standardize").astype(np.float64)
    assert np.allclose(y.mean(axis=0), 0, atol=1e-5) and np.allclose(y.std(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("kind", ["unit", "standardize"])
def test_a_constant_feature_becomes_zero(kind: str) -> None:
    """Nothing is divided by zero."""
    x = np.full((10, 2), 7.5, np.float32)
    x[:, 1] = range(10)
    y = apply(x, kind)
    assert np.array_equal(y[:, 0], np.zeros(10)) and np.isfinite(y).all()


def test_pictures_are_scaled_per_channel() -> None:
    """One pair per channel: all pixels keep their proportions."""
    x = np.zeros((3, 2, 2, 2), np.uint8)
    x[1, 0, 1] = 50, 200
    scaling = fit_scaling(x, "unit")
    assert np.allclose(scaling.scale, [1 / 50, 1 / 200]) and np.array_equal(scaling.shift, [0, 0])


def test_no_scaling_leaves_values_as_they_are() -> None:
    """`none` multiplies by 1 and adds 0."""
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    assert np.array_equal(apply(x, "none"), x)


def test_the_split_seed_reaches_validation() -> None:
    """If the official test set is kept, the seed chooses the validation examples from the training examples."""
    source = Given(labels=BALANCED, train_count=200, test_fraction=None)
    first, other = (split_rows(source.read(), replace(source, split_seed=seed)).val for seed in (0, 1))
    assert first is not None and other is not None and not np.array_equal(first, other)
