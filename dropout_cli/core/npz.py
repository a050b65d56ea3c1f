"""NumPy's `.npz`, read as if a stranger had sent it: nothing unpickled, no more memory than there are bytes.

An npz file is a zip archive with a member `NAME.npy` per array. Each member is taken for what it is only after its
sizes have been held against each other: what the archive says, what the array's header says, what is allowed in all.
"""

import io
import math
import warnings
import zipfile

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array

MOST_BYTES = 1 << 28
MOST_ARRAYS = 1_000
MOST_HEADER = 1_000
"""What NumPy writes before the values of a plain array has 128 bytes, and no more than this for 32 dimensions."""
KINDS = "biufcSU"
"""Numbers and texts of fixed length: what needs no pickle."""
ENTRY = b"PK\x01\x02"
"""What each entry of a zip archive's directory begins with."""
LARGEST_RATIO = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: 1032}
CHUNK = 1 << 20


def write(**arrays: Array) -> bytes:
    """The bytes of an uncompressed npz file; equal arrays give equal bytes. Raises ValueError for objects."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return buffer.getvalue()


def read(data: bytes, place: str, *, most: int = MOST_BYTES) -> dict[str, Array]:
    """Name -> array. Raises DataError, naming `place`, for anything but whole arrays of numbers and texts.

    `most` bounds what compressed arrays may grow to, in bytes, all together; what is stored as it is may be longer.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns of headers that it has to guess at
            return _read(data, most)
    except Exception as error:  # neither zipfile nor NumPy says what it raises for damaged bytes
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(place, f"cannot be read as npz ({reason})", "Write it anew with numpy.savez") from None


def _read(data: bytes, most: int) -> dict[str, Array]:
    most = max(most, len(data))
    # Opening the archive makes an object per entry. The values of an array may hold these bytes too, but not so often.
    if data.count(ENTRY) > 100 * MOST_ARRAYS:
        raise ValueError("it holds too many members")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) > MOST_ARRAYS or len({member.filename for member in members}) < len(members):
            raise ValueError(f"it holds {counted(len(members), 'member')}, or two of one name")
        if sum(member.compress_size for member in members) > len(data):
            raise ValueError("its members overlap")
        if sum(member.file_size for member in members) > most:
            raise ValueError(f"its arrays are larger than {most:,} bytes")
        return {member.filename.removesuffix(".npy"): _array(archive, member, most) for member in members}


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> Array:
    """One array. Raises ValueError where it is not as large as it says, or would need unpickling."""
    name, raw = repr(member.filename), _bytes(archive, member)
    stream = io.BytesIO(raw[: MOST_HEADER + 12].tobytes())
    version = np.lib.format.read_magic(stream)
    reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if reader is None:
        raise ValueError(f"{name} is of version {version}")
    shape, fortran_order, dtype = reader(stream, max_header_size=MOST_HEADER)
    values = raw[stream.tell() :]
    if dtype.kind not in KINDS or not dtype.itemsize:
        raise ValueError(f"{name} holds {dtype}, not numbers")
    if any(size < 0 for size in shape) or math.prod(shape) * dtype.itemsize != len(values):
        raise ValueError(f"{name} has not the size that its header says")
    if math.prod(size or 1 for size in shape) * dtype.itemsize > most:
        raise ValueError(f"{name} is empty, and of a shape that nothing has")
    if dtype.kind == "U" and values.view(f"{dtype.byteorder}u4").max(initial=0) > 0x10FFFF:
        raise ValueError(f"{name} holds what is no character")
    return np.ndarray(shape, dtype, values.data, order="F" if fortran_order else "C")


def _bytes(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    """What a member holds. Memory is reserved for what it says, but taken only as the bytes come."""
    ratio = LARGEST_RATIO.get(member.compress_type, 0)
    if not member.filename.endswith(".npy") or not ratio:
        raise ValueError(f"{member.filename!r} is not an array")
    if member.file_size > member.compress_size * ratio:
        raise ValueError(f"{member.filename!r} is longer than so few bytes can be")
    raw, done = np.empty(member.file_size, np.uint8), 0
    with archive.open(member) as file:
        while piece := file.read(min(CHUNK, len(raw) - done)):
            raw[done : done + len(piece)] = np.frombuffer(piece, np.uint8)
            done += len(piece)
    if done < len(raw):
        raise ValueError(f"{member.filename!r} ends after {done} of {counted(len(raw), 'byte')}")
    return raw
