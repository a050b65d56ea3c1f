"""`dropout predict` on image files."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropout_cli.analysis import predict
from dropout_cli.core import npz
from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.data.readers import idx
from dropout_cli.runs import Run
from tests.commands import dropout
from tests.data.sources.image_files import random_pixels, save_images
from tests.small_run import train

SMALL = ("architecture={name: mlp, hidden: [8]}", "training.epochs=3", "training.batch_size=8")


def make_run(home: Path, high: int = 256, **keys: object) -> Run:
    """Return a run trained on two classes, the second one brighter."""
    for seed, name in enumerate(("dark", "light")):
        save_images(home / "images" / name, 20, seed, low=seed * high // 2, high=(seed + 1) * high // 2 + (high > 256))
    more = "".join(f", {key}: {value}" for key, value in keys.items())
    return train(home, f"dataset={{name: image_folder, path: {home}/images{more}}}", *SMALL)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the images and the run of this file, with its own cache."""
    folder = tmp_path_factory.mktemp("images")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "cache"))
        patch.delenv("DROPOUT_DATA", raising=False)
        make_run(folder)
    return folder


@pytest.fixture(scope="module")
def run(home: Path) -> Run:
    """Return the run."""
    (path,) = (home / "runs").iterdir()
    return Run(path)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is cached outside of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DROPOUT_DATA", raising=False)


def predicted(run: Run, *files: Path, passes: int | None = None) -> tuple[list[dict[str, str | float]], list[str]]:
    """Return the rows and notices of all blocks."""
    blocks = list(predict.predict_file(run, *files, passes=passes))
    rows = [dict(zip(block.names, row, strict=True)) for block in blocks for row in block.rows]
    return rows, [notice for block in blocks for notice in block.notices]


def test_probabilities_are_those_of_the_test_part(run: Run, home: Path) -> None:
    """A folder gives one row per image, in order of name; the test images have the probabilities of the training."""
    rows, notices = predicted(run, home / "images")
    names = [str(path) for path in sorted((home / "images").rglob("*.png"), key=lambda path: path.as_posix())]
    assert [row["file"] for row in rows] == names and not notices
    stored = npz.read_npz(run.read("predictions.npz"), "p")
    for index, probs in zip(stored["rows"].tolist(), stored["probabilities"], strict=True):
        given = [rows[index]["probability dark"], rows[index]["probability light"]]
        np.testing.assert_allclose(given, probs, atol=1e-6)


def test_files_and_folders_can_be_mixed(run: Run, home: Path, tmp_path: Path) -> None:
    """Files that are no images are counted; passes add uncertainty; the training images are not needed."""
    save_images(tmp_path / "new" / "inside", 3, 5)
    (tmp_path / "new" / "notes.txt").write_text("x")
    (tmp_path / "new" / ".hidden.png").write_text("x")
    Image.fromarray(random_pixels(1, 6)[0]).save(tmp_path / "one.bmp")
    (home / "images").rename(home / "away")
    try:
        rows, notices = predicted(run, tmp_path / "one.bmp", tmp_path / "new", passes=4)
    finally:
        (home / "away").rename(home / "images")
    assert [Path(str(row["file"])).name for row in rows] == ["one.bmp", "0.png", "1.png", "2.png"]
    assert notices == [f"1 file of {tmp_path / 'new'} is left out: 1 .txt."]
    assert all(0 <= float(row["mutual_information"]) < 1 for row in rows)


def test_the_command_takes_images(run: Run, home: Path, tmp_path: Path) -> None:
    """As CSV and as JSON, with `--mc`; a broken image leaves no output file."""
    files = [str(home / "images" / name / "1.png") for name in ("dark", "light")]
    done = dropout("predict", str(run.path), *files, "--mc", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [row["file"] for row in csv.DictReader(io.StringIO(done.stdout))] == files
    answer = json.loads(dropout("predict", str(run.path), *files, "--json", cwd=tmp_path).stdout)
    assert answer["files"] == files and [row["file"] for row in answer["predictions"]] == files
    (tmp_path / "broken.png").write_text("hello")
    done = dropout("predict", str(run.path), files[0], "broken.png", "-o", "out.csv", cwd=tmp_path)
    assert done.returncode == 3 and "broken.png: cannot be read as an image" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "out.csv").exists()


def test_another_size_is_refused_or_resized_as_in_training(run: Run, tmp_path: Path) -> None:
    """Without `size` a picture of another size is an error; with it the result is that of the resized image."""
    pixels = np.kron(random_pixels(1, 7)[0], np.ones((2, 2), np.uint8))
    Image.fromarray(pixels).save(tmp_path / "big.png")
    with pytest.raises(DataError, match=r"big.png: has 12 x 10 pixels, but the network needs 6 x 5. Resize"):
        predicted(run, tmp_path / "big.png")
    resized = make_run(tmp_path, size="[6, 5]")
    Image.fromarray(pixels).resize((5, 6), Image.Resampling.BILINEAR).save(tmp_path / "small.png")
    (big, small), _ = predicted(resized, tmp_path / "big.png", tmp_path / "small.png")
    assert big["probability dark"] == small["probability dark"]


def test_other_kinds_of_pixels_are_converted_with_a_notice(run: Run, tmp_path: Path) -> None:
    """Color becomes gray, transparency white, 16 bits 8: the same image has the same probabilities."""
    pixels = random_pixels(1, 8)[0]
    gray = Image.fromarray(pixels)
    gray.save(tmp_path / "a.png")
    gray.convert("RGB").save(tmp_path / "b.png")
    Image.fromarray(pixels.astype(np.uint16) * 257).save(tmp_path / "c.png")
    rows, notices = predicted(run, *(tmp_path / f"{name}.png" for name in "abc"))
    assert len({row["probability dark"] for row in rows}) == 1
    assert notices == [
        "Some images have color; they are converted to gray, as in training.",
        "Some images have 16 bits; their upper 8 bits are used.",
    ]
    Image.new("LA", (5, 6), (9, 0)).save(tmp_path / "clear.png")
    Image.new("L", (5, 6), 255).save(tmp_path / "white.png")
    (clear, white), notices = predicted(run, tmp_path / "clear.png", tmp_path / "white.png")
    assert clear["probability dark"] == white["probability dark"]
    assert notices == ["Some images have transparent pixels; their background is white."]


def test_a_run_on_16_bits_takes_16_bits(tmp_path: Path) -> None:
    """The range is that of the training, also for an image that uses little of it."""
    deep = make_run(tmp_path, high=4096)
    rows, notices = predicted(deep, tmp_path / "images")
    assert not notices
    stored = npz.read_npz(deep.read("predictions.npz"), "p")
    for index, probs in zip(stored["rows"].tolist(), stored["probabilities"], strict=True):
        assert rows[index]["probability dark"] == pytest.approx(float(probs[0]), abs=1e-6)


def test_skip_broken_leaves_images_out(tmp_path: Path) -> None:
    """As the training does; if none can be read, that is an error."""
    tolerant = make_run(tmp_path, skip_broken="true")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "broken.png").write_text("hello")
    with pytest.raises(DataError, match="none of 1 image can be read"):
        predicted(tolerant, tmp_path / "new")
    save_images(tmp_path / "new", 2, 3)
    rows, notices = predicted(tolerant, tmp_path / "new")
    assert len(rows) == 2 and "broken.png cannot be read and is left out" in notices[0]


def test_images_and_tables_do_not_mix(run: Run, home: Path, tmp_path: Path) -> None:
    """Each wrong pair is one line that says what the run was trained on."""
    (tmp_path / "t.csv").write_text("v,y\n" + "".join(f"{n % 7},{'ab'[n % 2]}\n" for n in range(40)))
    table = train(tmp_path / "t", f"dataset={{name: table, path: {tmp_path}/t.csv}}", *SMALL)
    digits = train(tmp_path / "d", *SMALL)
    image = home / "images" / "dark" / "0.png"
    (tmp_path / "empty").mkdir()
    for trained, files, said in (
        (table, [image], "0.png: is an image, but this run was trained on a table"),
        (table, [home / "images"], "images: is a folder, but this run was trained on a table"),
        (digits, [image], "is an image, but this run was trained on digits, whose values"),
        (run, [tmp_path / "t.csv"], "t.csv: is not an image, but this run was trained on images"),
        (run, [image, tmp_path / "t.csv"], "t.csv: is not an image, but the other files are"),
        (run, [tmp_path / "empty"], "empty: has no image"),
        (run, [tmp_path / "none.png"], "none.png: cannot be read"),
    ):
        with pytest.raises(DataError, match=said):
            predicted(trained, *files)
    with pytest.raises(UsageError, match="only images can be several files"):
        predicted(table, tmp_path / "t.csv", tmp_path / "t.csv")


def test_arrays_with_channels_first_are_predicted_as_trained(tmp_path: Path) -> None:
    """A file in the layout of the training gives the probabilities of the training, under any usual name."""
    x = np.random.default_rng(0).integers(0, 256, (40, 3, 6, 7), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x_train=x, y_train=np.arange(40) % 2)
    trained = train(tmp_path, f"dataset={{name: arrays, path: {tmp_path}/a.npz, channels: first}}", *SMALL)
    rows, _ = predicted(trained, tmp_path / "a.npz")
    stored = npz.read_npz(trained.read("predictions.npz"), "p")
    for index, probs in zip(stored["rows"].tolist(), stored["probabilities"], strict=True):
        assert rows[index]["probability 0"] == pytest.approx(float(probs[0]), abs=1e-6)
    np.save(tmp_path / "last.npy", x.transpose(0, 2, 3, 1))
    with pytest.raises(DataError, match="the network needs"):
        predicted(trained, tmp_path / "last.npy")


def test_a_run_on_mnist_takes_images_of_its_size(real_data: Path, tmp_path: Path) -> None:
    """The test images, written as PNG, have the probabilities of the training; other sizes are refused."""
    source = f"dataset={{name: mnist, path: {real_data / 'mnist'}}}"
    trained = train(tmp_path, source, *SMALL[:1], "training.epochs=1", "training.steps_per_epoch=3")
    pixels = idx.read_idx(next((real_data / "mnist").glob("t10k-images-idx3-ubyte*")))[:3]
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    rows, _ = predicted(trained, *(tmp_path / f"{number}.png" for number in range(3)))
    stored = npz.read_npz(trained.read("predictions.npz"), "p")["probabilities"]
    for row, probs in zip(rows, stored[:3], strict=True):
        assert row["probability 7"] == pytest.approx(float(probs[7]), abs=1e-6)
    Image.new("L", (20, 28)).save(tmp_path / "narrow.png")
    with pytest.raises(DataError, match=r"has 28 x 20 pixels, but the network needs 28 x 28. Resize it"):
        predicted(trained, tmp_path / "narrow.png")
