"""Statistics of activations: worked numbers, what chance gives, and what must not change them."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_cli.core.rng import stream
from dropout_cli.metrics.activation_statistics import (
    activation_statistics,
    chance_correlation,
    hoyer_sparseness,
    is_dead,
    mean_absolute_correlation,
    participation_ratio,
    vinje_gallant_sparseness,
)

A = np.array([[0, 0, 3, 1], [0, 2, 2, 0], [1, 0, 0, 0], [0, 0, 1, 1]], np.float32)
"""Four examples of four units, with every number worked out by hand."""


def test_the_worked_example_has_its_numbers() -> None:
    """Sparseness over units and over examples, correlation and dimension of a matrix of 4 by 4."""
    np.testing.assert_allclose(hoyer_sparseness(A, 1), [0.735089, 0.585786, 1, 0.585786], atol=5e-7)
    np.testing.assert_allclose(vinje_gallant_sparseness(A, 1), [0.8, 2 / 3, 1, 2 / 3], atol=5e-7)
    np.testing.assert_allclose(hoyer_sparseness(A, 0), [1, 1, 0.396433, 0.585786], atol=5e-7)
    np.testing.assert_allclose(vinje_gallant_sparseness(A, 0), [1, 1, 0.476190, 2 / 3], atol=5e-7)
    assert mean_absolute_correlation(A) == pytest.approx(0.49467384, abs=5e-9)
    assert participation_ratio(A) == pytest.approx(2.02, abs=5e-3)
    found = activation_statistics(A)
    assert found.mean == 11 / 16 and found.share_of_zeros == 9 / 16
    assert found.population_hoyer == pytest.approx((0.735089 + 2 * 0.585786 + 1) / 4, abs=5e-7)
    assert found.lifetime_sparseness == pytest.approx((2 + 0.476190 + 2 / 3) / 4, abs=5e-7)


def test_the_correlation_and_the_dimension_agree_with_numpy() -> None:
    """Also for more units than examples, and for more units than one block of the matrix."""
    for shape in ((40, 7), (20, 60), (30, 1100)):
        x = stream(0, "test", shape[1]).normal(size=shape) @ np.diag(1 + np.arange(shape[1]) % 5)
        off = np.abs(np.asarray(np.corrcoef(x.T))[np.triu_indices(shape[1], 1)]).mean()
        assert mean_absolute_correlation(x) == pytest.approx(off, rel=1e-9)
        s = np.cov(x.T)
        assert participation_ratio(x) == pytest.approx(np.trace(s) ** 2 / (s**2).sum(), rel=1e-9)


@pytest.mark.parametrize("classes", [1, 10])
def test_independent_units_correlate_as_much_as_chance_says(classes: int) -> None:
    """Over all examples and within classes, whose means differ by far more than their examples do."""
    examples, units, repeats = 200, 20, 40
    labels = np.arange(examples) % classes
    found = []
    for number in range(repeats):
        rng = stream(number, "test")
        x = rng.normal(size=(examples, units)) + 9 * rng.normal(size=(classes, units))[labels]
        found.append(mean_absolute_correlation(x, labels))
    chance = chance_correlation(examples, classes)
    # |r| of one pair has variance (1 - 2 / pi) / (N - classes), and the pairs are uncorrelated. The size of chance is
    # exact up to a factor of 1 + 1 / (4 (N - classes)).
    pairs = units * (units - 1) / 2 * repeats
    error = math.sqrt((1 - 2 / math.pi) / (examples - classes) / pairs)
    assert abs(np.mean(found) - chance) < 5 * error + chance / (4 * (examples - classes))


def test_within_classes_the_means_of_the_classes_do_not_matter() -> None:
    """Units that only tell the class correlate over all examples, and are left out within classes."""
    labels = np.repeat([0, 1, 2], 20)
    x = stream(0, "test").normal(size=(60, 5))
    shifted = x + 100 * stream(1, "test").normal(size=(3, 5))[labels]
    assert mean_absolute_correlation(shifted, labels) == pytest.approx(mean_absolute_correlation(x, labels), rel=1e-9)
    assert mean_absolute_correlation(shifted) > 0.3
    only = np.column_stack([x, labels == 0, labels == 1]).astype(float)
    assert mean_absolute_correlation(only, labels) == pytest.approx(mean_absolute_correlation(x, labels), rel=1e-12)
    assert math.isnan(mean_absolute_correlation(np.eye(3)[labels], labels))


@given(st.permutations(range(12)), st.integers(0, 10))
def test_the_order_of_examples_changes_nothing(order: list[int], seed: int) -> None:
    """All statistics are equal up to rounding; counts are equal."""
    rng = stream(seed, "test")
    x, labels = np.maximum(rng.normal(size=(12, 6)), 0), rng.integers(3, size=12)
    one = asdict(activation_statistics(x, labels))
    other = asdict(activation_statistics(x[order], labels[order]))
    assert one == pytest.approx(other, rel=1e-9, abs=1e-12, nan_ok=True)


def test_dead_units_and_zeros_are_counted_and_left_out() -> None:
    """A unit stuck at 0 or at 2 is dead; sparseness and correlation are those of the other units."""
    x = np.maximum(stream(0, "test").normal(size=(50, 4)), 0)
    stuck = np.column_stack([x, np.zeros(50), np.full(50, 2.0)])
    stuck[7] = 0
    stuck[7, 5] = 2
    assert list(is_dead(stuck)) == [False] * 4 + [True] * 2
    found, alone = activation_statistics(stuck), activation_statistics(stuck[:, :4])
    assert (found.dead_units, found.zero_units, found.zero_examples) == (2, 1, 0)
    assert alone.zero_examples == int((~stuck[:, :4].any(axis=1)).sum()) >= 1
    assert found.correlation == pytest.approx(alone.correlation, rel=1e-12)
    assert found.participation_ratio == pytest.approx(alone.participation_ratio, rel=1e-12)
    assert found.lifetime_hoyer == pytest.approx((4 * alone.lifetime_hoyer + 0) / 5, rel=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 3)])
@pytest.mark.parametrize("fill", [0.0, 1.0, -3.0])
def test_activations_without_variation_have_no_correlation(shape: tuple[int, int], fill: float) -> None:
    """It is not defined, and neither is the dimension; no number is infinite."""
    found = activation_statistics(np.full(shape, fill), np.zeros(shape[0], int))
    assert math.isnan(found.correlation) and math.isnan(found.participation_ratio)
    assert found.dead_units == shape[1] and found.mean == fill
    assert not any(math.isinf(value) for value in asdict(found).values())


def test_the_sign_of_activations_does_not_matter_to_sparseness() -> None:
    """Hoyer's and Vinje and Gallant's numbers use magnitudes."""
    x = stream(0, "test").normal(size=(20, 8))
    for measure in (hoyer_sparseness, vinje_gallant_sparseness):
        np.testing.assert_array_equal(measure(x, 1), measure(np.abs(x), 1))
