"""MNIST and Fashion-MNIST: 60,000 + 10,000 pictures, from four IDX files or, once, from OpenML.

The files are looked for in `dataset.path`, or else in a folder of the dataset's name under the data
directories. Where they are nowhere, they are downloaded and kept. What is read is checked against
MD5 sums of the contents: published ones for MNIST, those of the first use for Fashion-MNIST.
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
from dropout_cli.core.fields import Fraction, PathField
from dropout_cli.core.registry import UnknownName
from dropout_cli.core.types import Array
from dropout_cli.data.base import DATASETS, Examples, Facts, Source
from dropout_cli.data.cache import data_directories, replacing
from dropout_cli.data.readers import idx

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
TRAIN, TOTAL = 60_000, 70_000
CHECKSUMS = "checksums.json"
MOST_RECORD = 10_000
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class IdxPictures(Source):
    """A set of 28x28 pictures in the files of MNIST."""

    folder: ClassVar[str]
    openml: ClassVar[str]
    names: ClassVar[tuple[str, ...]]
    published: ClassVar[tuple[str, ...] | None] = None
    """MD5 of the contents of FILES; None: recorded at first use."""

    test_fraction: Fraction | None = None
    """Part of the pooled 70,000 examples to test on; null keeps the official test set of 10,000."""
    path: Annotated[str | None, PathField()] = None
    """Folder of the four IDX files, gzipped or not; null looks into the data directory, then downloads."""

    def read(self) -> Examples:
        """The pictures as uint8, (70000, 28, 28, 1), the official training set first."""
        folder = Path(self.path) if self.path is not None else self.find() or self.download()
        files = _files(folder)
        missing = [name for name, file in files.items() if file is None]
        if missing:
            fact = f"{str(folder)!r} {'lacks ' + ', '.join(missing) if folder.is_dir() else 'is not a folder'}"
            raise DataError("dataset.path", fact, _put_files_into("a folder"))
        x, labels = np.empty((TOTAL, 28, 28), np.uint8), np.empty(TOTAL, np.uint8)
        parts = _parts(x, labels)
        paths = [file for file in files.values() if file is not None]
        for file, part in zip(paths, parts, strict=True):
            idx.read(file, out=part)
        self._check(paths, parts)
        return Examples(x[..., np.newaxis], labels.astype(np.intp), self.names, train_count=TRAIN)

    @classmethod
    def find(cls) -> Path | None:
        """The first folder under the data directories that has all four files."""
        folders = (directory / cls.folder for directory in data_directories())
        return next((folder for folder in folders if None not in _files(folder).values()), None)

    @classmethod
    def download(cls) -> Path:
        """Download from OpenML, check, and keep as gzipped IDX files; return their folder. Raises DataError."""
        folder = _writable_folder(cls.folder)
        try:
            x, labels = _from_openml(cls.openml)
        except Exception as error:  # whatever a network, a proxy or a parser raises, the way out is the same
            fact = f"not on this machine, and the download failed ({type(error).__name__}: {error})"
            raise DataError(f"dataset {cls.folder}", fact, _put_files_into(str(folder))) from error
        paths, parts = [folder / f"{name}.gz" for name in FILES], _parts(x, labels)
        cls._check_published(paths, parts)
        try:
            for path, part in zip(paths, parts, strict=True):
                idx.write(path, part)
        except OSError as error:
            raise DataError(str(folder), f"cannot be written to: {error.strerror}", "Make room for 20 MB") from error
        return folder

    @classmethod
    def _check(cls, paths: Sequence[Path], parts: Sequence[Array]) -> None:
        for path, part in zip(paths, parts, strict=True):
            if part.ndim == 1 and part.max() >= len(cls.names):
                raise DataError(str(path), f"has the label {part.max()}; there are {len(cls.names)} classes")
        if cls.published is None:
            _check_recorded(paths, parts)
        else:
            cls._check_published(paths, parts)

    @classmethod
    def _check_published(cls, paths: Sequence[Path], parts: Sequence[Array]) -> None:
        for path, part, expected in zip(paths, parts, cls.published or (), strict=bool(cls.published)):
            _compare(path, idx.md5(part), expected, "published")


@DATASETS.register("mnist")
@dataclass(frozen=True, kw_only=True)
class Mnist(IdxPictures):
    """Handwritten digits, 28x28 gray pixels (LeCun et al. 1998)."""

    facts = Facts(TOTAL, (28, 28, 1), 10, "IDX files, else downloaded")
    folder = "mnist"
    openml = "mnist_784"
    names = tuple("0123456789")
    published = (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    )


@DATASETS.register("fashion_mnist")
@dataclass(frozen=True, kw_only=True)
class FashionMnist(IdxPictures):
    """Pieces of clothing, 28x28 gray pixels (Xiao et al. 2017, arXiv:1708.07747)."""

    facts = Facts(TOTAL, (28, 28, 1), 10, "IDX files, else downloaded")
    folder = "fashion_mnist"
    openml = "Fashion-MNIST"
    names = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def fetch(name: str) -> Path:
    """Make sure that the dataset is on this machine, whole; return its folder. Raises UsageError or DataError."""
    try:
        cls = DATASETS[name]
    except UnknownName as error:
        raise UsageError("", str(error)) from None
    if not issubclass(cls, IdxPictures):
        raise UsageError(name, "nothing needs fetching", "It is always there")
    folder = cls.find() or cls.download()
    cls(path=str(folder)).read()
    return folder


def _files(folder: Path) -> dict[str, Path | None]:
    """Each of FILES and where it is in `folder`: gzipped or not, with a hyphen or a dot before `idx`."""

    def find(name: str) -> Path | None:
        spellings = (name, name.replace("-idx", ".idx"))
        candidates = (folder / f"{spelling}{ending}" for spelling in spellings for ending in ("", ".gz"))
        return next((path for path in candidates if path.is_file()), None)

    try:
        return {name: find(name) for name in FILES}
    except (OSError, ValueError) as error:
        raise DataError(repr(str(folder)), f"cannot be looked into: {error}", "Name another folder") from error


def _parts(x: Array, labels: Array) -> tuple[Array, ...]:
    """Views of the arrays of all 70,000, in the order of FILES."""
    return x[:TRAIN], labels[:TRAIN], x[TRAIN:], labels[TRAIN:]


def _put_files_into(folder: str) -> str:
    return f"Put {', '.join(f'{name}.gz' for name in FILES)} (or unzipped) into {folder}, or set dataset.path"


def _writable_folder(name: str) -> Path:
    """The folder `name`, made if need be, in the first data directory that can be written to."""
    folders = [directory / name for directory in data_directories()]
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    fact = f"not on this machine, and there is nowhere to download it to: cannot write to {folders[0]}"
    raise DataError(f"dataset {name}", fact, f"Set $DROPOUT_DATA. {_put_files_into('its folder ' + name)}")


def _from_openml(name: str) -> tuple[Array, Array]:
    """All 70,000 pictures and labels as uint8, in the official order."""
    from sklearn.datasets import fetch_openml

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_SECONDS)  # scikit-learn sets none, and a dead connection would hang for good
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of every retry; the error says enough
            bunch = fetch_openml(name, version=1, as_frame=False, cache=False, n_retries=1, delay=0.5)
    finally:
        socket.setdefaulttimeout(before)
    return bunch.data.astype(np.uint8).reshape(TOTAL, 28, 28), bunch.target.astype(np.uint8).reshape(TOTAL)


def _check_recorded(paths: Sequence[Path], parts: Sequence[Array]) -> None:
    """Compare with the sums kept beside the files; keep them if there are none and the folder can be written to."""
    record = paths[0].with_name(CHECKSUMS)
    found = {name: idx.md5(part) for name, part in zip(FILES, parts, strict=True)}
    try:
        if record.exists() and not (record.is_file() and record.stat().st_size <= MOST_RECORD):
            raise ValueError(f"it is no plain file of at most {MOST_RECORD} bytes")
        known = json.loads(record.read_bytes()) if record.exists() else {}
        expected = {str(name): str(value) for name, value in known.items()}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(str(record), f"cannot be read: {error}", "Delete it to record the sums again") from error
    for path, name in zip(paths, FILES, strict=True):
        _compare(path, found[name], expected.get(name, found[name]), f"in {CHECKSUMS}")
    if found.items() <= expected.items():
        return
    try:
        with replacing(record) as file:
            file.write(json.dumps(found, indent=1).encode())
    except OSError:
        pass


def _compare(path: Path, found: str, expected: str, where: str) -> None:
    if found != expected:
        fact = f"its contents have the MD5 {found}, and {expected} is the one {where}"
        raise DataError(str(path), fact, "Replace the file, or delete it to download it again")
