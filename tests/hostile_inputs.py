"""Hostile inputs for loaders: known ones, and mutations of a valid input."""

import gzip
import random
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from tests.hostile import Loader, pickles


def inputs(valid: bytes, marker: Path, seed: int) -> Iterator[bytes]:
    """Yield endless hostile inputs: known ones first, then mutations of `valid`.

    The same seed gives the same inputs.
    """
    rng = random.Random(seed)
    yield from (b"", b"\0", b"\xff" * 100, b"[" * 20_000, b"{" * 20_000, b'{"a":' * 5_000, b"1" * 5_000, b"- " * 9_000)
    yield from pickles(marker)
    yield gzip.compress(b"\0" * 10_000_000)
    yield b'{"format": 1, "sessions": [], "status": {"a": [1]}, "resolved": 5}'
    yield struct.pack("<Q", 2**63) + b"{}" + valid
    while True:
        yield mutated(valid, rng)


def mutated(valid: bytes, rng: random.Random) -> bytes:
    """Return a valid input with one to four changes."""
    data = bytearray(valid)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(data) + 1)
        kind = rng.randrange(8)
        if kind == 0 and data:
            data[place % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[place:]
        elif kind == 2:
            data[place:place] = data[place : place + rng.randrange(200)] * rng.choice((1, 2, 50))
        elif kind == 3:
            data[place:place] = rng.choice(PIECES)
        elif kind == 4:
            data[place : place + 4] = rng.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\x80\0\0\0"))
        elif kind == 5:
            del data[place : place + rng.randrange(40)]
        elif kind == 6:
            digits = [at for at, byte in enumerate(data) if 48 <= byte < 58]
            if digits:
                at = rng.choice(digits)
                data[at : at + 1] = rng.choice((b"9" * 30, b"-1", b"1e999", b"nan", b"0", b"1" * 4_400))
        else:
            data[place : place + 8] = rng.randbytes(8)
    return bytes(data[:1_000_000])


PIECES = (
    b"\x1b[2J",
    b"\xe2\x80\xae",
    b"\xed\xa0\x80",
    b"null",
    b"~",
    b"{}",
    b"[]",
    b"!!python/object/apply:os.system [echo]",
    b"&a [*a]",
    b"*a",
    b"<<: ",
    b"? ",
    b"---\n",
    b"../../etc/passwd",
    b"\n  \t- ",
    b'"\\ud800"',
    b"NaN",
    b"Infinity",
    b"true",
    b": ",
    b",",
    b"=",
    b"\0",
    b"extends: /dev/zero\n",
    b"dataset: {name: mnist, path: /proc/self/mem}\n",
)


def seconds_of(loader: Loader, data: bytes) -> float:
    """Return the seconds that a loader takes.

    Errors of this package are caught, others are raised.
    """
    from dropout_cli.core.errors import DropoutError

    began = time.perf_counter()
    try:
        loader(data)
    except DropoutError as error:
        assert str(error), "an error must say something"
    return time.perf_counter() - began
