"""NumPy's files, read as if a stranger had sent them: `.npy` whole or by rows, never a pickle."""

import hashlib
import json
import math
import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from dropout_cli.core import npz
from dropout_cli.core.environment import available_bytes
from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.data.cache import data_directories, replacing
from dropout_cli.data.readers.cells import LARGEST
from dropout_cli.data.readers.memory_mapped import PIECE, FileRows, Piece

MOST_HEADER = 10_000


class Header(NamedTuple):
    """What stands before the values of a `.npy` file."""

    shape: Shape
    dtype: DType
    fortran_order: bool
    offset: int


def header(path: Path) -> Header:
    """Read and check the header of a `.npy` file. Raises DataError."""
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error")
            return _header(file)
    except OSError as error:
        raise DataError(str(path), f"cannot be read: {error.strerror}", "Name a file") from None
    except Exception as error:  # NumPy does not say what it raises for damaged bytes
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(str(path), f"cannot be read as npy ({reason})", "Write it anew with numpy.save") from None


def _header(file: BinaryIO) -> Header:
    version = np.lib.format.read_magic(file)
    reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if reader is None:
        raise ValueError(f"it is of version {version}")
    shape, fortran_order, dtype = reader(file, max_header_size=MOST_HEADER)
    if dtype.kind not in npz.KINDS or not dtype.itemsize:
        raise ValueError(f"it holds {dtype}, not numbers or texts")
    size = os.fstat(file.fileno()).st_size - file.tell()
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != size:
        raise ValueError(
            f"its header says {' x '.join(map(str, shape)) or 'one value'} of {dtype}, which is not its size"
        )
    return Header(tuple(shape), dtype, fortran_order, file.tell())


def read(path: Path) -> Array:
    """A whole `.npy` file. Raises DataError."""
    known = header(path)
    needed, free = math.prod(known.shape) * known.dtype.itemsize, available_bytes()
    if free is not None and 2 * needed > free:
        fact = f"needs {2 * needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free"
        raise DataError(str(path), fact, "Set dataset.memory to less than the file has")
    values = np.fromfile(path, known.dtype, offset=known.offset)
    return values.reshape(known.shape, order="F" if known.fortran_order else "C")


def rows(paths: list[Path], memory: int) -> FileRows:
    """The rows of several `.npy` files, one after the other, left where they are. Raises DataError."""
    headers = [header(path) for path in paths]
    first = headers[0]
    for path, one in zip(paths, headers, strict=True):
        if one.fortran_order:
            raise DataError(str(path), "is in Fortran order, which cannot be read row by row", "Save it in C order")
        if (one.shape[1:], one.dtype) != (first.shape[1:], first.dtype):
            raise DataError(str(path), f"has rows of another shape or type than {paths[0]}", "Give both the same")
        if one.dtype.kind not in "uifb" or len(one.shape) < 2:
            raise DataError(
                str(path),
                f"holds {one.dtype} of {counted(len(one.shape), 'dimension')}",
                "Examples are rows of numbers",
            )
    pieces = [Piece(path, one.offset, one.shape[0]) for path, one in zip(paths, headers, strict=True)]
    shape = first.shape[1:] if len(first.shape) != 3 else (*first.shape[1:], 1)
    return FileRows(pieces, shape, first.dtype, memory)


def digest(path: Path) -> str:
    """SHA-256, in hex, of the bytes of a large `.npy` file, whose values must be finite in single precision.

    It is kept by path, size and time of change, so that the next run need not go over the file again. Raises DataError.
    """
    known = header(path)
    found = path.stat()
    name = str(path.resolve())
    wide = known.dtype.kind == "f" and known.dtype.itemsize > 4
    key = [name, found.st_size, found.st_mtime_ns, *(["single precision"] if wide else [])]
    kept = (
        data_directories()[-1]
        / "cache"
        / f"array-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.json"
    )
    with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
        if kept.stat().st_size < 10_000:
            stored = json.loads(kept.read_bytes())
            if stored["key"] == key:
                return str(stored["sha256"])
    sha = hashlib.sha256()
    with path.open("rb") as file:
        sha.update(file.read(known.offset))
        whole = PIECE - PIECE % known.dtype.itemsize
        done = 0
        while piece := file.read(whole):
            sha.update(piece)
            values = np.frombuffer(piece, known.dtype)
            right = np.abs(values) <= LARGEST if wide else np.isfinite(values) if known.dtype.kind == "f" else None
            if right is not None and not right.all():
                row = (done + int(np.argmin(right))) // math.prod(known.shape[1:])
                fact = "has a value that is no finite number of single precision"
                raise DataError(f"{path}, row {row}", fact, "Correct or remove it")
            done += len(piece) // known.dtype.itemsize
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as target:
            target.write(json.dumps({"key": key, "sha256": sha.hexdigest()}).encode())
    return sha.hexdigest()
