"""Examples that stay in their files because they are larger than `dataset.memory`, and an order that suits that.

Rows are read into buffers of our own; a memory map's pages would count as resident. Training takes them through a
window of SEGMENTS segments of consecutive rows. A pass draws an order of the segments, and shuffles the rows of every
SEGMENTS of them together: reading is by large pieces, and rows from all over the files still meet in a batch.
"""

import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape

SEGMENTS = 16
PIECE = 8 << 20
"""Bytes read at once."""
WASTE = 4
"""Rows between the wanted ones are read along, unless that is more than so many times the bytes."""


@dataclass(frozen=True)
class Piece:
    """Rows of one file: `count` of them from byte `offset` on."""

    path: Path
    offset: int
    count: int


class FileRows:
    """An array (N, *shape) of which only indexing by rows is there; what it returns is a new array."""

    def __init__(
        self, pieces: Sequence[Piece], shape: Shape, dtype: DType, memory: int, rows: Array | None = None
    ) -> None:
        """`shape` of a row; `memory`: bytes of the window; `rows`: those that this is a view of, ascending.

        The files stay open for as long as this object lives.
        """
        self._pieces = tuple(pieces)
        self._starts = np.cumsum([0, *(piece.count for piece in pieces)])
        self._rows = np.arange(self._starts[-1], dtype=np.int64) if rows is None else rows.astype(np.int64)
        self._files = [piece.path.open("rb", buffering=0) for piece in pieces]
        weakref.finalize(self, _close, self._files)
        self.dtype, self.memory = dtype, memory
        self.shape: Shape = (len(self._rows), *shape)
        self.row_bytes = math.prod(shape) * dtype.itemsize
        self.segment = max(1, memory // (SEGMENTS * self.row_bytes))
        """Rows in a segment."""

    def __len__(self) -> int:
        """The number of rows."""
        return len(self._rows)

    @property
    def ndim(self) -> int:
        """As of an array."""
        return len(self.shape)

    def subset(self, rows: Array) -> "FileRows":
        """A view of some rows, which must ascend."""
        return FileRows(self._pieces, self.shape[1:], self.dtype, self.memory, self._rows[rows])

    def __getitem__(self, rows: Array | slice) -> Array:
        """Read some rows, in any order. Raises DataError where a file has become shorter or cannot be read."""
        wanted = self._rows[rows]
        out = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        if len(wanted) < 2 or (np.diff(wanted) > 0).all():
            self.read_into(out, wanted)
        else:
            once, places = np.unique(wanted, return_inverse=True)
            ascending = np.empty((len(once), *self.shape[1:]), self.dtype)
            self.read_into(ascending, once)
            np.take(ascending, places, axis=0, out=out)
        return out

    def read_into(self, out: Array, rows: Array) -> None:
        """Read the files' `rows`, ascending and each once, in pieces of at most PIECE bytes."""
        most, at = max(1, PIECE // self.row_bytes), 0
        while at < len(rows):
            end = at + int(np.searchsorted(rows[at:], rows[at] + most))
            piece = int(np.searchsorted(self._starts, rows[at], side="right")) - 1
            end = min(end, at + int(np.searchsorted(rows[at:], self._starts[piece + 1])))
            span = int(rows[end - 1] - rows[at]) + 1
            if span > WASTE * (end - at):
                for place in range(at, end):
                    self._read(out[place : place + 1], piece, int(rows[place]))
            elif span == end - at:
                self._read(out[at:end], piece, int(rows[at]))
            else:
                between = np.empty((span, *out.shape[1:]), self.dtype)
                self._read(between, piece, int(rows[at]))
                np.take(between, rows[at:end] - rows[at], axis=0, out=out[at:end])
            at = end

    def _read(self, out: Array, piece: int, row: int) -> None:
        """Consecutive rows of one file."""
        file, known = self._files[piece], self._pieces[piece]
        view = out.reshape(-1).view(np.uint8).data
        try:
            file.seek(known.offset + (row - int(self._starts[piece])) * self.row_bytes)
            done = 0
            while done < len(view):
                got = file.readinto(view[done:])
                if not got:
                    raise DataError(str(known.path), "has become shorter while it was used", "Bring it back")
                done += got
        except OSError as error:
            raise DataError(str(known.path), f"cannot be read: {error.strerror}", "See to the disk") from None


def _close(files: Sequence[RawIOBase]) -> None:
    for file in files:
        file.close()


class Window:
    """The segments that training is at; a segment that is needed takes the place of the one read longest ago."""

    def __init__(self, x: FileRows) -> None:
        """Reserve the memory; it is taken as segments are read."""
        self._x = x
        self._buffer = np.empty((SEGMENTS * x.segment, *x.shape[1:]), x.dtype)
        self._slot_of = np.full(math.ceil(len(x) / x.segment), -1, np.int64)
        self._held = [-1] * SEGMENTS
        self._next = 0

    def __getitem__(self, rows: Array) -> Array:
        """The rows, as `FileRows` gives them."""
        out = np.empty((len(rows), *self._x.shape[1:]), self._x.dtype)
        segments, pending = rows // self._x.segment, np.arange(len(rows))
        while len(pending):
            slots = self._slot_of[segments[pending]]
            now = pending[slots >= 0]
            out[now] = self._buffer[slots[slots >= 0] * self._x.segment + rows[now] % self._x.segment]
            pending = pending[slots < 0]
            for segment in list(dict.fromkeys(segments[pending].tolist()))[:SEGMENTS]:
                self._load(segment)
        return out

    def _load(self, segment: int) -> None:
        slot, size = self._next, self._x.segment
        self._next = (slot + 1) % SEGMENTS
        if self._held[slot] >= 0:
            self._slot_of[self._held[slot]] = -1
        start, end = segment * size, min((segment + 1) * size, len(self._x))
        self._x.read_into(self._buffer[slot * size : slot * size + end - start], self._x._rows[start:end])
        self._held[slot], self._slot_of[segment] = segment, slot


def order(rng: Generator, count: int, segment: int | None) -> Array:
    """The rows of a pass: a permutation of `count` rows, or one that suits segments of that many rows."""
    if segment is None:
        return rng.permutation(count)
    starts = rng.permutation(math.ceil(count / segment)) * segment
    blocks = [
        np.concatenate([np.arange(start, min(start + segment, count)) for start in starts[at : at + SEGMENTS].tolist()])
        for at in range(0, len(starts), SEGMENTS)
    ]
    return np.concatenate([rng.permutation(block) for block in blocks])
