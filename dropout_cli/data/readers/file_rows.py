"""Examples that stay in their files because they exceed `dataset.memory`.

Rows are read into preallocated buffers; the pages of a memory map would count as resident. Training reads them through
a window of SEGMENTS segments of consecutive rows. Each pass draws an order of the segments, and shuffles the rows of
every SEGMENTS segments together: reads are large, yet a batch mixes rows from all over the files.
"""

import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array, DType, Shape

SEGMENTS = 16
"""Number of segments in memory at once."""
READ_BYTES = 8 << 20
"""Most bytes per read."""
MAX_READ_RATIO = 4
"""Unwanted rows between wanted ones are read too, unless that multiplies the bytes by more than this."""


@dataclass(frozen=True)
class FilePiece:
    """Consecutive rows of one file: `count` rows from byte `offset` on."""

    path: Path
    offset: int
    count: int


class FileRows:
    """Array (N, *shape) stored in files that supports only indexing by rows; indexing copies."""

    def __init__(
        self, pieces: Sequence[FilePiece], shape: Shape, dtype: DType, memory: int, rows: Array | None = None
    ) -> None:
        """Open the files; they stay open as long as this object lives.

        Args:
            pieces: the rows, file by file.
            shape: shape of one row.
            dtype: dtype of the values.
            memory: size of the window in bytes.
            rows: ascending numbers of the rows that this is a view of; None: all rows.
        """
        self._pieces = tuple(pieces)
        self._starts = np.cumsum([0, *(piece.count for piece in pieces)])
        self._rows = np.arange(self._starts[-1], dtype=np.int64) if rows is None else rows.astype(np.int64)
        # Unbuffered: reads are large, and a buffer would copy them once more.
        self._files = [piece.path.open("rb", buffering=0) for piece in pieces]
        weakref.finalize(self, _close, self._files)
        self.dtype, self.memory_bytes = dtype, memory
        self.shape: Shape = (len(self._rows), *shape)
        self.row_bytes = math.prod(shape) * dtype.itemsize
        self.segment_rows = max(1, memory // (SEGMENTS * self.row_bytes))
        """Number of rows in a segment."""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    @property
    def ndim(self) -> int:
        """Number of dimensions, as of an array."""
        return len(self.shape)

    def subset(self, rows: Array) -> "FileRows":
        """Return a view of some rows, which must ascend."""
        return FileRows(self._pieces, self.shape[1:], self.dtype, self.memory_bytes, self._rows[rows])

    def __getitem__(self, rows: Array | slice) -> Array:
        """Read some rows, in any order.

        Raises:
            DataError: if a file has become shorter or cannot be read.
        """
        wanted = self._rows[rows]
        out = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        if len(wanted) < 2 or (np.diff(wanted) > 0).all():
            self.read_into(out, wanted)
        else:
            # The files are read in ascending order, then the rows put into the order asked for.
            once, places = np.unique(wanted, return_inverse=True)
            ascending = np.empty((len(once), *self.shape[1:]), self.dtype)
            self.read_into(ascending, once)
            np.take(ascending, places, axis=0, out=out)
        return out

    def read_into(self, out: Array, rows: Array) -> None:
        """Read rows into `out`, in pieces of at most READ_BYTES bytes.

        Args:
            out: (n, *shape), C-contiguous.
            rows: row numbers in the files, ascending and without repeats.
        """
        max_span, start = max(1, READ_BYTES // self.row_bytes), 0
        while start < len(rows):
            end = start + int(np.searchsorted(rows[start:], rows[start] + max_span))
            piece = int(np.searchsorted(self._starts, rows[start], side="right")) - 1
            end = min(end, start + int(np.searchsorted(rows[start:], self._starts[piece + 1])))
            span = int(rows[end - 1] - rows[start]) + 1
            # Rows far apart are cheaper to read one by one.
            if span > MAX_READ_RATIO * (end - start):
                for index in range(start, end):
                    self._read(out[index : index + 1], piece, int(rows[index]))
            elif span == end - start:
                self._read(out[start:end], piece, int(rows[start]))
            else:
                gapless = np.empty((span, *out.shape[1:]), self.dtype)
                self._read(gapless, piece, int(rows[start]))
                np.take(gapless, rows[start:end] - rows[start], axis=0, out=out[start:end])
            start = end

    def _read(self, out: Array, piece: int, row: int) -> None:
        """Read consecutive rows of one file."""
        file, source = self._files[piece], self._pieces[piece]
        # readinto() fills the array directly; it may return fewer bytes than asked for.
        view = out.reshape(-1).view(np.uint8).data
        try:
            file.seek(source.offset + (row - int(self._starts[piece])) * self.row_bytes)
            done = 0
            while done < len(view):
                got = file.readinto(view[done:])
                if not got:
                    raise DataError(str(source.path), "became shorter while it was in use", "Restore the file")
                done += got
        except OSError as error:
            raise DataError(str(source.path), f"cannot be read: {error.strerror}", "Check the disk") from None


def _close(files: Sequence[RawIOBase]) -> None:
    for file in files:
        file.close()


class SegmentWindow:
    """Cache of the segments in use; a new segment replaces the one read longest ago."""

    def __init__(self, x: FileRows) -> None:
        """Reserve the buffer; physical memory is used as segments are read."""
        self._x = x
        self._buffer = np.empty((SEGMENTS * x.segment_rows, *x.shape[1:]), x.dtype)
        self._slot_of_segment = np.full(math.ceil(len(x) / x.segment_rows), -1, np.int64)
        self._segment_of_slot = [-1] * SEGMENTS
        self._next_slot = 0

    def __getitem__(self, rows: Array) -> Array:
        """Return the rows, as `FileRows` does."""
        out = np.empty((len(rows), *self._x.shape[1:]), self._x.dtype)
        segments, pending = rows // self._x.segment_rows, np.arange(len(rows))
        while len(pending):
            slots = self._slot_of_segment[segments[pending]]
            now = pending[slots >= 0]
            out[now] = self._buffer[slots[slots >= 0] * self._x.segment_rows + rows[now] % self._x.segment_rows]
            pending = pending[slots < 0]
            # At most SEGMENTS at a time, or the last segments would overwrite the first before they are used.
            for segment in list(dict.fromkeys(segments[pending].tolist()))[:SEGMENTS]:
                self._load(segment)
        return out

    def _load(self, segment: int) -> None:
        slot, size = self._next_slot, self._x.segment_rows
        self._next_slot = (slot + 1) % SEGMENTS
        if self._segment_of_slot[slot] >= 0:
            self._slot_of_segment[self._segment_of_slot[slot]] = -1
        start, end = segment * size, min((segment + 1) * size, len(self._x))
        self._x.read_into(self._buffer[slot * size : slot * size + end - start], self._x._rows[start:end])
        self._segment_of_slot[slot], self._slot_of_segment[segment] = segment, slot
