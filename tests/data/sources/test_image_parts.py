"""Folders for parts above the classes of images, files that are left out, and copies of images."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropout_cli.core.errors import DataError
from dropout_cli.data import load_dataset
from dropout_cli.data.sources.image_folder import ImageFolder
from tests.data.sources.image_files import save_images


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is cached outside of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DROPOUT_DATA", raising=False)


def make_parts(root: Path, **counts: int) -> Path:
    """Return a folder with parts of three classes, each with that many images."""
    for seed, (part, count) in enumerate(counts.items()):
        for label, name in enumerate(("ant", "bee", "cat")):
            save_images(root / part / name, count, 10 * seed + label)
    return root


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "VALID", "Testing"), ("TRAIN", "validation", "test")]
)
def test_folders_above_the_classes_are_parts(tmp_path: Path, names: tuple[str, str, str]) -> None:
    """The classes are those below, each part has the images of its folder, and one notice says so."""
    root = make_parts(tmp_path / "p", **dict(zip(names, (7, 3, 2), strict=True)))
    source = ImageFolder(path=str(root))
    dataset = load_dataset(source)
    assert dataset.classes == ("ant", "bee", "cat") and dataset.val is not None
    assert [len(part) for part in (dataset.train, dataset.val, dataset.test)] == [21, 9, 6]
    (notice,) = dataset.notices
    assert "are parts, not classes. Images: 21 in train, 9 in val, 6 in test." in notice
    files = source.read().images
    assert files is not None
    assert all(files.names[row].startswith(f"{names[2]}/") for row in dataset.test.rows)
    assert load_dataset(ImageFolder(path=str(root), split_seed=5)).test.rows.tolist() == dataset.test.rows.tolist()


@pytest.mark.parametrize(("given", "sizes"), [("test", [25, 5, 6]), ("val", [24, 6, 6])])
def test_a_part_without_a_folder_is_drawn_from_train(tmp_path: Path, given: str, sizes: list[int]) -> None:
    """A given part keeps all its images; 1/6 or 20 % of the 30 images of train are 5 or 6."""
    root = make_parts(tmp_path / "p", train=10, **{given: 2})
    source = ImageFolder(path=str(root), val_fraction=0.15 if given == "val" else 1 / 6)
    dataset = load_dataset(source)
    assert dataset.val is not None
    assert [len(part) for part in (dataset.train, dataset.val, dataset.test)] == sizes
    drawn = "test" if given == "val" else "validation"
    assert f"The {drawn} part is drawn from train" in dataset.notices[0]
    files = source.read().images
    kept = dataset.val if given == "val" else dataset.test
    assert files is not None and all(files.names[row].startswith(given) for row in kept.rows)


def test_a_fraction_of_a_given_part_is_refused(tmp_path: Path) -> None:
    """The key is named; folds cannot replace a given test part either."""
    root = make_parts(tmp_path / "p", train=4, val=2, test=2)
    for source, key in (
        (ImageFolder(path=str(root), val_fraction=0.3), "val"),
        (ImageFolder(path=str(root), test_fraction=0.3), "test"),
    ):
        with pytest.raises(
            DataError, match=rf"dataset.{key}_fraction: cannot be 0.3, because the folder '{key}' gives"
        ):
            source.read()
    with pytest.raises(DataError, match="already have a"):
        load_dataset(ImageFolder(path=str(root), folds=2))


def test_classes_that_differ_between_parts(tmp_path: Path) -> None:
    """A class that only test has is refused; a class that test lacks is reported."""
    root = make_parts(tmp_path / "p", train=20, test=2)
    (root / "test" / "bee").rename(root / "test" / "Bee")
    with pytest.raises(DataError, match=r"Bee: is a class without images in train.*Did you mean 'bee'"):
        ImageFolder(path=str(root)).read()
    shutil.rmtree(root / "test" / "Bee")
    dataset = load_dataset(ImageFolder(path=str(root)))
    assert (
        dataset.classes == ("ant", "bee", "cat") and "The test part has no image of the class bee." in dataset.notices
    )


def test_parts_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    """No train folder, no class folders in a part, one class; a folder around the classes is named."""
    root = make_parts(tmp_path / "a", val=2, test=2)
    with pytest.raises(DataError, match="has test and val, but no folder train"):
        ImageFolder(path=str(root)).read()
    root = make_parts(tmp_path / "b", train=4)
    save_images(root / "test", 2, 7)
    with pytest.raises(DataError, match=r"test: has no folders of classes.*dropout predict RUN FOLDER"):
        ImageFolder(path=str(root)).read()
    with pytest.raises(DataError, match=r"has 1 folder.*Set dataset.path to .*train"):
        shutil.rmtree(root / "test")
        ImageFolder(path=str(root)).read()


def test_a_class_may_have_the_name_of_a_part(tmp_path: Path) -> None:
    """`train` beside other vehicles is a class, and so is `valid` beside `invalid`."""
    for names in (("bus", "car", "train"), ("invalid", "valid")):
        root = tmp_path / names[0]
        for seed, name in enumerate(names):
            save_images(root / name / "inside", 3, seed)
        assert ImageFolder(path=str(root)).read().classes == names


def test_parts_inside_the_classes_are_reported(tmp_path: Path) -> None:
    """They are read as one class, and the notice says where parts belong."""
    for seed, name in enumerate(("ant", "bee")):
        save_images(tmp_path / "p" / name / "train", 3, seed)
        save_images(tmp_path / "p" / name / "test", 3, 5 + seed)
    found = ImageFolder(path=str(tmp_path / "p")).read()
    assert found.classes == ("ant", "bee") and found.assigned_parts is None
    assert found.notices == (
        "The folders test, train inside the classes are not used as parts. "
        "For parts, put them above the classes: train/ant.",
    )


def test_files_that_are_left_out_are_counted_by_kind(tmp_path: Path) -> None:
    """Files and folders that the operating system adds are neither classes nor mentioned."""
    root = tmp_path / "p"
    for seed, name in enumerate(("cat", "dog")):
        save_images(root / name, 3, seed)
    for number in range(15):
        (root / "dog" / f"{number}.TXT").write_text("x")
    for name in ("a.psd", "b.psd", "LICENSE"):
        (root / "dog" / name).write_text("x")
    for junk in ("__MACOSX", "@eaDir", ".ipynb_checkpoints"):
        save_images(root / junk, 1, 9)
        save_images(root / "cat" / junk, 1, 9)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._1.png"):
        (root / "cat" / name).write_text("x")
    save_images(root, 2, 8)
    found = ImageFolder(path=str(root)).read()
    assert found.classes == ("cat", "dog") and len(found.x) == 6
    assert found.notices == (
        "2 images beside the folders of classes are left out.",
        "18 files of dog are left out: 15 .txt, 2 .psd, 1 without a suffix.",
    )


def test_a_class_of_other_files_alone_says_which(tmp_path: Path) -> None:
    """The error names what the folder has."""
    save_images(tmp_path / "p" / "cat", 3, 0)
    (tmp_path / "p" / "dog").mkdir()
    (tmp_path / "p" / "dog" / "1.heic").write_text("x")
    with pytest.raises(DataError, match=r"dog: has no readable image, only 1 .heic"):
        ImageFolder(path=str(tmp_path / "p")).read()


def test_an_image_in_two_classes_is_named(tmp_path: Path) -> None:
    """With the number of images, from the cache as well; the same pixels in another kind of file count."""
    root = tmp_path / "p"
    for seed, name in enumerate(("ant", "bee", "cat")):
        save_images(root / name, 4, seed)
    shutil.copy(root / "ant" / "1.png", root / "bee" / "same.png")
    Image.open(root / "cat" / "2.png").save(root / "ant" / "other.bmp")
    for _ in range(2):
        (notice,) = ImageFolder(path=str(root)).read().notices
        assert notice.startswith(
            "2 images are in more than one class, with the same pixels: "
            "ant/1.png and bee/same.png; ant/other.bmp and cat/2.png."
        )


def test_an_image_in_two_parts_is_named(tmp_path: Path) -> None:
    """In parts that folders give, and in parts that are drawn."""
    root = make_parts(tmp_path / "p", train=4, val=2, test=2)
    shutil.copy(root / "train" / "bee" / "0.png", root / "test" / "bee" / "again.png")
    notices = load_dataset(ImageFolder(path=str(root))).notices
    assert any(
        note.startswith("1 image is in more than one part")
        and "train/bee/0.png (train) and test/bee/again.png (test)" in note
        for note in notices
    )
    drawn = tmp_path / "drawn"
    for seed, name in enumerate(("ant", "bee")):
        save_images(drawn / name, 10, seed)
        for number in range(10):
            shutil.copy(drawn / name / f"{number}.png", drawn / name / f"copy{number}.png")
    dataset = load_dataset(ImageFolder(path=str(drawn)))
    parts = {
        row: code for code, part in enumerate((dataset.train, dataset.val, dataset.test)) if part for row in part.rows
    }
    names = ImageFolder(path=str(drawn)).read().images
    assert names is not None
    places = {name: parts[row] for row, name in enumerate(names.names)}
    apart = sum(
        places[f"{name}/{number}.png"] != places[f"{name}/copy{number}.png"]
        for name in ("ant", "bee")
        for number in range(10)
    )
    (notice,) = dataset.notices
    assert apart > 1 and notice.startswith(f"{apart} images are in more than one part")
    assert len(np.unique(dataset.train.rows)) == 26
