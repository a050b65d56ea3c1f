"""CSV files that grow by one row per epoch during training."""

import csv
import hashlib
import io
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from dropout_cli.core.environment import available_bytes
from dropout_cli.core.errors import RunFailed, UsageError
from dropout_cli.core.text import counted
from dropout_cli.runs import atomic_io, safe_read

MAX_HEADER_CHARS = 100_000  # characters: the names of some thousand columns
MAX_LINE_BYTES = 1 << 20
BYTES_PER_NUMBER, BYTES_PER_TEXT = 48, 200  # memory per value: a float in an array and in a list; a text in a dict


class CsvLog:
    """A CSV file with one row per epoch; the first row appended also fixes the columns.

    A checkpoint stores the digest of the bytes written so far, so that resuming can detect a changed file.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Name a file, which need not exist yet.

        Args:
            folder: The run folder.
            name: The name of the file in it.
        """
        self._path = safe_read.path_inside(folder, name)
        self._hash = hashlib.sha256()
        self._columns: list[str] = []

    @property
    def digest(self) -> str:
        """SHA-256 in hex of all bytes appended here and of those that `truncate` kept."""
        return self._hash.hexdigest()

    def append(self, row: Mapping[str, Any]) -> None:
        """Append a row.

        Args:
            row: Column -> value; the columns must include those of the first row.

        Raises:
            RunFailed: the file cannot be written.
        """
        if not self._columns:
            self._columns = list(row)
            header = _line(self._columns)
            atomic_io.write_atomic(self._path, f"{header}\n".encode())
            self._hash.update(f"{header}\n".encode())
        line = _line([_cell(row[name]) for name in self._columns])
        atomic_io.append_line(self._path, line)
        self._hash.update(f"{line}\n".encode())

    def rows(self) -> list[dict[str, str]]:
        """Return all complete rows as texts; an incomplete last line is dropped.

        Raises:
            UsageError: the file cannot be read.
            RunFailed: the file is damaged.
        """
        header, rows = self._read(BYTES_PER_TEXT)
        return [dict(zip(header, row, strict=True)) for row in rows]

    def columns(self) -> dict[str, list[float]]:
        """Return all columns as numbers.

        Returns:
            Column -> one number per row, NaN for an empty field.

        Raises:
            UsageError: the file cannot be read.
            RunFailed: the file is damaged, or a value is not a number.
        """
        header, rows = self._read(BYTES_PER_NUMBER)
        columns = [array("d") for _ in header]  # compact, since an untrusted file may have millions of rows
        try:
            for row in rows:
                for column, cell in zip(columns, row, strict=True):
                    column.append(float(cell or "nan"))
        except ValueError as error:
            raise self._damaged(error) from None
        return {name: column.tolist() for name, column in zip(header, columns, strict=True)}

    def truncate(self, epochs: int) -> None:
        """Keep only the rows of the first epochs.

        Args:
            epochs: The number of rows to keep.

        Raises:
            UsageError: the file cannot be read.
            RunFailed: the file is damaged or cannot be written.
        """
        if not self._path.exists():
            return
        # Split at line feeds only: a field of an untrusted file may hold a bare carriage return.
        lines = list(islice(self._lines(), epochs + 1))
        if len(lines) < 2:  # the header alone: the next row may have other columns
            atomic_io.remove_file(self._path)
            return
        data = b"".join(lines)
        if len(data) < self._path.stat().st_size:
            atomic_io.write_atomic(self._path, data)
        try:
            self._columns = next(csv.reader([_decoded(lines[0])]))
        except (csv.Error, StopIteration) as error:
            raise self._damaged(error) from None
        self._hash = hashlib.sha256(data)

    def _read(self, bytes_per_value: int) -> tuple[list[str], Iterator[list[str]]]:
        """Return the header and an iterator over the rows.

        Args:
            bytes_per_value: Memory that the caller needs for each value.
        """
        lines = self._lines()
        try:
            first = _decoded(next(lines, b""))
            if len(first) > MAX_HEADER_CHARS:
                raise csv.Error(f"its header is longer than {MAX_HEADER_CHARS:,} characters")
            header = next(csv.reader([first]), [])
        except csv.Error as error:
            raise self._damaged(error) from None
        available = available_bytes()
        most = None if available is None else available // (bytes_per_value * max(len(header), 1))
        return header, self._checked(csv.reader(map(_decoded, lines)), len(header), most)

    def _checked(self, reader: Iterator[list[str]], width: int, most: int | None) -> Iterator[list[str]]:
        """Yield the rows; raise RunFailed at the first whose length differs from the header's.

        Args:
            reader: The rows.
            width: The number of columns.
            most: The number of rows that fit into the memory; None if that is unknown.
        """
        try:
            for number, row in enumerate(reader, start=1):
                if not len(row) == width > 0:
                    raise ValueError(f"row {number} has {counted(len(row), 'value')} for {counted(width, 'column')}")
                if most is not None and number > most:
                    raise ValueError(f"it has more than {most:,} rows, for which the memory is too small")
                yield row
        except (csv.Error, ValueError) as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> RunFailed:
        return RunFailed(str(self._path), f"is damaged ({error})", "Train again.")

    def _lines(self) -> Iterator[bytes]:
        """Yield the complete lines of the file, read in pieces.

        Raises:
            UsageError: the file cannot be read.
            RunFailed: a line is too long.
        """
        try:
            with safe_read.open_regular_file(self._path) as file:
                while line := file.readline(MAX_LINE_BYTES):
                    if line.endswith(b"\n"):
                        yield line
                    elif len(line) == MAX_LINE_BYTES:
                        raise self._damaged(ValueError(f"a line is longer than {MAX_LINE_BYTES:,} bytes"))
                    # else: a process that is killed while it appends leaves an incomplete last line
        except OSError as error:
            raise UsageError(
                str(self._path),
                f"cannot be read ({error.strerror})",
                "Check that it is in a run folder, and its permissions.",
            ) from None


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")


def _line(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _cell(value: Any) -> str:
    """Return the shortest text that reads back as the same number; an empty text for NaN."""
    if isinstance(value, float):
        return "" if value != value else repr(float(value))
    return str(value)
