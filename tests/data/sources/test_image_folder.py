"""Folders of pictures, real PNG and JPEG files: read, resized, kept, read again when changed, or refused by name."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dropout_cli import config
from dropout_cli.core.errors import ConfigError, DataError
from dropout_cli.data import load_dataset
from dropout_cli.data.readers import images
from dropout_cli.data.sources.image_folder import ImageFolder
from dropout_cli.training.setup import prepare


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept outside of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("DROPOUT_DATA", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six gray pictures of each of two classes, 6 pixels high and 5 wide; the second class is brighter."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(("dark", "light")):
        for number in range(6):
            place = tmp_path / "pictures" / name / ("more" if number == 5 else "")
            place.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(100 * label, 100 * label + 100, (6, 5), dtype=np.uint8)
            Image.fromarray(pixels).save(place / f"{number}.png")
    return tmp_path / "pictures"


def source(folder: Path, **keys: Any) -> ImageFolder:
    """The source for that folder."""
    return ImageFolder(path=str(folder), **keys)


def test_folders_are_classes(folder: Path) -> None:
    """In order of name, folders within included, hidden files and other files left out; PNG keeps every pixel."""
    (folder / "dark" / "notes.txt").write_text("no picture")
    (folder / "dark" / ".hidden.png").write_text("no picture")
    (folder / ".git").mkdir()
    found = source(folder).read()
    assert found.classes == ("dark", "light") and found.x.shape == (12, 6, 5, 1)
    assert found.labels.tolist() == [0] * 6 + [1] * 6
    np.testing.assert_array_equal(found.x[1, :, :, 0], np.asarray(Image.open(folder / "dark" / "1.png")))


def test_colour_size_and_kinds_of_files(folder: Path) -> None:
    """One picture with colour makes all of them have three channels; palettes, JPEG and turned ones count."""
    Image.new("RGB", (5, 6), (10, 20, 30)).save(folder / "dark" / "rgb.png")
    Image.new("P", (5, 6)).save(folder / "dark" / "palette.png")
    turned = Image.Exif()
    turned[images.EXIF_ORIENTATION] = 6
    Image.new("L", (6, 5), 77).save(folder / "light" / "turned.JPG", exif=turned)
    found = source(folder).read()
    assert found.x.shape == (15, 6, 5, 3) and found.x.dtype == np.uint8
    rows = {tuple(row) for row in found.x[:, 0, 0].tolist()}
    assert (10, 20, 30) in rows and (77, 77, 77) in rows
    assert source(folder, color="gray", size=8).read().x.shape == (15, 8, 8, 1)
    assert source(folder, color="rgb", size=(4, 3)).read().x.shape == (15, 4, 3, 3)


def test_other_sizes_are_named(folder: Path) -> None:
    """With the way out."""
    Image.new("L", (9, 9)).save(folder / "light" / "big.png")
    with pytest.raises(DataError, match=r"big.png: has 9 x 9 pixels, but dark/0.png has 6 x 5. Set dataset.size"):
        source(folder).read()


@pytest.mark.parametrize("damage", ["text", "cut", "bomb", "empty"])
def test_a_broken_picture_is_named_or_left_out_and_counted(folder: Path, damage: str) -> None:
    """The damage may be in the header or in the pixels."""
    broken = folder / "light" / "broken.png"
    whole = (folder / "light" / "0.png").read_bytes()
    bomb = whole[:16] + (100_000).to_bytes(4, "big") * 2 + whole[24:]
    broken.write_bytes({"text": b"hello", "cut": whole[:45], "bomb": bomb, "empty": b""}[damage])
    with pytest.raises(DataError, match=r"broken.png: cannot be read as an image: .*skip_broken"):
        source(folder).read()
    for _ in range(2):  # read, and from the cache
        found = source(folder, skip_broken=True).read()
        assert len(found.x) == len(found.labels) == 12
        assert found.notices == ("1 of 13 images cannot be read and is left out: light/broken.png.",)


def test_the_second_reading_decodes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And gives the same arrays; a changed, added or removed picture is noticed."""
    first = source(folder).read()
    calls: list[Path] = []
    guarded = images.with_image

    def counted(file: Path, work: Any) -> object:
        calls.append(file)
        return guarded(file, work)

    monkeypatch.setattr("dropout_cli.data.sources.image_folder.with_image", counted)
    again = source(folder).read()
    assert not calls
    np.testing.assert_array_equal(again.x, first.x)
    np.testing.assert_array_equal(again.labels, first.labels)
    Image.new("L", (5, 6), 9).save(folder / "dark" / "1.png")
    assert (source(folder).read().x[1] == 9).all() and calls
    (folder / "dark" / "1.png").unlink()
    assert len(source(folder).read().x) == 11


def test_a_damaged_cache_is_made_anew(folder: Path, tmp_path: Path) -> None:
    """It is a convenience, never a source."""
    first = source(folder).read()
    (cache,) = (tmp_path / "data" / "dropout" / "cache").iterdir()
    cache.write_bytes(cache.read_bytes()[:-100])
    np.testing.assert_array_equal(source(folder).read().x, first.x)
    cache.unlink()
    cache.mkdir()
    np.testing.assert_array_equal(source(folder).read().x, first.x)


def test_folders_that_are_no_dataset(folder: Path, tmp_path: Path) -> None:
    """No folder, no classes, one class, a class without pictures."""
    (tmp_path / "one" / "class").mkdir(parents=True)
    for path, fact in ((tmp_path / "none", "cannot be opened"), (tmp_path / "one", "has 1 folder")):
        with pytest.raises(DataError, match=fact):
            source(path).read()
    (folder / "third").mkdir()
    with pytest.raises(DataError, match="third: has no readable image"):
        source(folder).read()


def test_a_network_trains_on_it(folder: Path, tmp_path: Path) -> None:
    """Settings that do not fit the pictures are an error as soon as the pictures are read."""
    file = tmp_path / "own.yaml"
    text = f"dataset: {{name: image_folder, path: {os.path.relpath(folder, tmp_path)}, test_fraction: 0.34}}\n"
    file.write_text(text + "architecture: {name: cnn, layers: [conv 2 3x3, global]}\ntraining: {batch_size: 4}\n")
    assert prepare(config.load_config(file).experiment).dataset.shape == (6, 5, 1)
    file.write_text(text + "architecture: {name: cnn, layers: [conv 2 7x7 valid, global]}\n")
    with pytest.raises(ConfigError, match=r"architecture.layers.*conv1"):
        prepare(config.load_config(file).experiment)
    assert load_dataset(source(folder, test_fraction=0.34)).classes == ("dark", "light")
