"""Starter configs for arrays and for folders of images: each one trains as it is written."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropout_cli import config
from dropout_cli.config.starter import starter_config
from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.core.types import Array
from dropout_cli.data.sources.arrays import Arrays
from dropout_cli.data.sources.image_folder import ImageFolder
from dropout_cli.training.setup import PreparedExperiment, prepare
from tests.data.sources.image_files import save_images
from tests.data.sources.test_image_parts import make_parts


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is cached outside of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DROPOUT_DATA", raising=False)


def written(data: Path) -> tuple[PreparedExperiment, str, str]:
    """Return what the config for data prepares, its text, and the message."""
    text, message = starter_config(data)
    file = data.parent / "starter.yaml"
    file.write_text(text)
    return prepare(config.load_config(file).experiment), text, message


@pytest.mark.parametrize("rows", [9, 40, 300, 2500])
@pytest.mark.parametrize("shape", [(4,), (8, 8), (14, 12, 3)])
def test_arrays_get_sizes_that_fit(tmp_path: Path, rows: int, shape: tuple[int, ...]) -> None:
    """The batch is not larger than the train part; images of 12 pixels get convolutions; all stop early."""
    x = np.random.default_rng(0).integers(0, 256, (rows, *shape), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(rows) % 3)
    prepared, text, message = written(tmp_path / "a.npz")
    assert int(prepared.experiment.training.batch_size) <= len(prepared.dataset.train) and not prepared.notices
    assert ("name: cnn" in text) == (shape == (14, 12, 3))
    assert "early_stopping" in text
    assert "uses its arrays x and y (classification, 3 classes" in message


def labels(count: int) -> Array:
    """Return labels of two classes."""
    return np.arange(count) % 2


def test_given_parts_and_channels_are_written(tmp_path: Path) -> None:
    """No fraction for a part that the file has; channels first are guessed, with a message."""
    x = np.random.default_rng(0).integers(0, 256, (60, 3, 16, 20), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x_train=x[:40], y_train=labels(40), x_test=x[40:], y_test=labels(20))
    prepared, text, message = written(tmp_path / "a.npz")
    assert prepared.dataset.shape == (16, 20, 3) and len(prepared.dataset.test) == 20
    assert "test_fraction" not in text and "channels: first" in text and "name: cnn" in text
    assert "Change dataset.channels if that is wrong" in message and "x_train and y_train" in message


def test_labels_beside_an_npy_file_are_found(tmp_path: Path) -> None:
    """By their usual names, with the test part; otherwise the error says what to write."""
    x = np.random.default_rng(0).normal(size=(50, 4))
    for name, values in (("X_train", x), ("y_train", labels(50)), ("X_test", x[:20]), ("y_test", labels(20))):
        np.save(tmp_path / f"{name}.npy", values)
    prepared, _, message = written(tmp_path / "X_train.npy")
    source = prepared.experiment.dataset
    assert isinstance(source, Arrays) and len(prepared.dataset.test) == 20
    assert "takes the labels from y_train.npy" in message
    with pytest.raises(DataError, match="seems to contain labels"):
        starter_config(tmp_path / "y_train.npy")
    (tmp_path / "alone").mkdir()
    np.save(tmp_path / "alone" / "x.npy", x)
    with pytest.raises(DataError, match=r"Give both files: dataset: \{name: arrays"):
        starter_config(tmp_path / "alone" / "x.npy")


@pytest.mark.parametrize("count", [6, 30])
def test_a_folder_of_small_images_keeps_their_size(tmp_path: Path, count: int) -> None:
    """Six images of each class leave enough for all parts; images of 6 x 5 pixels get an mlp."""
    for seed, name in enumerate(("a", "b")):
        save_images(tmp_path / "images" / name, count, seed)
    prepared, text, message = written(tmp_path / "images")
    assert prepared.dataset.shape == (6, 5, 1) and "name: mlp" in text and "  size:" not in text
    assert int(prepared.experiment.training.batch_size) <= len(prepared.dataset.train)
    assert f"{2 * count} images of 2 classes: a, b." in message


def test_large_and_different_images_are_resized(tmp_path: Path) -> None:
    """The longer side has 64 pixels; broken images are left out; the key can be changed."""
    root = tmp_path / "images"
    for seed, name in enumerate(("a", "b")):
        (root / name).mkdir(parents=True)
        for number in range(10):
            pixels = np.random.default_rng(10 * seed + number).integers(0, 256, (96, 128 + number, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.jpg")
    whole = (root / "a" / "0.jpg").read_bytes()
    (root / "a" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    prepared, text, message = written(root)
    source = prepared.experiment.dataset
    assert isinstance(source, ImageFolder) and source.skip_broken and source.size is not None
    # The median of the 21 widths is 132, and 96 * 64 / 132 = 46.5.
    assert prepared.dataset.shape == (47, 64, 3) and "name: cnn" in text and "10 sizes" in text
    assert "Change dataset.size" in message and "1 of 21 images cannot be read" in message


def test_folders_of_parts_need_no_fractions(tmp_path: Path) -> None:
    """The message says which folders are parts."""
    root = make_parts(tmp_path / "images", train=8, val=2, test=2)
    prepared, text, message = written(root)
    assert "fraction" not in text and "are parts, not classes" in message
    assert [len(prepared.dataset.train), len(prepared.dataset.test)] == [24, 6]


def test_data_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    """A single image, a target for images or arrays, a folder without classes."""
    save_images(tmp_path / "images" / "a", 2, 0)
    with pytest.raises(DataError, match=r"0.png: is a single image. Give the folder"):
        starter_config(tmp_path / "images" / "a" / "0.png")
    with pytest.raises(DataError, match="each class needs its own folder"):
        starter_config(tmp_path / "images")
    with pytest.raises(UsageError, match="its folders are the classes"):
        starter_config(tmp_path / "images", "a")
