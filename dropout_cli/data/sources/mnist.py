"""MNIST and Fashion-MNIST: 60,000 + 10,000 images from four IDX files, or from OpenML.

The files are searched in `dataset.path`, or else in a folder of the dataset's name under the data directories. If they
are nowhere, they are downloaded once and kept. Contents are checked against MD5 sums: published ones for MNIST, those
of the first use for Fashion-MNIST.
"""

import json
import socket
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np

from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.core.field_types import Fraction, PathField
from dropout_cli.core.registry import UnknownName
from dropout_cli.core.types import Array
from dropout_cli.data.base import DATASETS, DatasetInfo, Examples, Source
from dropout_cli.data.cache import data_directories, open_replacement, searched_folders
from dropout_cli.data.readers import idx

IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
MNIST_TRAIN_COUNT, MNIST_COUNT = 60_000, 70_000
CHECKSUMS_FILE = "checksums.json"
MAX_CHECKSUMS_BYTES = 10_000
DOWNLOAD_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class IdxImages(Source):
    """Base class of MNIST-like datasets: 28x28 images in four IDX files."""

    takes_pictures = True
    folder: ClassVar[str]
    openml: ClassVar[str]
    class_names: ClassVar[tuple[str, ...]]
    published_md5: ClassVar[tuple[str, ...] | None] = None
    """MD5 of the contents of IDX_FILES; None: recorded at first use."""

    test_fraction: Fraction | None = None
    """Fraction of all 70,000 examples used for testing. null: keep the official test set of 10,000."""
    path: Annotated[str | None, PathField()] = None
    """The folder of the four IDX files, gzipped or not. null: search the data directories, then download."""

    def read(self) -> Examples:
        """Read the images as uint8, (70000, 28, 28, 1), the official training set first.

        Raises:
            DataError: if files are missing, damaged or changed, or the download fails.
        """
        folder = Path(self.path) if self.path is not None else self.find_files() or self.download()
        files = _find_idx_files(folder)
        missing = [name for name, file in files.items() if file is None]
        if missing:
            fact = f"{str(folder)!r} {'has no ' + ', '.join(missing) if folder.is_dir() else 'is not a folder'}"
            raise DataError("dataset.path", fact, _copy_hint("a folder"))
        x, labels = np.empty((MNIST_COUNT, 28, 28), np.uint8), np.empty(MNIST_COUNT, np.uint8)
        parts = _part_views(x, labels)
        paths = [file for file in files.values() if file is not None]
        for file, part in zip(paths, parts, strict=True):
            idx.read_idx(file, out=part)
        self._check(paths, parts)
        return Examples(x[..., np.newaxis], labels.astype(np.intp), self.class_names, train_count=MNIST_TRAIN_COUNT)

    @classmethod
    def find_files(cls) -> Path | None:
        """Return the first folder under the data directories that has all four files."""
        folders = (directory / cls.folder for directory in data_directories())
        return next((folder for folder in folders if None not in _find_idx_files(folder).values()), None)

    @classmethod
    def download(cls) -> Path:
        """Download from OpenML, check, and store as gzipped IDX files; return their folder.

        Raises:
            DataError: if the download fails, its checksums differ, or no folder is writable.
        """
        folder = _writable_folder(cls.folder)
        try:
            x, labels = _download_openml(cls.openml)
        except Exception as error:  # network, proxy and parser raise different errors with the same way out
            fact = (
                f"is not in {searched_folders(cls.folder)}, and the download failed ({type(error).__name__}: {error})"
            )
            raise DataError(f"dataset {cls.folder}", fact, _copy_hint(str(folder))) from error
        paths, parts = [folder / f"{name}.gz" for name in IDX_FILES], _part_views(x, labels)
        cls._check_published(paths, parts)
        try:
            for path, part in zip(paths, parts, strict=True):
                idx.write_idx(path, part)
        except OSError as error:
            raise DataError(
                str(folder), f"cannot be written: {error.strerror}", "It needs 20 MB of free space"
            ) from error
        return folder

    @classmethod
    def _check(cls, paths: Sequence[Path], parts: Sequence[Array]) -> None:
        for path, part in zip(paths, parts, strict=True):
            # The one-dimensional arrays are the labels.
            if part.ndim == 1 and part.max() >= len(cls.class_names):
                raise DataError(str(path), f"has the label {part.max()}, but there are {len(cls.class_names)} classes")
        if cls.published_md5 is None:
            _check_recorded(paths, parts)
        else:
            cls._check_published(paths, parts)

    @classmethod
    def _check_published(cls, paths: Sequence[Path], parts: Sequence[Array]) -> None:
        for path, part, expected in zip(paths, parts, cls.published_md5 or (), strict=bool(cls.published_md5)):
            _compare_md5(path, idx.idx_md5(part), expected, "the published one is")


@DATASETS.register("mnist")
@dataclass(frozen=True, kw_only=True)
class Mnist(IdxImages):
    """Handwritten digits, 28x28 gray pixels (LeCun et al. 1998)."""

    info = DatasetInfo(MNIST_COUNT, (28, 28, 1), 10, "local files or download")
    folder = "mnist"
    openml = "mnist_784"
    class_names = tuple("0123456789")
    published_md5 = (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    )


@DATASETS.register("fashion_mnist")
@dataclass(frozen=True, kw_only=True)
class FashionMnist(IdxImages):
    """Pieces of clothing, 28x28 gray pixels (Xiao et al. 2017, arXiv:1708.07747)."""

    info = DatasetInfo(MNIST_COUNT, (28, 28, 1), 10, "local files or download")
    folder = "fashion_mnist"
    openml = "Fashion-MNIST"
    class_names = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def fetch_dataset(name: str) -> Path:
    """Make sure that a dataset is complete on this machine, and return its folder.

    Args:
        name: the dataset's name in YAML.

    Raises:
        UsageError: if the name is unknown, or the dataset needs no download.
        DataError: if the download fails or the files are damaged.
    """
    try:
        cls = DATASETS[name]
    except UnknownName as error:
        raise UsageError("", str(error)) from None
    if not issubclass(cls, IdxImages):
        fetchable = [known for known in DATASETS.names() if issubclass(DATASETS[known], IdxImages)]
        raise UsageError(
            name,
            f"cannot be fetched: only {' and '.join(fetchable)} can",
            f"'dropout datasets {name}' shows where its data come from",
        )
    folder = cls.find_files() or cls.download()
    cls(path=str(folder)).read()
    return folder


def _find_idx_files(folder: Path) -> dict[str, Path | None]:
    """Return the path of each of IDX_FILES in `folder`, or None.

    Files may be gzipped, and have a hyphen or a dot before `idx`.
    """

    def find(name: str) -> Path | None:
        spellings = (name, name.replace("-idx", ".idx"))
        candidates = (folder / f"{spelling}{ending}" for spelling in spellings for ending in ("", ".gz"))
        return next((path for path in candidates if path.is_file()), None)

    try:
        return {name: find(name) for name in IDX_FILES}
    except (OSError, ValueError) as error:
        raise DataError(repr(str(folder)), f"cannot be opened: {error}", "Choose another folder") from error


def _part_views(x: Array, labels: Array) -> tuple[Array, ...]:
    """Return views of the arrays of all 70,000, in the order of IDX_FILES."""
    return x[:MNIST_TRAIN_COUNT], labels[:MNIST_TRAIN_COUNT], x[MNIST_TRAIN_COUNT:], labels[MNIST_TRAIN_COUNT:]


def _copy_hint(folder: str) -> str:
    return f"Put {', '.join(f'{name}.gz' for name in IDX_FILES)} (or unzipped) into {folder}, or set dataset.path"


def _writable_folder(name: str) -> Path:
    """Return the folder `name`, created if needed, in the first writable data directory."""
    folders = [directory / name for directory in data_directories()]
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Access rights do not tell everything: only writing shows that a folder is writable.
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    fact = f"is not in {searched_folders(name)}, and it cannot be downloaded: {folders[0]} is not writable"
    raise DataError(
        f"dataset {name}", fact, f"Set $DROPOUT_DATA to a writable folder. {_copy_hint('its folder ' + name)}"
    )


def _download_openml(name: str) -> tuple[Array, Array]:
    """Return all 70,000 images and labels as uint8, in the official order."""
    from sklearn.datasets import fetch_openml

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(
        DOWNLOAD_TIMEOUT_SECONDS
    )  # scikit-learn sets none, and a dead connection would hang forever
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn warns at every retry; the final error is enough
            # No cache of scikit-learn: it would keep a second copy of what we store as IDX.
            bunch = fetch_openml(name, version=1, as_frame=False, cache=False, n_retries=1, delay=0.5)
    finally:
        socket.setdefaulttimeout(before)
    return bunch.data.astype(np.uint8).reshape(MNIST_COUNT, 28, 28), bunch.target.astype(np.uint8).reshape(MNIST_COUNT)


def _check_recorded(paths: Sequence[Path], parts: Sequence[Array]) -> None:
    """Compare with the checksums stored beside the files; store them if there are none.

    A folder that is not writable is not an error.
    """
    record = paths[0].with_name(CHECKSUMS_FILE)
    actual = {name: idx.idx_md5(part) for name, part in zip(IDX_FILES, parts, strict=True)}
    try:
        if record.exists() and not (record.is_file() and record.stat().st_size <= MAX_CHECKSUMS_BYTES):
            raise ValueError(f"it is not a regular file of at most {MAX_CHECKSUMS_BYTES} bytes")
        stored = json.loads(record.read_bytes()) if record.exists() else {}
        expected = {str(name): str(value) for name, value in stored.items()}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(
            str(record), f"cannot be read: {error}", "Delete it; the checksums are then recorded again"
        ) from error
    for path, name in zip(paths, IDX_FILES, strict=True):
        _compare_md5(path, actual[name], expected.get(name, actual[name]), f"{CHECKSUMS_FILE} says")
    if actual.items() <= expected.items():
        return
    try:
        with open_replacement(record) as file:
            file.write(json.dumps(actual, indent=1).encode())
    except OSError:
        pass


def _compare_md5(path: Path, actual: str, expected: str, where: str) -> None:
    if actual != expected:
        fact = f"its MD5 is {actual}, but {where} {expected}"
        raise DataError(str(path), fact, "Replace the file, or delete it to download it again")
