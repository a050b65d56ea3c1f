"""Every loader refuses hostile input with one line; inputs that once caused harm stay refused."""

import io
import json
import random
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_cli.core import npz
from dropout_cli.core.errors import DataError
from tests.hostile import Loaders, pickles
from tests.hostile_inputs import mutated, seconds_of


def _checkpoint(meta: bytes) -> bytes:
    """A checkpoint whose metadata is that JSON."""
    header = json.dumps({"__metadata__": {"dropout": meta.decode()}}).encode()
    return struct.pack("<Q", len(header)) + header


ONCE_FAILED: dict[str, list[bytes]] = {
    "metrics.csv": [
        b",".join(b"c%d" % n for n in range(2_000)) + b"\n" + b"1\n" * 20_000,
        b"\n" * 5_000_000,
        b"epoch,\r\xe8E\xee\n1,2\n",
        b"epoch,a\xb1\t\x94J\n1,0.\r\n",
        b"\n\n",
        b"\r\n1\n",
    ],
    "config": [
        b"dataset:\n  name: digits\n" + b"".join(b"  k%d: 1\n" % n for n in range(49_000)),
        b"".join(b"%%TAG !%d! tag:a,2000:\n" % number for number in range(30_000)) + b"--- a\n",  # quadratic in PyYAML
        b"extends: /dev/zero\n",
        b"extends: " + b"a" * 5_000 + b"\n",
        b"dataset: {name: mnist, path: " + b"a/" * 3_000 + b"}\n",
        b"a: &a " + b"x" * 9_000 + b"\nb: [" + b"*a, " * 900 + b"]\n",
    ],
    "override": [b"a." * 100_000 + b"b=1", b"=", b"extends=x", b"dataset=" + b"[" * 10_000],
    "condition": [b"a =" + b" " * 200_000 + b"x", b"test.accuracy > " + b"1" * 100_000 + b"x", b"a" * 100_000],
    "checkpoint": [
        *(_checkpoint(meta) for meta in (b"1", b"null", b'"x"', b"[]", b"{}")),
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 20_000) + b"[" * 20_000,
    ],
    "state.json": [
        b'{"format": 1, "sessions": [], "resolved": 5}  ',
        b'{"format": 1, "sessions": [], "resolved": [[1]]}',
        b'{"format": 1, "sessions": [], "resolved": null}',
        b'{"format": 1, "sessions": [], "lengthened": [{}]}',
        b'{"format": 1, "sessions": [], "arithmetic": "2"}',
        b'{"format": 1, "sessions": [], "arithmetic": -2}',
        b'{"format": 1, "sessions": 3}',
        b'{"format": 1, "sessions": [1]}',
        b"[" * 100_000,
    ],
    "summary.json": [
        b'{"format": 1, "checkpoint": "../x"}',
        b'{"format": 1, "checkpoint": [1]}',
        b'{"format": 1, "still_moving": 3}',
        b'{"format": 1, "test": {"per_class": [1]}}',
        b"1" * 5_000,
    ],
}


@pytest.fixture(scope="module")
def loaders(tmp_path_factory: pytest.TempPathFactory) -> Loaders:
    """All loaders, with a run of their own."""
    return Loaders(tmp_path_factory.mktemp("loaders"))


def test_what_is_right_is_read(loaders: Loaders) -> None:
    """Each loader takes the input that the hostile ones are made from, without an error."""
    for _, load in loaders.table.values():
        assert callable(load)
    for name in ("config", "override", "idx", "idx.gz", "npz", "checkpoint", "condition", "time", "state.json"):
        valid, load = loaders.table[name]
        load(valid)


def test_no_pickle_runs(loaders: Loaders, tmp_path: Path) -> None:
    """In whatever dress; and the pickles would have left a mark."""
    import pickle

    marker = tmp_path / "marker"
    for _, load in loaders.table.values():
        for disguised in pickles(marker):
            seconds_of(load, disguised)
    assert not marker.exists()
    pickle.loads(pickles(marker)[0]).close()
    assert marker.exists()


@pytest.mark.parametrize("name", ONCE_FAILED)
def test_what_once_failed_is_refused(name: str, loaders: Loaders) -> None:
    """One of our own errors, or nothing wrong; never another exception."""
    for data in ONCE_FAILED[name]:
        for blanks in (b"", b"\n", b"\n\n"):  # its length decides what else is made to fit
            seconds_of(loaders.table[name][1], data + blanks)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), changes=st.randoms(use_true_random=False))
def test_no_change_to_a_valid_input_is_a_traceback(
    data: st.DataObject, changes: random.Random, loaders: Loaders
) -> None:
    """Hypothesis looks for one, and would shrink it; `tests.acceptance.hostile` tries thousands."""
    name = data.draw(st.sampled_from(sorted(loaders.table)))
    valid, load = loaders.table[name]
    seconds_of(load, mutated(valid, changes))


def test_npz_gives_back_what_was_written() -> None:
    """Numbers and texts of fixed length; equal arrays give equal bytes."""
    arrays = {
        "x": np.arange(6, dtype=np.float32).reshape(2, 3),
        "names": np.array(["a", "bc"]),
        "none": np.zeros((0, 3)),
    }
    data = npz.write_npz(**arrays)
    found = npz.read_npz(data, "a.npz")
    assert found.keys() == arrays.keys() and npz.write_npz(**arrays) == data
    for name, value in arrays.items():
        assert np.array_equal(found[name], value) and found[name].dtype == value.dtype


def member(header: str, values: bytes, *, version: bytes = b"\x01\x00") -> bytes:
    """An npy file with that header, true or not."""
    text = header.encode() + b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + values


def archive(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive of those members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members:
            file.writestr(name, data)
    return out.getvalue()


FLOATS = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }"
LIES = {
    "a header that promises more": archive(("a.npy", member(FLOATS % 10**12, b"\0" * 8))),
    "a header that promises less": archive(("a.npy", member(FLOATS % 1, b"\0" * 16))),
    "a negative size": archive(("a.npy", member(FLOATS % -1, b"\0" * 8))),
    "sizes that overflow": archive(("a.npy", member(FLOATS % f"{2**62}, {2**62}", b""))),
    "objects": archive(("a.npy", member(FLOATS.replace("<f8", "|O") % 1, b"\0" * 8))),
    "a record": archive(("a.npy", member(FLOATS.replace("'<f8'", "[('a', '<f8')]") % 1, b"\0" * 8))),
    "code for a header": archive(("a.npy", member("__import__('os').system('echo')", b""))),
    "another version": archive(("a.npy", member(FLOATS % 1, b"\0" * 8, version=b"\x09\x00"))),
    "two of one name": archive(("a.npy", member(FLOATS % 0, b"")), ("b.npy", b"")).replace(b"b.npy", b"a.npy"),
    "no array": archive(("a.txt", b"hello")),
    "too many": archive(*((f"{i}.npy", b"") for i in range(1_001))),
    "another compression": archive(("a.npy", member(FLOATS % 1, b"\0" * 8)), method=zipfile.ZIP_BZIP2),
    "no archive": b"PK\x03\x04",
}


@pytest.mark.parametrize("lie", LIES)
def test_an_npz_that_lies_is_refused(lie: str) -> None:
    """Sizes, kinds and names are held against what is really there."""
    with pytest.raises(DataError, match=r"a\.npz: cannot be read as an \.npz file"):
        npz.read_npz(LIES[lie], "a.npz")


def test_an_npz_bomb_is_refused_before_it_goes_off() -> None:
    """Fifty megabytes of zeros in fifty kilobytes are more than is allowed here."""
    bomb = archive(("a.npy", member(FLOATS % 6_250_000, bytes(50_000_000))), method=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    with pytest.raises(DataError, match="larger than 1,000,000 bytes"):
        npz.read_npz(bomb, "a.npz", max_bytes=1_000_000)
    assert npz.read_npz(bomb, "a.npz")["a"].shape == (6_250_000,)


def test_an_npz_cut_off_anywhere_is_refused() -> None:
    """At every length."""
    data = npz.write_npz(a=np.arange(3.0))
    for length in range(len(data)):
        with pytest.raises(DataError):
            npz.read_npz(data[:length], "a.npz")
