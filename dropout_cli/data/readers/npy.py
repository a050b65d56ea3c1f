"""Reader of untrusted `.npy` files, whole or by rows; never a pickle."""

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
from dropout_cli.data.cache import data_directories, open_replacement
from dropout_cli.data.readers.cells import FLOAT32_MAX
from dropout_cli.data.readers.file_rows import READ_BYTES, FilePiece, FileRows

MAX_NPY_HEADER = 10_000


class NpyHeader(NamedTuple):
    """Header of a `.npy` file; `offset` is the byte at which the values begin."""

    shape: Shape
    dtype: DType
    fortran_order: bool
    offset: int


def read_npy_header(path: Path) -> NpyHeader:
    """Read and check the header of a `.npy` file.

    Args:
        path: the file.

    Raises:
        DataError: if the file cannot be read, or its header is invalid or does not fit its size.
    """
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy only warns about a header that it has to repair
            return _header(file)
    except OSError as error:
        raise DataError(str(path), f"cannot be read: {error.strerror}", "Check the path and its permissions") from None
    except Exception as error:  # NumPy does not document what it raises for damaged bytes
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(
            str(path), f"cannot be read as an .npy file ({reason})", "Write it again with numpy.save"
        ) from None


def _header(file: BinaryIO) -> NpyHeader:
    version = np.lib.format.read_magic(file)
    # Version 3.0 only adds field names that are not Latin-1, and fields are not supported.
    reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if reader is None:
        raise ValueError(f"it has version {version}, which is not supported")
    shape, fortran_order, dtype = reader(file, max_header_size=MAX_NPY_HEADER)
    if dtype.kind not in npz.DTYPE_KINDS or not dtype.itemsize:
        raise ValueError(f"it contains {dtype}, not numbers or texts")
    # The exact size is required, so that a damaged header cannot reserve memory for values that are not there.
    size = os.fstat(file.fileno()).st_size - file.tell()
    # `type`: NumPy accepts True as a length, and fails only when it makes the array.
    if any(type(length) is not int or length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != size:
        raise ValueError(
            f"its size does not match its header ({' x '.join(map(str, shape)) or 'one value'} of {dtype})"
        )
    return NpyHeader(tuple(shape), dtype, fortran_order, file.tell())


def read_npy(path: Path) -> Array:
    """Read a whole `.npy` file.

    Args:
        path: the file.

    Raises:
        DataError: if the file is damaged or does not fit into memory.
    """
    info = read_npy_header(path)
    needed, free = math.prod(info.shape) * info.dtype.itemsize, available_bytes()
    if free is not None and 2 * needed > free:
        fact = f"needs {2 * needed / 1e9:.1f} GB of memory, but only {free / 1e9:.1f} GB are free"
        raise DataError(str(path), fact, "Set dataset.memory below the size of the file")
    values = np.fromfile(path, info.dtype, offset=info.offset)
    return values.reshape(info.shape, order="F" if info.fortran_order else "C")


def open_npy_rows(paths: list[Path], memory: int) -> FileRows:
    """Return the rows of several `.npy` files, one after the other, without reading them.

    Args:
        paths: the files.
        memory: size of the window in bytes.

    Raises:
        DataError: if a file is damaged, is in Fortran order, or differs from the others in shape or dtype.
    """
    headers = [read_npy_header(path) for path in paths]
    first = headers[0]
    for path, info in zip(paths, headers, strict=True):
        if info.fortran_order:
            raise DataError(str(path), "is in Fortran order, which cannot be read row by row", "Save it in C order")
        if (info.shape[1:], info.dtype) != (first.shape[1:], first.dtype):
            raise DataError(
                str(path),
                f"its rows have another shape or type than those of {paths[0]}",
                "They must be the same",
            )
        if info.dtype.kind not in "uifb" or len(info.shape) < 2:
            raise DataError(
                str(path),
                f"contains {info.dtype} of {counted(len(info.shape), 'dimension')}",
                "Examples must be rows of numbers",
            )
    pieces = [FilePiece(path, info.offset, info.shape[0]) for path, info in zip(paths, headers, strict=True)]
    # Gray images get a channel axis.
    shape = first.shape[1:] if len(first.shape) != 3 else (*first.shape[1:], 1)
    return FileRows(pieces, shape, first.dtype, memory)


def npy_digest(path: Path) -> str:
    """Return the SHA-256, in hex, of the bytes of a large `.npy` file.

    The result is cached by path, size and modification time, so that the next run does not read the file again.

    Args:
        path: the file.

    Raises:
        DataError: if a value is not finite in float32.
    """
    info = read_npy_header(path)
    status = path.stat()
    name = str(path.resolve())
    wide = info.dtype.kind == "f" and info.dtype.itemsize > 4
    # float64 values are also checked against the range of float32, so older entries without the mark do not count.
    key = [name, status.st_size, status.st_mtime_ns, *(["single precision"] if wide else [])]
    cache_file = (
        data_directories()[-1]
        / "cache"
        / f"array-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.json"
    )
    # A damaged cache entry counts as a missing one.
    with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
        # A real entry is far shorter.
        if cache_file.stat().st_size < 10_000:
            stored = json.loads(cache_file.read_bytes())
            if stored["key"] == key:
                return str(stored["sha256"])
    checksum = hashlib.sha256()
    with path.open("rb") as file:
        checksum.update(file.read(info.offset))
        # A whole number of values per read.
        chunk_bytes = READ_BYTES - READ_BYTES % info.dtype.itemsize
        done = 0
        while chunk := file.read(chunk_bytes):
            checksum.update(chunk)
            values = np.frombuffer(chunk, info.dtype)
            valid = np.abs(values) <= FLOAT32_MAX if wide else np.isfinite(values) if info.dtype.kind == "f" else None
            if valid is not None and not valid.all():
                row = (done + int(np.argmin(valid))) // math.prod(info.shape[1:])
                fact = "has a value that is not a finite 32-bit number"
                raise DataError(f"{path}, row {row}", fact, "Correct or remove it")
            done += len(chunk) // info.dtype.itemsize
    with suppress(OSError):
        cache_file.parent.mkdir(parents=True, exist_ok=True)
        with open_replacement(cache_file) as target:
            target.write(json.dumps({"key": key, "sha256": checksum.hexdigest()}).encode())
    return checksum.hexdigest()
