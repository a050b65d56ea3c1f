"""Arrays as other programs save them: names, channels first, one-hot labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.core import npz
from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data import load_dataset
from dropout_cli.data.loading import compute_fingerprint
from dropout_cli.data.sources.arrays import Arrays
from dropout_cli.training.checkpoint import config_digest


def arrays(count: int, seed: int = 0) -> tuple[Array, Array]:
    """Return examples of four features, and labels of three classes."""
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32), np.arange(count) % 3


def save(file: Path, names: Sequence[str], values: Sequence[Array]) -> None:
    """Write an .npz file."""
    file.write_bytes(npz.write_npz(**dict(zip(names, values, strict=True))))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (("x_train", "y_train"), ("x_test", "y_test")),
        (("X_train", "y_train"), ("X_test", "Y_test")),
        (("train_images", "train_labels"), ("test_images", "test_labels")),
        (("train_x", "train_y"), ("test_x", "test_y")),
        (("data", "target"), ("data_test", "target_test")),
        (("X", "y"), ("X_test", "y_test")),
    ],
)
def test_usual_names_are_found(tmp_path: Path, train: tuple[str, str], test: tuple[str, str]) -> None:
    """The examples are those of `x`, `y`, `x_test` and `y_test`, with a notice."""
    x, y = arrays(30)
    more = arrays(12, 1)
    save(tmp_path / "a.npz", (*train, *test), (x, y, *more))
    np.savez(tmp_path / "b.npz", x=x, y=y, x_test=more[0], y_test=more[1])
    found, usual = (Arrays(path=str(tmp_path / name)).read() for name in ("a.npz", "b.npz"))
    assert compute_fingerprint(found) == compute_fingerprint(usual) and not usual.notices
    assert found.notices == (f"Arrays used: {' and '.join(train)} (training); {' and '.join(test)} (test).",)
    assert len(load_dataset(Arrays(path=str(tmp_path / "a.npz"))).test) == 12


@pytest.mark.parametrize("names", [("images", "labels"), ("features", "targets"), ("inputs", "label")])
def test_names_of_one_part_are_found(tmp_path: Path, names: tuple[str, str]) -> None:
    """Beside arrays with other names, which are ignored."""
    x, y = arrays(30)
    save(tmp_path / "a.npz", (*names, "weights"), (x, y, y))
    np.testing.assert_array_equal(Arrays(path=str(tmp_path / "a.npz")).read().x, x)


def test_names_with_two_meanings_are_refused(tmp_path: Path) -> None:
    """`x` and `y` alone decide; otherwise two candidates, or a missing one, are an error."""
    x, y = arrays(30)
    np.savez(tmp_path / "plain.npz", x=x, y=y, x_train=x[:3], data=x[:4])
    assert len(Arrays(path=str(tmp_path / "plain.npz")).read().x) == 30
    np.savez(tmp_path / "two.npz", data=x, images=x, target=y)
    with pytest.raises(DataError, match=r"has the arrays 'data' and 'images', and both may be meant. Rename"):
        Arrays(path=str(tmp_path / "two.npz")).read()
    np.savez(tmp_path / "half.npz", x_train=x, y_train=y, x_test=x)
    with pytest.raises(DataError, match="has no array y_test, only 'x_train', 'y_train', 'x_test'"):
        Arrays(path=str(tmp_path / "half.npz")).read()


def test_labels_of_another_part_are_not_taken(tmp_path: Path) -> None:
    """Parts whose labels match only in sum are refused."""
    x, y = arrays(30)
    np.savez(tmp_path / "a.npz", x_train=x[:20], y_train=y[:18], x_test=x[20:], y_test=y[18:])
    with pytest.raises(DataError, match="has 18 labels for 20 examples"):
        Arrays(path=str(tmp_path / "a.npz")).read()


def images(folder: Path, shape: tuple[int, ...]) -> tuple[Array, dict[str, str]]:
    """Save images of that shape in two files, and return them and the keys of the source."""
    x = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", np.arange(len(x)) % 2)
    return x, {"path": str(folder / "x.npy"), "labels": str(folder / "y.npy")}


def test_channels_first_become_last(tmp_path: Path) -> None:
    """Without the key the shape is kept, with one warning; with it there is none."""
    x, keys = images(tmp_path, (20, 3, 12, 14))
    (warning,) = (found := Arrays(path=keys["path"], labels=keys["labels"]).read()).notices
    assert found.x.shape == (20, 3, 12, 14) and "dataset.channels: first" in warning
    assert "read as 3 rows, 12 columns and 14 channels" in warning
    found = Arrays(path=keys["path"], labels=keys["labels"], channels="first").read()
    np.testing.assert_array_equal(found.x, x.transpose(0, 2, 3, 1))
    assert found.x.flags.c_contiguous and not found.notices
    kept = Arrays(path=keys["path"], labels=keys["labels"], channels="last").read()
    np.testing.assert_array_equal(kept.x, x)
    assert not kept.notices


@pytest.mark.parametrize(
    ("shape", "warned"),
    [
        ((20, 1, 28, 28), True),
        ((20, 4, 8, 9), True),
        ((20, 3, 12, 3), True),
        ((20, 12, 14, 3), False),
        ((20, 28, 28), False),
        ((20, 1, 50, 2), False),
        ((20, 4, 4, 64), False),
    ],
)
def test_only_shapes_like_channels_first_are_warned_of(tmp_path: Path, shape: tuple[int, ...], warned: bool) -> None:
    """Rows of a signal, small maps of a network, and usual images are not."""
    _, keys = images(tmp_path, shape)
    for memory in (1.0, 1e-7):
        found = Arrays(path=keys["path"], labels=keys["labels"], memory=memory).read()
        assert any("dataset.channels" in notice for notice in found.notices) == warned


def test_channels_that_cannot_be_first_are_refused(tmp_path: Path) -> None:
    """Gray images, and files that are read in blocks."""
    _, keys = images(tmp_path, (20, 28, 28))
    with pytest.raises(DataError, match=r"dataset.channels: cannot be first, because .* \(20, 28, 28\)"):
        Arrays(path=keys["path"], labels=keys["labels"], channels="first").read()
    _, keys = images(tmp_path, (20, 3, 8, 8))
    with pytest.raises(DataError, match=r"dataset.channels: cannot be first for a file that is read in blocks"):
        Arrays(path=keys["path"], labels=keys["labels"], channels="first", memory=1e-7).read()


def test_the_new_key_changes_no_old_config(tmp_path: Path) -> None:
    """A config without the key has the digest of one that sets it to null; `first` has another."""
    images(tmp_path, (20, 3, 8, 8))
    file = tmp_path / "c.yaml"
    digests = []
    for value in ("", ", channels: null", ", channels: first"):
        file.write_text(f"dataset: {{name: arrays, path: x.npy, labels: y.npy{value}}}\n")
        digests.append(config_digest(config.load_config(file).experiment))
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("kind", [np.uint8, np.float32, bool])
def test_one_hot_labels_are_classes(tmp_path: Path, kind: type) -> None:
    """They are the numbers of their columns, in all parts, with a notice; as a regression they stay numbers."""
    x, y = arrays(30)
    rows: Array = np.eye(3, dtype=kind)[y]
    np.savez(tmp_path / "a.npz", x=x[:20], y=rows[:20], x_test=x[20:], y_test=rows[20:])
    found = Arrays(path=str(tmp_path / "a.npz")).read()
    assert found.classes == ("0", "1", "2") and np.array_equal(found.labels, y)
    assert found.notices == ("The labels are one-hot rows of 3 numbers; they are read as class numbers.",)
    assert Arrays(path=str(tmp_path / "a.npz"), task="regression").read().target_names == ("y0", "y1", "y2")
