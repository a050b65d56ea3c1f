"""Kinds of image files: formats, 16 bits, floating-point pixels, transparency, and what older versions read."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropout_cli.core.errors import DataError
from dropout_cli.data import BatchReader, load_dataset
from dropout_cli.data.loading import DatasetLoader, compute_fingerprint
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.sources.image_folder import ImageFolder
from tests.data.sources.image_files import random_pixels, save_images


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is cached outside of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DROPOUT_DATA", raising=False)


def two_classes(root: Path, low: int = 0, high: int = 256, suffix: str = ".png") -> Path:
    """Return a folder with 12 images in each of two classes."""
    for seed, name in enumerate(("a", "b")):
        save_images(root / name, 12, seed, low=low, high=high, suffix=suffix)
    return root


@pytest.mark.parametrize("suffix", [".bmp", ".gif", ".tif", ".tiff", ".pgm", ".PNG"])
def test_lossless_formats_keep_every_pixel(tmp_path: Path, suffix: str) -> None:
    """Gray images stay gray, and the pixels are those that were written."""
    found = ImageFolder(path=str(two_classes(tmp_path / "p", suffix=suffix))).read()
    assert found.x.shape == (24, 6, 5, 1) and found.x.dtype == np.uint8 and not found.notices
    order = sorted(range(12), key=str)  # by name
    np.testing.assert_array_equal(found.x[:12, :, :, 0], random_pixels(12, 0)[order])


@pytest.mark.parametrize("suffix", [".webp", ".jfif", ".jpe"])
def test_lossy_formats_are_read(tmp_path: Path, suffix: str) -> None:
    """All images count."""
    root = tmp_path / "p"
    for name, value in (("a", 40), ("b", 200)):
        (root / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (8, 8), (value, value, number)).save(
                root / name / f"{number}{suffix}", "WEBP" if suffix == ".webp" else "JPEG"
            )
    found = ImageFolder(path=str(root)).read()
    assert len(found.x) == 6 and abs(int(found.x[0, 0, 0, 0]) - 40) < 8


def test_the_first_frame_of_an_animation_is_used(tmp_path: Path) -> None:
    """And a notice counts such files."""
    root = two_classes(tmp_path / "p")
    frames = [Image.fromarray(pixels) for pixels in random_pixels(3, 7)]
    for suffix in ("gif", "tif"):
        frames[0].save(root / "a" / f"many.{suffix}", save_all=True, append_images=frames[1:])
    found = ImageFolder(path=str(root)).read()
    assert (
        found.images is not None
        and found.notices[0] == "2 of 26 images have several frames or pages; their first one is used."
    )
    for suffix in ("gif", "tif"):
        row = found.images.names.index(f"a/many.{suffix}")
        np.testing.assert_array_equal(found.x[row, :, :, 0], random_pixels(3, 7)[0])


def test_damaged_metadata_are_not_mentioned(tmp_path: Path) -> None:
    """Pillow's warnings would be lines without a place; the pixels are read all the same."""
    root = two_classes(tmp_path / "p")
    exif = Image.Exif()
    exif[0x010E] = "a description"
    Image.fromarray(random_pixels(1, 5)[0]).save(root / "a" / "exif.jpg", exif=exif.tobytes()[:-6])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = ImageFolder(path=str(root)).read()
    assert not caught and len(found.x) == 25 and not found.notices


@pytest.mark.parametrize(("low", "high"), [(0, 256), (100, 4096), (30_000, 65_536)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_keep_their_range(tmp_path: Path, low: int, high: int, suffix: str) -> None:
    """Values are those of the file; the training part decides what becomes 0 and 1."""
    root = tmp_path / "p"
    for seed, name in enumerate(("a", "b")):
        (root / name).mkdir(parents=True)
        for number, pixels in enumerate(random_pixels(12, seed, low, high).astype(np.uint16)):
            Image.fromarray(pixels).save(root / name / f"{number:02}{suffix}")
    source = ImageFolder(path=str(root))
    found = source.read()
    assert found.x.dtype == np.float32 and found.pixel_bits == 16 and not found.notices
    np.testing.assert_array_equal(found.x[:12, :, :, 0], random_pixels(12, 0, low, high))
    dataset = load_dataset(source)
    x, _ = BatchReader(dataset, dataset.train, len(dataset.train)).take(slice(None))
    assert x.min() == pytest.approx(0, abs=1e-5) and x.max() == pytest.approx(1, abs=1e-5)
    assert len(np.unique(x)) == len(np.unique(dataset.train.x))
    fitted = Preprocessing.from_dataset(dataset)
    assert Preprocessing.unpack(fitted.pack(), "p").pixel_bits == 16


def test_images_of_8_and_16_bits_share_a_range(tmp_path: Path) -> None:
    """White is white in both, also in color and after resizing, and a notice counts those of 8 bits."""
    root = two_classes(tmp_path / "p", high=65_536)
    Image.new("L", (5, 6), 255).save(root / "a" / "white8.png")
    Image.fromarray(np.full((6, 5), 65_535, np.uint16)).save(root / "b" / "white16.png")
    Image.new("RGB", (9, 9), (255, 0, 128)).save(root / "b" / "color.jpg", quality=100)
    found = ImageFolder(path=str(root), size=4).read()
    assert found.images is not None and found.x.shape == (27, 4, 4, 3)
    for name in ("a/white8.png", "b/white16.png"):
        assert (found.x[found.images.names.index(name)] == 65_535).all()
    assert found.x[found.images.names.index("b/color.jpg")].max() > 250 * 257
    assert "2 of 27 images have 8 bits per channel; their values are multiplied by 257" in " ".join(found.notices)
    assert "1 image is in more than one class" in " ".join(found.notices)


def test_floating_point_pixels_keep_their_values(tmp_path: Path) -> None:
    """Beside other images, or with a value that is not finite, they are refused by name."""
    root = tmp_path / "p"
    for seed, name in enumerate(("a", "b")):
        (root / name).mkdir(parents=True)
        for number in range(3):
            pixels = np.random.default_rng(seed + 2 * number).normal(size=(6, 5)).astype(np.float32)
            Image.fromarray(pixels).save(root / name / f"{number}.tif")
    found = ImageFolder(path=str(root)).read()
    np.testing.assert_array_equal(found.x[0, :, :, 0], np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32))
    Image.new("L", (5, 6), 9).save(root / "a" / "bytes.png")
    with pytest.raises(
        DataError, match=r"bytes.png: .*it has 8 bits per channel, but other images have floating-point"
    ):
        ImageFolder(path=str(root)).read()
    (root / "a" / "bytes.png").unlink()
    Image.fromarray(np.full((6, 5), np.nan, np.float32)).save(root / "b" / "nan.tif")
    with pytest.raises(DataError, match=r"nan.tif: .*not a finite number"):
        ImageFolder(path=str(root)).read()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_images_are_put_on_white(tmp_path: Path, mode: str) -> None:
    """Hidden colors do not show through, a notice counts the images, and an opaque alpha channel changes nothing."""
    root = tmp_path / "p"
    for name, value in (("a", 60), ("b", 160)):
        (root / name).mkdir(parents=True)
        for number in range(3):
            image = Image.new("RGBA", (4, 4), (value, value, value, 255))
            if number == 2:
                image.paste((7, 7, 7, 0), (0, 0, 2, 4))
            image = image.quantize(8) if mode == "P" else image.convert(mode)
            image.save(root / name / f"{number}.png")
    for _ in range(2):
        found = ImageFolder(path=str(root), color="gray").read()
        assert found.x[2, 0, :, 0].tolist() == [255, 255, 60, 60] and (found.x[:2] == 60).all()
        assert found.notices[0] == "2 of 6 images have transparent pixels; their background is white."


def test_usual_folders_keep_their_fingerprint(tmp_path: Path) -> None:
    """The bytes of PNG images in folders of classes are those that older versions read."""
    root = two_classes(tmp_path / "p")
    Image.new("RGBA", (5, 6), (10, 20, 30, 255)).save(root / "a" / "opaque.png")
    fingerprint = load_dataset(ImageFolder(path=str(root), size=4)).fingerprint
    assert fingerprint == "26f55ca7954e0abb93577defa345e3615f68b27e51b627931764bc290a12e842"


def former_fingerprint(root: Path) -> str:
    """Return the fingerprint of a folder as older versions read it."""
    former = ImageFolder(path=str(root)).read_former()
    assert former is not None
    return compute_fingerprint(former)


def test_old_runs_see_the_data_as_before(tmp_path: Path) -> None:
    """A config with an old fingerprint gets the old classes and pixels; the new reading has another fingerprint."""
    root = two_classes(tmp_path / "deep", high=65_536)
    old = random_pixels(12, 0, 0, 65_536)[sorted(range(12), key=str)] >> 8
    fingerprint = former_fingerprint(root)
    for load in (load_dataset, DatasetLoader().load):
        for seed in (0, 1):
            dataset = load(ImageFolder(path=str(root), fingerprint=fingerprint, split_seed=seed))
            rows = dataset.train.rows[dataset.train.rows < 12]
            np.testing.assert_array_equal(dataset.train.x[: len(rows), :, :, 0], old[rows])
            assert dataset.fingerprint == fingerprint and dataset.pixel_bits == 8
    assert load_dataset(ImageFolder(path=str(root))).fingerprint != fingerprint
    with pytest.raises(DataError, match="the data have changed"):
        load_dataset(ImageFolder(path=str(root), fingerprint="0" * 64))


def test_changed_images_are_converted_to_the_range_of_the_training(tmp_path: Path) -> None:
    """Preprocessing for 8 bits takes the upper half of 16 bits, and the reverse."""
    shallow, deep = two_classes(tmp_path / "8"), two_classes(tmp_path / "16", high=65_536)
    for trained, other in ((shallow, deep), (deep, shallow)):
        fitted = Preprocessing.from_dataset(load_dataset(ImageFolder(path=str(trained))))
        dataset = load_dataset(ImageFolder(path=str(other)), fitted)
        raw = ImageFolder(path=str(other)).read().x[dataset.train.rows]
        np.testing.assert_array_equal(dataset.train.x, raw // 256 if other == deep else raw * 257.0)


def messy(root: Path) -> Path:
    """Return a folder that older versions read otherwise: parts, 16 bits, transparency, other formats."""
    for seed, part in enumerate(("train", "test")):
        save_images(root / part / "a", 6, seed)
        save_images(root / part / "b", 6, 2 + seed, high=65_536)
    Image.new("RGBA", (5, 6), (10, 20, 30, 100)).save(root / "train" / "a" / "clear.png")
    save_images(root / "train" / "b" / "more", 2, 9, suffix=".bmp")
    save_images(root / "train" / "@eaDir", 1, 8)
    return root


def test_the_former_reading_is_that_of_older_versions(tmp_path: Path) -> None:
    """The fingerprint is the one that older versions computed: two classes, test and train, of 26 images."""
    root = messy(tmp_path / "p")
    source = ImageFolder(
        path=str(root), size=4, fingerprint="d5588443406a767d5a28fef16303afb33815530a059c47791547ae696edfab74"
    )
    dataset = load_dataset(source)
    assert dataset.classes == ("test", "train") and dataset.shape == (4, 4, 3)
    (root / "train" / "@eaDir" / "0.png").unlink()
    assert load_dataset(ImageFolder(path=str(root), size=4)).classes == ("a", "b")
