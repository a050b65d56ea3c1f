"""CIFAR-10 and CIFAR-100: 50,000 + 10,000 color images from the *binary* archives.

A file is rows of label bytes (one, or for CIFAR-100 the coarse and the fine one) and 3,072 image bytes: 32x32 of red,
then of green, then of blue (cs.toronto.edu/~kriz/cifar.html). The archive, or the folder it was unpacked into, is
searched in `dataset.path`, or else in a folder of the dataset's name under the data directories. The Python versions
contain pickles, which can run foreign code, and are refused.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from gzip import GzipFile
from io import BufferedIOBase, RawIOBase
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.field_types import Fraction, PathField
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.base import DATASETS, DatasetInfo, Examples, Source
from dropout_cli.data.cache import data_directories, searched_folders

CIFAR_TRAIN_COUNT, CIFAR_COUNT = 50_000, 60_000
SIDE, CHANNELS = 32, 3
IMAGE_BYTES = SIDE * SIDE * CHANNELS
MAX_UNPACKED_BYTES = 250_000_000
"""Most bytes to unpack; the archives hold about 185 million."""


class _FileError(Exception):
    """Reason why a file cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Cifar(Source):
    """Base class of the CIFAR datasets: 32x32 color images."""

    takes_pictures = True
    folder: ClassVar[str]
    archive: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    """In order, the test file last."""
    label_bytes: ClassVar[int]
    """Label bytes before each image; the last of them is the class."""
    names_file: ClassVar[str]
    python_files: ClassVar[frozenset[str]]
    """File names that identify a Python version."""

    test_fraction: Fraction | None = None
    """Fraction of all 60,000 examples used for testing. null: keep the official test set of 10,000."""
    path: Annotated[str | None, PathField()] = None
    """The binary archive (.tar.gz), or the folder with its unpacked files. null: search the data directories."""

    def read(self) -> Examples:
        """Read the images as uint8, (60000, 32, 32, 3), the official training set first.

        Raises:
            DataError: if the files are missing or damaged.
        """
        path = Path(self.path) if self.path is not None else self.find_files()
        try:
            if path is None or not path.exists():
                fact = "there is no such file" if path else f"is not in {searched_folders(self.folder)}"
                raise _FileError(fact)
            contents = dict(self._read_folder(path) if path.is_dir() else self._read_archive(path))
            return self._examples(contents)
        except Exception as error:  # tarfile and gzip do not document what they raise for damaged bytes
            fact = str(getattr(error, "strerror", None) or error or type(error).__name__)
            raise DataError(
                f"dataset {self.folder}" if path is None else str(path),
                fact if isinstance(error, _FileError) else f"cannot be read: {fact}",
                f"Put {self.archive} into {data_directories()[0] / self.folder}, or set dataset.path",
            ) from None

    @classmethod
    def find_files(cls) -> Path | None:
        """Return the first archive, or folder of its files, under the data directories."""
        for directory in data_directories():
            folder = directory / cls.folder
            for place in (folder / cls.archive, folder, *(sub for sub in _subfolders(folder))):
                if place.is_file() or (place / cls.files[-1]).is_file():
                    return place
        return None

    def _file_sizes(self) -> dict[str, int]:
        """Return the length in bytes of each file; for the file of class names an upper bound."""
        row = self.label_bytes + IMAGE_BYTES
        each = CIFAR_TRAIN_COUNT // (len(self.files) - 1)
        # All files but the last divide the training set evenly.
        sizes = dict.fromkeys(self.files[:-1], each * row)
        return sizes | {self.files[-1]: (CIFAR_COUNT - CIFAR_TRAIN_COUNT) * row, self.names_file: 10_000}

    def _read_folder(self, folder: Path) -> Iterator[tuple[str, bytes]]:
        if any((folder / name).is_file() for name in self.python_files):
            raise self._python_version_error()
        for name, size in self._file_sizes().items():
            file = folder / name
            if not file.is_file():
                raise _FileError(f"has no {name}")
            if file.stat().st_size > size:
                raise _FileError(f"{name} is longer than {size:,} bytes")
            yield name, file.read_bytes()

    def _read_archive(self, path: Path) -> Iterator[tuple[str, bytes]]:
        wanted = self._file_sizes()
        # Read as a stream: nothing is unpacked to the disk.
        with (
            path.open("rb") as packed,
            GzipFile(fileobj=packed) as unzipped,
            tarfile.open(fileobj=_BoundedReader(unzipped), mode="r|") as archive,
        ):
            for member in archive:
                # The archive has its files in a folder.
                name = PurePosixPath(member.name).name
                if name in self.python_files:
                    raise self._python_version_error()
                # Links and devices in an archive are ignored.
                content = archive.extractfile(member) if name in wanted and member.isreg() else None
                if content is None:
                    continue
                if member.size > wanted[name]:
                    raise _FileError(f"{name} is longer than {wanted[name]:,} bytes")
                yield name, content.read()

    def _python_version_error(self) -> _FileError:
        return _FileError(
            f"is the Python version, which can contain harmful code. Use the binary version, {self.archive}"
        )

    def _examples(self, contents: dict[str, bytes]) -> Examples:
        x, labels = np.empty((CIFAR_COUNT, SIDE, SIDE, CHANNELS), np.uint8), np.empty(CIFAR_COUNT, np.intp)
        classes, done = self._class_names(contents), 0
        for name in self.files:
            size = self._file_sizes()[name]
            if len(contents.get(name, b"")) != size:
                raise _FileError(f"{name} has {counted(len(contents.get(name, b'')), 'byte')} instead of {size:,}")
            rows = np.frombuffer(contents[name], np.uint8).reshape(-1, self.label_bytes + IMAGE_BYTES)
            part = slice(done, done + len(rows))
            labels[part] = rows[:, self.label_bytes - 1]
            # The file has a plane per color, our images have the color last.
            planes: Array = rows[:, self.label_bytes :].reshape(-1, CHANNELS, SIDE, SIDE)
            x[part] = planes.transpose(0, 2, 3, 1)
            if labels[part].max() >= len(classes):
                raise _FileError(f"{name} has the label {labels[part].max()}, but there are {len(classes)} classes")
            done += len(rows)
        return Examples(x, labels, classes, train_count=CIFAR_TRAIN_COUNT)

    def _class_names(self, contents: dict[str, bytes]) -> tuple[str, ...]:
        names = tuple(contents.get(self.names_file, b"").decode("utf-8", "replace").split())
        if len(set(names)) != self.info.classes or len(names) != self.info.classes:
            raise _FileError(f"{self.names_file} names {len(names)} classes instead of {self.info.classes}")
        return names


@DATASETS.register("cifar10")
@dataclass(frozen=True, kw_only=True)
class Cifar10(Cifar):
    """Animals and vehicles, 32x32 color pixels (Krizhevsky 2009)."""

    info = DatasetInfo(CIFAR_COUNT, (SIDE, SIDE, CHANNELS), 10, "its binary archive (local)")
    folder = "cifar10"
    archive = "cifar-10-binary.tar.gz"
    files = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
    label_bytes = 1
    names_file = "batches.meta.txt"
    python_files = frozenset({"data_batch_1", "test_batch", "batches.meta"})


@DATASETS.register("cifar100")
@dataclass(frozen=True, kw_only=True)
class Cifar100(Cifar):
    """100 classes of objects, 32x32 color pixels (Krizhevsky 2009)."""

    info = DatasetInfo(CIFAR_COUNT, (SIDE, SIDE, CHANNELS), 100, "its binary archive (local)")
    folder = "cifar100"
    archive = "cifar-100-binary.tar.gz"
    files = ("train.bin", "test.bin")
    label_bytes = 2
    names_file = "fine_label_names.txt"
    python_files = frozenset({"train", "test", "meta"})


class _BoundedReader(RawIOBase):
    """File that raises a _FileError once more is read than a whole archive holds.

    A small archive could otherwise unpack to terabytes.
    """

    def __init__(self, file: BufferedIOBase) -> None:
        self._file, self._left = file, MAX_UNPACKED_BYTES

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes."""
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise _FileError(f"unpacks to more than {MAX_UNPACKED_BYTES:,} bytes")
        return data


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
