"""IDX files, the format of MNIST: a header with type code and sizes, then the values.

The header has two zero bytes, a type code, the number of dimensions, and their sizes as 32-bit integers. Everything is
big-endian, and the last dimension varies fastest (yann.lecun.com/exdb/mnist). Files may be gzipped, which their first
bytes show. Reading is strict: a file must have exactly the bytes that its header announces, and no memory is allocated
for more values than the file can hold.
"""

import gzip
import hashlib
import math
import os
import struct
import sys
import zlib
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.data.cache import open_replacement

IDX_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}
IDX_CODES = {np.dtype(kind): code for code, kind in IDX_DTYPES.items()}
MAX_DIMENSIONS = 32
DEFLATE_RATIO = 1032
"""Upper bound of the length of a deflated stream, as a multiple of its file's length."""
IDX_CHUNK_BYTES = 1 << 20


class _FileError(Exception):
    """Reason why a file cannot be read."""


def read_idx(path: Path, out: Array | None = None) -> Array:
    """Read an IDX file, gzipped or not, in native byte order.

    Args:
        path: the file.
        out: a C-contiguous array to read into; a file of another shape or dtype is refused before any
            value is read.

    Raises:
        DataError: naming the file, for every fault.
    """
    try:
        if not path.is_file():
            raise _FileError("it is not a file" if path.exists() else "there is no such file")
        with path.open("rb") as file:
            # The file's size bounds what its header may claim, before memory is allocated.
            size = os.fstat(file.fileno()).st_size
            zipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not zipped:
                return _read(file, size, out)
            with gzip.GzipFile(fileobj=file) as unzipped:
                return _read(unzipped, size * DEFLATE_RATIO, out)
    except (_FileError, OSError, EOFError, zlib.error, MemoryError, ValueError) as error:
        # ValueError: a path with a null byte, or a size of 0 next to sizes whose product NumPy cannot address.
        fact = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(
            str(path), f"cannot be read as an IDX file: {fact}", "Replace it with a complete copy"
        ) from error


def _read(file: BufferedIOBase, available: int, out: Array | None) -> Array:
    dtype, shape = _read_header(file)
    if out is None:
        count = math.prod(shape) * dtype.itemsize
        if count > available:
            raise _FileError(f"it is shorter than the {counted(count, 'byte')} stated in its header")
        out = np.empty(shape, dtype)
    elif (out.shape, out.dtype) != (shape, dtype):
        raise _FileError(f"it contains {dtype} of shape {shape}, not {out.dtype} of shape {out.shape}")
    assert out.flags.c_contiguous
    target, done = out.reshape(-1).view(np.uint8), 0
    # In chunks, so that a gzip bomb unpacks at most one chunk too much.
    while done < len(target):
        got = file.readinto(target.data[done : done + IDX_CHUNK_BYTES])
        if not got:
            raise _FileError(f"it ends after {done} of {counted(len(target), 'byte')} of values")
        done += got
    if file.read(1):
        raise _FileError("it is longer than its header states")
    if sys.byteorder == "little":
        # The file is big-endian.
        out.byteswap(inplace=True)
    return out


def _read_header(file: BufferedIOBase) -> tuple[DType, Shape]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in IDX_DTYPES:
        raise _FileError(f"it starts with the bytes '{magic.hex(' ')}', so it is not an IDX file")
    dimensions = magic[3]
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise _FileError(f"it has {counted(dimensions, 'dimension')}, but only 1 to {MAX_DIMENSIONS} can be read")
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise _FileError("it ends inside its header")
    return np.dtype(IDX_DTYPES[magic[2]]), struct.unpack(f">{dimensions}I", sizes)


def _encode(array: Array) -> tuple[bytes, memoryview]:
    """Return header and values as an IDX file stores them."""
    header = struct.pack(
        f">BBBB{array.ndim}I", 0, 0, IDX_CODES[array.dtype.newbyteorder("=")], array.ndim, *array.shape
    )
    return header, np.ascontiguousarray(array, array.dtype.newbyteorder(">")).reshape(-1).view(np.uint8).data


def write_idx(path: Path, array: Array) -> None:
    """Write an array as an IDX file; equal arrays give equal bytes.

    The file appears whole or not at all.

    Args:
        path: the file; gzipped if its name ends in `.gz`.
        array: the values.

    Raises:
        OSError: if the file cannot be written.
        KeyError: if IDX does not support the dtype.
    """
    header, values = _encode(array)
    with open_replacement(path) as file:
        if path.suffix != ".gz":
            file.write(header)
            file.write(values)
            return
        # No name and no time in the gzip header, so that equal arrays give equal bytes.
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as zipped:
            zipped.write(header)
            zipped.write(values)


def idx_md5(array: Array) -> str:
    """Return the MD5, in hex, of the array's IDX file, not gzipped.

    Published checksums are of these contents.
    """
    header, values = _encode(array)
    # A comparison with published sums needs MD5; builds of Python in FIPS mode refuse it without the flag.
    digest = hashlib.md5(header, usedforsecurity=False)
    digest.update(values)
    return digest.hexdigest()
