"""Safe reading and writing of NumPy's `.npz` files from untrusted sources.

Nothing is unpickled, and no more memory is used than the file may need. An npz file is a zip archive with a member
`NAME.npy` per array. A member is read only after three sizes agree: the size in the archive's directory, the size in
the array's header, and the limit for all arrays together.
"""

import io
import math
import warnings
import zipfile

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array

MAX_BYTES = 1 << 28
MAX_ARRAYS = 1_000
MAX_HEADER_BYTES = 1_000  # NumPy writes headers of 128 bytes for usual arrays, and stays below this for 32 dimensions
DTYPE_KINDS = "biufcSU"  # numbers and texts of fixed length; all other kinds need pickle
DIRECTORY_ENTRY = b"PK\x01\x02"  # the first bytes of each entry in the directory of a zip archive
MAX_COMPRESSION_RATIO = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: 1032}  # deflate cannot compress by more than 1032
CHUNK_BYTES = 1 << 20


def write_npz(**arrays: Array) -> bytes:
    """Return the bytes of an uncompressed npz file; equal arrays give equal bytes.

    Args:
        arrays: Member name -> array.

    Raises:
        ValueError: an array holds Python objects.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return buffer.getvalue()


def read_npz(data: bytes, place: str, *, max_bytes: int = MAX_BYTES) -> dict[str, Array]:
    """Read the arrays of an npz file.

    Args:
        data: The bytes of the file.
        place: The name of the file in error messages.
        max_bytes: Limit in bytes for all decompressed arrays together. A file that is itself longer than this may
            hold as many bytes as it has.

    Returns:
        Member name -> array.

    Raises:
        DataError: the file contains anything except complete arrays of numbers and texts.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy only warns about headers that it has to guess
            return _read(data, max_bytes)
    except Exception as error:  # zipfile and NumPy do not document what they raise for damaged bytes
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(
            place, f"cannot be read as an .npz file ({reason})", "Write it again with numpy.savez"
        ) from None


def _read(data: bytes, most: int) -> dict[str, Array]:
    most = max(most, len(data))
    # Opening the archive makes an object per entry, so entries are counted before. The values of an array may contain
    # these bytes too, but not this often.
    if data.count(DIRECTORY_ENTRY) > 100 * MAX_ARRAYS:
        raise ValueError("it has too many arrays")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) > MAX_ARRAYS or len({member.filename for member in members}) < len(members):
            raise ValueError("it has too many arrays, or two with the same name")
        if sum(member.compress_size for member in members) > len(data):
            raise ValueError("its arrays overlap")
        if sum(member.file_size for member in members) > most:
            raise ValueError(f"its arrays are larger than {most:,} bytes")
        return {member.filename.removesuffix(".npy"): _array(archive, member, most) for member in members}


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> Array:
    """Read one array.

    Raises:
        ValueError: the size differs from that in the header, or the values would need unpickling.
    """
    name, raw = repr(member.filename), _bytes(archive, member)
    stream = io.BytesIO(raw[: MAX_HEADER_BYTES + 12].tobytes())
    version = np.lib.format.read_magic(stream)
    reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if reader is None:
        raise ValueError(f"{name} has the unknown format version {version}")
    shape, fortran_order, dtype = reader(stream, max_header_size=MAX_HEADER_BYTES)
    values = raw[stream.tell() :]
    if dtype.kind not in DTYPE_KINDS or not dtype.itemsize:
        raise ValueError(f"{name} contains {dtype}, not numbers")
    if any(type(size) is not int or size < 0 for size in shape) or math.prod(shape) * dtype.itemsize != len(values):
        raise ValueError(f"the size of {name} does not match its header")
    if math.prod(size or 1 for size in shape) * dtype.itemsize > most:  # an axis of 0 must not hide a huge one
        raise ValueError(f"{name} is empty, and its shape is not valid")
    # A text of code points above the last character makes Python fail much later, when the text is used.
    if dtype.kind == "U" and values.view(f"{dtype.byteorder}u4").max(initial=0) > 0x10FFFF:
        raise ValueError(f"{name} contains invalid characters")
    return np.ndarray(shape, dtype, values.data, order="F" if fortran_order else "C")


def _bytes(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    """Return the bytes of a member.

    The declared size is only reserved: memory pages are used as bytes arrive.
    """
    ratio = MAX_COMPRESSION_RATIO.get(member.compress_type, 0)
    if not member.filename.endswith(".npy") or not ratio:
        raise ValueError(f"{member.filename!r} is not an array")
    if member.file_size > member.compress_size * ratio:
        raise ValueError(f"{member.filename!r} claims more data than the file contains")
    raw, done = np.empty(member.file_size, np.uint8), 0
    with archive.open(member) as file:
        while piece := file.read(min(CHUNK_BYTES, len(raw) - done)):
            raw[done : done + len(piece)] = np.frombuffer(piece, np.uint8)
            done += len(piece)
    if done < len(raw):
        raise ValueError(f"{member.filename!r} ends after {done} of {counted(len(raw), 'byte')}")
    return raw
