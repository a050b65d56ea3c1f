"""NumPy's `.npz`, read as if a stranger had sent it: nothing unpickled, no more memory than there are bytes.

An npz file is a zip archive with a member `NAME.npy` per array. Each member is taken for what it is only after its
sizes have been held against each other: what the archive says, what the array's header says, what is allowed in all.
"""

import io
import math
import zipfile
import zlib

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.errors import DataError

MOST_BYTES = 1 << 30
MOST_ARRAYS = 1_000
KINDS = "biufcSU"
"""Numbers and texts of fixed length: what needs no pickle."""


def write(**arrays: Array) -> bytes:
    """The bytes of an uncompressed npz file; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def read(data: bytes, place: str, *, most: int = MOST_BYTES) -> dict[str, Array]:
    """Name -> array. Raises DataError, naming `place`, for anything but whole arrays of `most` bytes in all."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MOST_ARRAYS or len({member.filename for member in members}) < len(members):
                raise ValueError(f"it holds {len(members)} members, or two of one name")
            if sum(member.file_size for member in members) > most:
                raise ValueError(f"its arrays are larger than {most:,} bytes")
            return {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        # RuntimeError: an encrypted member; NotImplementedError: a compression that the archive module lacks.
        fact = f"cannot be read as npz ({' '.join(str(error).split()) or type(error).__name__})"
        raise DataError(place, fact, "Write it anew with numpy.savez") from None


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    """One array. Raises ValueError where it is not as large as it says, or would need unpickling."""
    name = member.filename
    if not name.endswith(".npy") or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name!r} is not an array")
    with archive.open(member) as file:
        raw = file.read(member.file_size + 1)
    stream = io.BytesIO(raw)
    version = np.lib.format.read_magic(stream)
    reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if reader is None:
        raise ValueError(f"{name!r} is of version {version}")
    shape, _, dtype = reader(stream)
    if dtype.kind not in KINDS:
        raise ValueError(f"{name!r} holds {dtype}, not numbers")
    if any(size < 0 for size in shape) or math.prod(shape) * dtype.itemsize != len(raw) - stream.tell():
        raise ValueError(f"{name!r} has not the size that its header says")
    array: Array = np.lib.format.read_array(io.BytesIO(raw), allow_pickle=False)
    return array
