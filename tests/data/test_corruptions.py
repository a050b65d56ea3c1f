"""Corruptions of examples: of pictures with values from 0 to 1, and of tables."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pytest

from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.data import Dataset, load_dataset
from dropout_cli.data.base import Source
from dropout_cli.data.corruptions import pictures
from dropout_cli.data.corruptions.cells import find_cells
from dropout_cli.data.corruptions.changed_rows import DRAW_ROWS, draw_rows
from dropout_cli.data.corruptions.kinds import PICTURE_SHIFTS, Shift, find_shift, picture_strengths
from dropout_cli.data.corruptions.pixel_range import PixelRange, find_pixel_range
from dropout_cli.data.readers.file_rows import FilePiece, FileRows
from dropout_cli.data.sources.arrays import Arrays
from dropout_cli.data.sources.mnist import Mnist
from dropout_cli.data.sources.sklearn import Digits, Iris
from dropout_cli.data.sources.table import TableSource


def random_pictures(*shape: int) -> Array:
    """Pictures with values from 0 to 1."""
    return np.random.default_rng(0).random(shape, np.float32)


def shift_of(name: str, source: Source) -> tuple[Shift, Dataset]:
    """A shift of a dataset, and the dataset."""
    dataset = load_dataset(source)
    return find_shift(name, dataset, source, seed=3), dataset


@pytest.mark.parametrize("shape", [(3, 28, 28, 1), (2, 9, 9, 3)])
def test_a_rotation_by_90_degrees_moves_every_pixel_to_a_pixel(shape: tuple[int, ...]) -> None:
    """It is counterclockwise, as that of NumPy, to the last bit; 180 degrees are two of them."""
    x = random_pictures(*shape)
    np.testing.assert_array_equal(pictures.rotate_pictures(x, 90), np.rot90(x, k=1, axes=(1, 2)))
    np.testing.assert_array_equal(pictures.rotate_pictures(x, 180), np.rot90(x, k=2, axes=(1, 2)))


def test_a_rotation_keeps_the_size_and_fills_corners_with_black() -> None:
    """The corner of a white picture is outside of the picture after 45 degrees; its center stays white."""
    turned = pictures.rotate_pictures(np.ones((1, 9, 11, 1), np.float32), 45)
    assert turned.shape == (1, 9, 11, 1) and turned[0, 0, 0, 0] == 0 and turned[0, 4, 5, 0] == pytest.approx(1)


@pytest.mark.parametrize("pixels", [0, 1, 4, 7, 9])
def test_a_translation_puts_zeros_in(pixels: int) -> None:
    """The columns on the left are black, the others are those that were `pixels` further to the left."""
    x = random_pictures(2, 5, 7, 1)
    moved = pictures.translate_pictures(x, pixels)
    assert not moved[:, :, :pixels].any()
    np.testing.assert_array_equal(moved[:, :, pixels:], x[:, :, : max(0, 7 - pixels)])


def test_noise_uses_the_same_draws_for_all_strengths() -> None:
    """Where nothing is cut, twice the standard deviation is twice the change."""
    shift, dataset = shift_of("noise", Digits())
    unit = find_pixel_range(dataset, Digits()).to_unit
    weak, strong = (unit(shift.shifted_part(dataset.test, s).x) for s in (0.1, 0.2))
    plain = unit(dataset.test.x)
    inside = (strong > 0) & (strong < 1)
    assert inside.sum() > 1000
    # 4 roundings of float32 numbers of at most 1.
    np.testing.assert_allclose((strong - plain)[inside], 2 * (weak - plain)[inside], atol=4 * 2**-23)
    assert strong.min() == 0 and strong.max() <= 1 + 2**-23


def test_the_draws_of_an_example_depend_on_its_position_alone() -> None:
    """Read alone, in a block or in another order, an example gets the same numbers."""
    count = 2 * DRAW_ROWS + 10
    all_draws = draw_rows(1, "shift:noise", np.arange(count), (2, 3))
    some = np.array([count - 1, 0, DRAW_ROWS, DRAW_ROWS - 1])
    np.testing.assert_array_equal(draw_rows(1, "shift:noise", some, (2, 3)), all_draws[some])
    assert len(np.unique(all_draws)) > 0.99 * all_draws.size  # no block repeats another one


def test_blur_keeps_the_light_and_contrast_takes_its_share() -> None:
    """A point far from the border loses no light; the contrast is a factor."""
    x = np.zeros((1, 41, 41, 1), np.float32)
    x[0, 20, 20] = 1
    assert pictures.blur_pictures(x, 3.0).sum() == pytest.approx(1, abs=1e-3)  # SciPy cuts the filter at 4 sigma
    np.testing.assert_array_equal(pictures.reduce_contrast(x, 0.5), x / 2)


@pytest.mark.parametrize("name", PICTURE_SHIFTS)
def test_the_first_strength_changes_nothing(name: str) -> None:
    """The examples are the same object, so that all numbers are those of a plain evaluation."""
    shift, dataset = shift_of(name, Digits())
    assert shift.shifted_part(dataset.test, shift.strengths[0]) is dataset.test
    assert not np.array_equal(shift.shifted_part(dataset.test, shift.strengths[1]).x, dataset.test.x)


def test_the_strengths_are_those_of_the_reference() -> None:
    """Pictures of 28 pixels have all of them; smaller ones move less far."""
    large, small = (28, 28, 1), (8, 8, 1)
    assert picture_strengths("rotate", large) == tuple(range(0, 181, 15))
    assert picture_strengths("translate", large) == tuple(range(9))
    assert picture_strengths("noise", large) == pytest.approx(np.linspace(0, 1, 11))
    assert picture_strengths("blur", large) == pytest.approx(np.arange(0, 4.1, 0.5))
    assert picture_strengths("contrast", large) == (1, 0.5, 0.2, 0.1, 0.05)
    assert picture_strengths("translate", small)[-1] == 4 and picture_strengths("blur", small)[-1] == 2


@pytest.mark.parametrize("scaling", ["unit", "standardize", "none"])
def test_corruption_comes_before_the_scaling(scaling: Literal["none", "unit", "standardize"]) -> None:
    """However a dataset is scaled, the raw values after a shift are the same, and black stays black."""
    shift, dataset = shift_of("rotate", Digits(scaling=scaling))
    turned = shift.shifted_part(dataset.test, 90.0)
    # 16 levels of gray: the way to 0..1 and back is exact.
    np.testing.assert_array_equal(turned.x, np.rot90(dataset.test.x, axes=(1, 2)))
    corner = shift.shifted_part(dataset.test, 45.0).x[:, 0, 0]
    assert not corner.any()


def test_black_and_white_are_those_of_image_files_or_of_the_training_part(tmp_path: Path) -> None:
    """MNIST has 0 and 255; digits 0 and 16; pictures with negative values begin at their smallest value."""
    digits = load_dataset(Digits())
    assert find_pixel_range(digits, Digits()) == PixelRange(0, 16)
    assert find_pixel_range(digits, Mnist()) == PixelRange(0, 255)
    assert find_pixel_range(replace(digits, pixel_bits=16), Mnist()) == PixelRange(0, 65535)
    x = np.random.default_rng(0).normal(size=(60, 4, 4)).astype(np.float32)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(60) % 2)
    source = Arrays(path=str(tmp_path / "a.npz"))
    dataset = load_dataset(source)
    found = find_pixel_range(dataset, source)
    assert found == PixelRange(float(dataset.train.x.min()), float(dataset.train.x.max()))
    np.testing.assert_allclose(found.from_unit(found.to_unit(x)), x, atol=1e-5)


def test_examples_that_stay_in_files_are_changed_as_in_memory(tmp_path: Path) -> None:
    """They are read block by block, in any order, and give the same values."""
    shift, dataset = shift_of("noise", Digits())
    raw = np.ascontiguousarray(dataset.test.x)
    (tmp_path / "x").write_bytes(raw.tobytes())
    rows = FileRows([FilePiece(tmp_path / "x", 0, len(raw))], raw.shape[1:], raw.dtype, 1 << 20)
    in_files = shift.shifted_part(replace(dataset.test, x=cast(Any, rows)), 0.5)
    in_memory = shift.shifted_part(dataset.test, 0.5)
    some = np.array([300, 2, 299])
    np.testing.assert_array_equal(in_files.x[some], in_memory.x[some])
    np.testing.assert_array_equal(in_files.x[10:20], in_memory.x[10:20])
    assert in_files.x.shape == raw.shape and not isinstance(in_files.x, np.ndarray)


def table(folder: Path, *, gaps: bool = True) -> TableSource:
    """A table of two numbers and a color; every fifth row of the first has a gap."""
    rng = np.random.default_rng(0)
    rows = [
        f"{'' if gaps and n % 5 == 0 else round(float(rng.normal(10, 3)), 3)},{n},{('red', 'blue', 'red')[n % 3]},"
        f"{'ab'[n % 2]}"
        for n in range(200)
    ]
    (folder / "t.csv").write_text("\n".join(["size,age,color,kind", *rows]) + "\n")
    return TableSource(path=str(folder / "t.csv"), target="kind")


def test_noise_of_a_table_is_in_units_of_the_training_sd(tmp_path: Path) -> None:
    """It changes the numbers alone; its sd, from 40 draws per column, is within 5 standard errors."""
    shift, dataset = shift_of("noise", table(tmp_path))
    part = shift.shifted_part(dataset.train, 0.5)
    assert dataset.encoding is not None
    numeric = dataset.encoding.is_numeric
    np.testing.assert_array_equal(part.x[:, ~numeric], dataset.train.x[:, ~numeric])
    changes = (part.x - dataset.train.x)[:, numeric] / dataset.train.x[:, numeric].std(axis=0)
    error = 0.5 / np.sqrt(2 * (len(changes) - 1))
    np.testing.assert_allclose(changes.std(axis=0), 0.5, atol=5 * error)


def test_a_missing_cell_is_what_the_training_made_of_missing_values(tmp_path: Path) -> None:
    """At share 1 all rows are equal to an encoded row without values; the cells of a lower share stay missing."""
    shift, dataset = shift_of("missing", table(tmp_path))
    encoding = dataset.encoding
    assert encoding is not None
    empty = encoding.apply(np.full((1, 3), np.nan, np.float32))
    np.testing.assert_array_equal(shift.shifted_part(dataset.test, 1.0).x, np.repeat(empty, len(dataset.test), axis=0))
    draws = draw_rows(3, "shift:missing", np.arange(len(dataset.test)), (3,), uniform=True)
    for share in (0.3, 0.6):
        part = shift.shifted_part(dataset.test, share)
        missing = (draws < share)[:, encoding.column_of_feature]
        np.testing.assert_array_equal(part.x, np.where(missing, empty, dataset.test.x))
    assert find_cells(dataset).count == 3


def test_without_missing_values_in_training_the_median_replaces_a_number() -> None:
    """Iris has none: at share 1 all rows are the medians of the training part."""
    shift, dataset = shift_of("missing", Iris())
    expected = np.median(dataset.train.x, axis=0)
    np.testing.assert_array_equal(
        shift.shifted_part(dataset.test, 1.0).x, np.tile(expected.astype(np.float32), (len(dataset.test), 1))
    )


@pytest.mark.parametrize(("name", "source"), [("missing", Digits()), ("rotate", Iris()), ("blur", Iris())])
def test_a_shift_that_does_not_suit_the_data_is_refused(name: str, source: Source) -> None:
    """The message names those that do."""
    with pytest.raises(UsageError, match=f"--shift: {name} needs (a table|images).* Choose from: "):
        shift_of(name, source)
