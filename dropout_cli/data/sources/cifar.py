"""CIFAR-10 and CIFAR-100: 50,000 + 10,000 colour pictures, from the *binary* versions of their archives.

A file is rows of label bytes (one, or for CIFAR-100 the coarse and the fine one) and 3,072 picture bytes: 32x32 of red,
then of green, then of blue (cs.toronto.edu/~kriz/cifar.html). The archive, or the folder it was unpacked into, is
looked for in `dataset.path`, or else in a folder of the dataset's name under the data directories. The Python versions
hold pickles, which run what a stranger wrote, and are refused.
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
from dropout_cli.core.fields import Fraction, PathField
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.base import DATASETS, Examples, Facts, Source
from dropout_cli.data.cache import data_directories

TRAIN, TOTAL = 50_000, 60_000
SIDE, COLOURS = 32, 3
PICTURE = SIDE * SIDE * COLOURS
MOST_UNPACKED = 250_000_000
"""Bytes; the archives hold some 185 million."""


class _Fault(Exception):
    """What is wrong with a file."""


@dataclass(frozen=True, kw_only=True)
class Cifar(Source):
    """A set of 32x32 colour pictures in the files of CIFAR."""

    folder: ClassVar[str]
    archive: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    """In order, the test file last."""
    label_bytes: ClassVar[int]
    """Before each picture; the last of them is the class."""
    names_file: ClassVar[str]
    python_files: ClassVar[frozenset[str]]
    """File names by which a Python version is known."""

    test_fraction: Fraction | None = None
    """Part of the pooled 60,000 examples to test on; null keeps the official test set of 10,000."""
    path: Annotated[str | None, PathField()] = None
    """The binary archive (.tar.gz), or the folder it was unpacked into; null looks into the data directory."""

    def read(self) -> Examples:
        """The pictures as uint8, (60000, 32, 32, 3), the official training set first."""
        path = Path(self.path) if self.path is not None else self.find()
        try:
            if path is None or not path.exists():
                raise _Fault("there is no such file" if path else "not on this machine")
            contents = dict(self._unpacked(path) if path.is_dir() else self._packed(path))
            return self._examples(contents)
        except Exception as error:  # neither tarfile nor gzip says what it raises for damaged bytes
            fact = str(getattr(error, "strerror", None) or error or type(error).__name__)
            raise DataError(
                f"dataset {self.folder}" if path is None else str(path),
                fact if isinstance(error, _Fault) else f"cannot be read: {fact}",
                f"Put {self.archive} into {data_directories()[0] / self.folder}, or name it in dataset.path",
            ) from None

    @classmethod
    def find(cls) -> Path | None:
        """The first archive, or folder of its files, under the data directories."""
        for directory in data_directories():
            folder = directory / cls.folder
            for place in (folder / cls.archive, folder, *(sub for sub in _folders(folder))):
                if place.is_file() or (place / cls.files[-1]).is_file():
                    return place
        return None

    def _wanted(self) -> dict[str, int]:
        """File name -> its length in bytes; that of the names is a bound."""
        row = self.label_bytes + PICTURE
        each = TRAIN // (len(self.files) - 1)
        sizes = dict.fromkeys(self.files[:-1], each * row)
        return sizes | {self.files[-1]: (TOTAL - TRAIN) * row, self.names_file: 10_000}

    def _unpacked(self, folder: Path) -> Iterator[tuple[str, bytes]]:
        if any((folder / name).is_file() for name in self.python_files):
            raise self._python_version()
        for name, size in self._wanted().items():
            file = folder / name
            if not file.is_file():
                raise _Fault(f"lacks {name}")
            if file.stat().st_size > size:
                raise _Fault(f"{name} is longer than {size:,} bytes")
            yield name, file.read_bytes()

    def _packed(self, path: Path) -> Iterator[tuple[str, bytes]]:
        wanted = self._wanted()
        with (
            path.open("rb") as packed,
            GzipFile(fileobj=packed) as unzipped,
            tarfile.open(fileobj=_Bounded(unzipped), mode="r|") as archive,
        ):
            for member in archive:
                name = PurePosixPath(member.name).name
                if name in self.python_files:
                    raise self._python_version()
                content = archive.extractfile(member) if name in wanted and member.isreg() else None
                if content is None:
                    continue
                if member.size > wanted[name]:
                    raise _Fault(f"{name} is longer than {wanted[name]:,} bytes")
                yield name, content.read()

    def _python_version(self) -> _Fault:
        return _Fault(f"holds the Python version, which could run code of a stranger; the binary one is {self.archive}")

    def _examples(self, contents: dict[str, bytes]) -> Examples:
        x, labels = np.empty((TOTAL, SIDE, SIDE, COLOURS), np.uint8), np.empty(TOTAL, np.intp)
        classes, done = self._names(contents), 0
        for name in self.files:
            size = self._wanted()[name]
            if len(contents.get(name, b"")) != size:
                raise _Fault(f"{name} has {counted(len(contents.get(name, b'')), 'byte')}, and {size:,} are needed")
            rows = np.frombuffer(contents[name], np.uint8).reshape(-1, self.label_bytes + PICTURE)
            part = slice(done, done + len(rows))
            labels[part] = rows[:, self.label_bytes - 1]
            planes: Array = rows[:, self.label_bytes :].reshape(-1, COLOURS, SIDE, SIDE)
            x[part] = planes.transpose(0, 2, 3, 1)
            if labels[part].max() >= len(classes):
                raise _Fault(f"{name} has the label {labels[part].max()}; there are {len(classes)} classes")
            done += len(rows)
        return Examples(x, labels, classes, train_count=TRAIN)

    def _names(self, contents: dict[str, bytes]) -> tuple[str, ...]:
        names = tuple(contents.get(self.names_file, b"").decode("utf-8", "replace").split())
        if len(set(names)) != self.facts.classes or len(names) != self.facts.classes:
            raise _Fault(f"{self.names_file} names {len(names)} classes, and there are {self.facts.classes}")
        return names


@DATASETS.register("cifar10")
@dataclass(frozen=True, kw_only=True)
class Cifar10(Cifar):
    """Animals and vehicles, 32x32 colour pixels (Krizhevsky 2009)."""

    facts = Facts(TOTAL, (SIDE, SIDE, COLOURS), 10, "its binary archive")
    folder = "cifar10"
    archive = "cifar-10-binary.tar.gz"
    files = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
    label_bytes = 1
    names_file = "batches.meta.txt"
    python_files = frozenset({"data_batch_1", "test_batch", "batches.meta"})


@DATASETS.register("cifar100")
@dataclass(frozen=True, kw_only=True)
class Cifar100(Cifar):
    """A hundred kinds of things, 32x32 colour pixels, by their fine labels (Krizhevsky 2009)."""

    facts = Facts(TOTAL, (SIDE, SIDE, COLOURS), 100, "its binary archive")
    folder = "cifar100"
    archive = "cifar-100-binary.tar.gz"
    files = ("train.bin", "test.bin")
    label_bytes = 2
    names_file = "fine_label_names.txt"
    python_files = frozenset({"train", "test", "meta"})


class _Bounded(RawIOBase):
    """A file that ends in a fault when more is read from it than a whole archive holds."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file, self._left = file, MOST_UNPACKED

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes."""
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise _Fault(f"unpacks to more than {MOST_UNPACKED:,} bytes")
        return data


def _folders(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []
