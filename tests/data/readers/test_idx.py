"""IDX files: what is written is read back, and anything else is a DataError."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.readers import idx

SAMPLE = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
many = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def content(array: Array) -> bytes:
    """An IDX file by the book, one value at a time."""
    letter = {"u1": "B", "i1": "b", "i2": "h", "i4": "i", "f4": "f", "f8": "d"}[array.dtype.str[1:]]
    code = {"B": 8, "b": 9, "h": 11, "i": 12, "f": 13, "d": 14}[letter]
    header = struct.pack(">BBBB", 0, 0, code, array.ndim) + b"".join(struct.pack(">I", size) for size in array.shape)
    return header + b"".join(struct.pack(f">{letter}", value) for value in array.ravel().tolist())


def refused(path: Path) -> str:
    """Read `path`, which must fail with a DataError that names it; return the error's line."""
    with pytest.raises(DataError) as caught:
        idx.read_idx(path)
    assert caught.value.problems[0].place == str(path) and "\n" not in str(caught.value)
    return str(caught.value)


@many
@given(
    array=arrays_of.arrays(
        st.sampled_from([np.dtype(kind) for kind in ("u1", "i1", "i2", "i4", "f4", "f8", ">i2", ">f8")]),
        arrays_of.array_shapes(max_dims=4, max_side=6, min_side=0),
    ),
    name=st.sampled_from(["a", "a.gz"]),
)
def test_what_is_written_is_read_back(tmp_path: Path, array: Array, name: str) -> None:
    """Values, bit by bit, shape and dtype survive; the byte order becomes the machine's."""
    idx.write_idx(tmp_path / name, array)
    back = idx.read_idx(tmp_path / name)
    assert (back.shape, back.dtype) == (array.shape, array.dtype.newbyteorder("="))
    assert back.tobytes() == array.astype(back.dtype).tobytes()


@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "i4", "f4", "f8"])
def test_the_format_is_that_of_the_book(tmp_path: Path, kind: str) -> None:
    """Reader, writer and checksum agree with a file packed value by value."""
    array = np.arange(-6, 6).reshape(3, 4).astype(kind)
    path = tmp_path / "book"
    path.write_bytes(content(array))
    assert np.array_equal(idx.read_idx(path), array)
    assert idx.idx_md5(array) == hashlib.md5(content(array)).hexdigest()
    idx.write_idx(tmp_path / "ours", array)
    assert (tmp_path / "ours").read_bytes() == content(array)


def test_equal_arrays_give_equal_archives(tmp_path: Path) -> None:
    """No time or name gets into a gzipped file, and nothing else stays beside it."""
    idx.write_idx(tmp_path / "a.gz", SAMPLE)
    idx.write_idx(tmp_path / "b.gz", np.asfortranarray(SAMPLE))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gz", "b.gz"]


@many
@given(data=st.binary(max_size=200), start=st.sampled_from([b"", b"\0\0\x08\x01", b"\0\0\x0e\x03", b"\x1f\x8b\x08\0"]))
def test_random_bytes_are_never_anything_but_a_data_error(tmp_path: Path, data: bytes, start: bytes) -> None:
    """Any bytes, plausible beginnings included, give an array or a DataError."""
    path = tmp_path / "random"
    path.write_bytes(start + data)
    try:
        assert idx.idx_md5(idx.read_idx(path)) == hashlib.md5(start + data).hexdigest()
    except DataError as error:
        assert error.problems[0].place == str(path)


@many
@given(position=st.integers(0, 10_000), value=st.integers(0, 255), name=st.sampled_from(["a", "a.gz"]))
def test_a_changed_byte_gives_an_array_or_a_data_error(tmp_path: Path, position: int, value: int, name: str) -> None:
    """A damaged header, stream or checksum is an error of this package; no other exception is raised."""
    idx.write_idx(tmp_path / name, SAMPLE)
    damaged = bytearray((tmp_path / name).read_bytes())
    damaged[position % len(damaged)] = value
    (tmp_path / name).write_bytes(damaged)
    try:
        assert idx.read_idx(tmp_path / name).size <= SAMPLE.size
    except DataError as error:
        assert error.problems[0].place == str(tmp_path / name)


@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_every_truncation_is_refused(tmp_path: Path, name: str) -> None:
    """No beginning of a file passes for the file."""
    path = tmp_path / name
    idx.write_idx(path, SAMPLE)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        refused(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (content(SAMPLE) + b"\0", "longer than its header states"),
        (gzip.compress(content(SAMPLE) + b"\0", mtime=0), "longer than its header states"),
        (gzip.compress(content(SAMPLE), mtime=0) + b"x", "gzipped"),
        (gzip.compress(content(SAMPLE), mtime=0) * 2, "longer than its header states"),
        (b"\0\0\x0a\x01" + bytes(4), "so it is not an IDX file"),
        (b"\0\1\x08\x01" + bytes(4), "so it is not an IDX file"),
        (b"\0\0\x08\0\7", "0 dimensions"),
        (b"\0\0\x08\xff" + bytes(4 * 255), "255 dimensions"),
        (b"\0\0\x0e\x03" + b"\xff" * 12, "it is shorter than"),
        (gzip.compress(b"\0\0\x0e\x03" + b"\xff" * 12, mtime=0), "it is shorter than"),
        (b"\0\0\x0e\x04" + bytes(4) + b"\xff" * 12, ""),
        (b"", "so it is not an IDX file"),
    ],
)
def test_what_is_not_exactly_an_idx_file_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    """Trailing bytes, unknown types and sizes that the file cannot hold are faults."""
    path = tmp_path / "odd"
    path.write_bytes(data)
    assert words in refused(path)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """If a stream is longer than its header says, at most one chunk beyond that is unpacked."""
    import tracemalloc

    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"\0\0\x08\x01\0\0\0\x01")
        for _ in range(64):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    assert "longer than its header states" in refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_an_array_given_is_filled_or_left_alone(tmp_path: Path) -> None:
    """`out` is filled in place; a file of another shape or dtype is refused before it is touched."""
    path = tmp_path / "a.gz"
    idx.write_idx(path, SAMPLE)
    pool = np.full((3, 3, 4), 255, np.uint8)
    assert idx.read_idx(path, out=pool[1:]).base is pool
    assert np.array_equal(pool[1:], SAMPLE) and (pool[0] == 255).all()
    for other in (np.full((2, 3, 5), 9, np.uint8), np.full((2, 3, 4), 9, np.int8)):
        with pytest.raises(DataError, match="of shape"):
            idx.read_idx(path, out=other)
        assert (other == 9).all()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A missing file, a folder and a name that cannot be one are data errors."""
    assert "no such file" in refused(tmp_path / "missing")
    assert "not a file" in refused(tmp_path)
    refused(tmp_path / "nul\0l")
    refused(tmp_path / ("long" * 1000))


def test_a_file_that_cannot_be_finished_leaves_the_former_one(tmp_path: Path) -> None:
    """Writing what IDX has no type for fails and changes nothing."""
    idx.write_idx(tmp_path / "a", SAMPLE)
    with pytest.raises(KeyError):
        idx.write_idx(tmp_path / "a", SAMPLE.astype(np.int64))
    assert np.array_equal(idx.read_idx(tmp_path / "a"), SAMPLE)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
