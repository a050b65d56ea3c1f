"""IDX files, the format of MNIST: two zero bytes, a type code, the number of dimensions, their sizes, the values.

Sizes are 32-bit and values are stored, both big-endian, the last dimension running fastest
(yann.lecun.com/exdb/mnist). Files may be gzipped; this is told from their first bytes. Reading is
strict: a file is exactly what its header says, and a header is believed only as far as the file is long.
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
from dropout_cli.data.cache import replacing

DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}
CODES = {np.dtype(kind): code for code, kind in DTYPES.items()}
MOST_DIMENSIONS = 32
DEFLATE_RATIO = 1032
"""No deflated stream is longer than this many times its file."""
CHUNK = 1 << 20


class _Fault(Exception):
    """What is wrong with a file."""


def read(path: Path, out: Array | None = None) -> Array:
    """Read an IDX file, gzipped or not, in native byte order.

    With `out`, a C-contiguous array, the values are read into it, and a file of another shape or
    dtype is refused before any value is read. Raises DataError, which names the file, for every fault.
    """
    try:
        if not path.is_file():
            raise _Fault("is not a file" if path.exists() else "there is no such file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            zipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not zipped:
                return _read(file, size, out)
            with gzip.GzipFile(fileobj=file) as unzipped:
                return _read(unzipped, size * DEFLATE_RATIO, out)
    except (_Fault, OSError, EOFError, zlib.error, MemoryError, ValueError) as error:
        # ValueError: a path with a null byte, or sizes that NumPy cannot address beside one that is 0.
        fact = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(str(path), f"cannot be read as an IDX file: {fact}", "Replace it with a whole copy") from error


def _read(file: BufferedIOBase, available: int, out: Array | None) -> Array:
    dtype, shape = _read_header(file)
    if out is None:
        count = math.prod(shape) * dtype.itemsize
        if count > available:
            raise _Fault(f"it is too short for the {counted(count, 'byte')} that its header promises")
        out = np.empty(shape, dtype)
    elif (out.shape, out.dtype) != (shape, dtype):
        raise _Fault(f"it holds {dtype} of shape {shape}, not {out.dtype} of shape {out.shape}")
    assert out.flags.c_contiguous
    target, done = out.reshape(-1).view(np.uint8), 0
    while done < len(target):
        got = file.readinto(target.data[done : done + CHUNK])
        if not got:
            raise _Fault(f"it ends after {done} of {counted(len(target), 'byte')} of values")
        done += got
    if file.read(1):
        raise _Fault("it goes on after the last value that its header promises")
    if sys.byteorder == "little":
        out.byteswap(inplace=True)
    return out


def _read_header(file: BufferedIOBase) -> tuple[DType, Shape]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES:
        raise _Fault(f"it starts with the bytes '{magic.hex(' ')}', which no IDX file does")
    dimensions = magic[3]
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise _Fault(f"it has {dimensions} dimensions; 1 to {MOST_DIMENSIONS} can be read")
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise _Fault("it ends within its header")
    return np.dtype(DTYPES[magic[2]]), struct.unpack(f">{dimensions}I", sizes)


def _pieces(array: Array) -> tuple[bytes, memoryview]:
    """Header and values, as an IDX file has them."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, CODES[array.dtype.newbyteorder("=")], array.ndim, *array.shape)
    return header, np.ascontiguousarray(array, array.dtype.newbyteorder(">")).reshape(-1).view(np.uint8).data


def write(path: Path, array: Array) -> None:
    """Write `array` as an IDX file, gzipped if the name ends in `.gz`; equal arrays give equal bytes.

    The file appears whole or not at all. Raises OSError, and KeyError for a dtype that IDX does not have.
    """
    header, values = _pieces(array)
    with replacing(path) as file:
        if path.suffix != ".gz":
            file.write(header)
            file.write(values)
            return
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as zipped:
            zipped.write(header)
            zipped.write(values)


def md5(array: Array) -> str:
    """MD5, in hex, of the IDX file of `array`, not gzipped: what published checksums of contents are of."""
    header, values = _pieces(array)
    digest = hashlib.md5(header, usedforsecurity=False)
    digest.update(values)
    return digest.hexdigest()
