"""MNIST is found, checked and split as published; the error for missing files says how to get them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.data import BatchReader, Examples, load_dataset
from dropout_cli.data.cache import data_directories
from dropout_cli.data.readers import idx
from dropout_cli.data.sources.mnist import IDX_FILES, FashionMnist, Mnist, fetch_dataset


@pytest.fixture(scope="module")
def examples(real_data: Path) -> Examples:
    """All of MNIST, read once."""
    return Mnist(path=str(real_data / "mnist")).read()


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four files of the right shapes, of zeros: no real set."""
    folder = tmp_path_factory.mktemp("data") / "fashion_mnist"
    folder.mkdir()
    for name, count in zip(IDX_FILES, (60_000, 60_000, 10_000, 10_000), strict=True):
        shape = (count, 28, 28) if "images" in name else (count,)
        idx.write_idx(folder / f"{name}.gz", np.zeros(shape, np.uint8))
    return folder


@pytest.fixture
def copy(blank: Path, tmp_path: Path) -> Path:
    """A copy of `blank` to write into."""
    return Path(shutil.copytree(blank, tmp_path / "fashion_mnist"))


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty data directories: `given` is that of $DROPOUT_DATA, the user's is below `user`."""
    monkeypatch.setenv("DROPOUT_DATA", str(tmp_path / "given"))
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "user"))
    return tmp_path


def test_mnist_is_what_was_published(examples: Examples) -> None:
    """Shapes, dtypes, the first labels and the class sizes of training and test set are the known ones."""
    assert examples.x.shape == (70_000, 28, 28, 1) and examples.x.dtype == np.uint8
    assert examples.train_count == 60_000 and examples.labels.dtype == np.intp
    assert examples.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert examples.labels[60_000:60_005].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(examples.labels[60_000:]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_the_official_test_set_is_kept_and_pixels_stay_uint8(real_data: Path, examples: Examples) -> None:
    """Val comes from the 60,000, test is the official 10,000, and unit scaling divides by 255."""
    dataset = load_dataset(Mnist(path=str(real_data / "mnist"), val_fraction=1 / 12))
    assert dataset.val is not None
    assert (len(dataset.train), len(dataset.val)) == (55_000, 5000)
    assert dataset.test.rows.tolist() == list(range(60_000, 70_000))
    assert dataset.train.x.dtype == np.uint8 and max(dataset.train.rows.max(), dataset.val.rows.max()) < 60_000
    x, labels = BatchReader(dataset, dataset.test, 100).take(slice(0, 100))
    assert np.allclose(x, examples.x[60_000:60_100] / 255.0, atol=1e-7)
    assert np.array_equal(labels, examples.labels[60_000:60_100])


def test_a_test_fraction_pools_all_70_000(real_data: Path) -> None:
    """With test_fraction, a fifth of the pooled examples is tested on."""
    dataset = load_dataset(Mnist(path=str(real_data / "mnist"), test_fraction=0.2, val_fraction=0.0))
    assert (len(dataset.train), dataset.val, len(dataset.test)) == (56_000, None, 14_000)
    assert dataset.test.rows.min() < 60_000 <= dataset.train.rows.max()


def test_the_data_directory_is_searched(nowhere: Path, real_data: Path) -> None:
    """$DROPOUT_DATA/mnist is found before the user's folder, and an incomplete one is passed over."""
    user = data_directories()[1] / "mnist"
    assert user.is_relative_to(nowhere / "user")
    user.parent.mkdir(parents=True)
    user.symlink_to(real_data / "mnist")
    assert fetch_dataset("mnist") == user
    given = nowhere / "given" / "mnist"
    given.mkdir(parents=True)
    (given / f"{IDX_FILES[0]}.gz").symlink_to(real_data / "mnist" / f"{IDX_FILES[0]}.gz")
    assert Mnist.find_files() == user
    for name in IDX_FILES[1:]:
        (given / f"{name}.gz").symlink_to(real_data / "mnist" / f"{name}.gz")
    assert Mnist.find_files() == given


def test_files_may_be_unzipped_and_spelled_with_a_dot(blank: Path, tmp_path: Path) -> None:
    """`train-images.idx3-ubyte` is the same file as `train-images-idx3-ubyte.gz`."""
    for name in IDX_FILES:
        idx.write_idx(tmp_path / name.replace("-idx", ".idx"), idx.read_idx(blank / f"{name}.gz"))
    assert FashionMnist(path=str(tmp_path)).read().x.shape == (70_000, 28, 28, 1)


def test_what_is_not_mnist_is_refused_as_mnist(copy: Path) -> None:
    """Files of the right shape and the wrong contents do not have the published MD5."""
    with pytest.raises(DataError, match=r"published one is 6bbc9ace898e44ae57da46a324031adb") as caught:
        Mnist(path=str(copy)).read()
    assert caught.value.problems[0].place == str(copy / f"{IDX_FILES[0]}.gz")


def test_checksums_of_fashion_mnist_are_recorded_and_checked(copy: Path) -> None:
    """The first use records four sums; a file that changes afterwards is refused by name."""
    FashionMnist(path=str(copy)).read()
    assert set(json.loads((copy / "checksums.json").read_text())) == set(IDX_FILES)
    FashionMnist(path=str(copy)).read()
    labels = np.zeros(10_000, np.uint8)
    labels[7] = 1
    idx.write_idx(copy / f"{IDX_FILES[3]}.gz", labels)
    with pytest.raises(DataError, match=IDX_FILES[3]):
        FashionMnist(path=str(copy)).read()


@pytest.mark.parametrize("record", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_damaged_record_of_checksums_is_a_data_error(copy: Path, record: bytes) -> None:
    """A record that cannot be read is named; it is not passed over."""
    (copy / "checksums.json").write_bytes(record)
    with pytest.raises(DataError, match=r"checksums\.json"):
        FashionMnist(path=str(copy)).read()


def test_a_label_without_a_class_is_refused(copy: Path) -> None:
    """There are ten classes; a label 10 is damage."""
    idx.write_idx(copy / f"{IDX_FILES[1]}.gz", np.full(60_000, 10, np.uint8))
    with pytest.raises(DataError, match="label 10"):
        FashionMnist(path=str(copy)).read()


def test_files_of_other_sizes_are_refused(copy: Path) -> None:
    """A subset is not MNIST: the error names the shape, and nothing is read."""
    idx.write_idx(copy / f"{IDX_FILES[2]}.gz", np.zeros((9999, 28, 28), np.uint8))
    with pytest.raises(DataError, match=r"\(9999, 28, 28\)"):
        FashionMnist(path=str(copy)).read()


@pytest.mark.parametrize("odd", ["missing", "file", "empty", "nul\0l", "long" * 1000, "\udcff"])
def test_an_odd_path_is_a_data_error_that_names_the_files(tmp_path: Path, odd: str) -> None:
    """A folder that is missing, empty, a file or unspeakable ends in one line that can be printed."""
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as caught:
        Mnist(path=str(tmp_path / odd)).read()
    line = str(caught.value)
    assert "\n" not in line and line.encode() and caught.value.problems[0].way_out


def test_what_is_bundled_needs_no_fetching() -> None:
    """Fetching digits, or what does not exist, is a usage error."""
    with pytest.raises(UsageError, match="cannot be fetched: only"):
        fetch_dataset("digits")
    with pytest.raises(UsageError, match="Did you mean 'mnist'"):
        fetch_dataset("mnits")


def test_a_data_directory_that_cannot_be_made_is_a_data_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is downloaded, the error names the variable to set."""
    (tmp_path / "file").write_text("")
    for variable in ("DROPOUT_DATA", "XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "file" / "below"))
    with pytest.raises(DataError, match=r"is not writable.*Set \$DROPOUT_DATA"):
        Mnist().read()


def test_without_a_network_the_error_names_four_files_and_a_folder(nowhere: Path) -> None:
    """A proxy refuses the download; one line names the files to copy and their folder."""
    dead = "http://127.0.0.1:9"
    env = {key: value for key, value in os.environ.items() if key.lower() not in ("no_proxy", "all_proxy")}
    env |= {"https_proxy": dead, "HTTPS_PROXY": dead, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    code = """
from dropout_cli.data.sources.mnist import fetch_dataset
from dropout_cli.core.errors import DataError
try:
    fetch_dataset("mnist")
except DataError as error:
    print(error.exit_code, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stderr == "" and done.stdout.count("\n") == 1 and done.stdout.startswith("3 ")
    assert all(name in done.stdout for name in IDX_FILES)
    assert str(nowhere / "given" / "mnist") in done.stdout
