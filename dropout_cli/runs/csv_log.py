"""CSV files that grow by one row per epoch during training."""

import csv
import hashlib
import io
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dropout_cli.core.errors import RunFailed
from dropout_cli.core.text import counted
from dropout_cli.runs import atomic_io, safe_read

MAX_HEADER_CHARS = 100_000  # characters: the names of some thousand columns


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
        header, rows = self._read()
        return [dict(zip(header, row, strict=True)) for row in rows]

    def columns(self) -> dict[str, list[float]]:
        """Return all columns as numbers.

        Returns:
            Column -> one number per row, NaN for an empty field.

        Raises:
            UsageError: the file cannot be read.
            RunFailed: the file is damaged, or a value is not a number.
        """
        header, rows = self._read()
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
        lines = self._text().split("\n", epochs + 1)[: epochs + 1]
        lines = lines if lines[-1] else lines[:-1]
        if len(lines) < 2:  # the header alone: the next row may have other columns
            atomic_io.remove_file(self._path)
            return
        data = "".join(f"{line}\n" for line in lines).encode()
        atomic_io.write_atomic(self._path, data)
        try:
            self._columns = next(csv.reader([lines[0]]))
        except (csv.Error, StopIteration) as error:
            raise self._damaged(error) from None
        self._hash = hashlib.sha256(data)

    def _read(self) -> tuple[list[str], Iterator[list[str]]]:
        """Return the header and an iterator over the rows."""
        text = self._text()
        reader = csv.reader(io.StringIO(text, newline=""))
        try:
            if text.find("\n") > MAX_HEADER_CHARS:
                raise csv.Error(f"its header is longer than {MAX_HEADER_CHARS:,} characters")
            header = next(reader, [])
        except csv.Error as error:
            raise self._damaged(error) from None
        return header, self._checked(reader, len(header))

    def _checked(self, reader: Iterator[list[str]], width: int) -> Iterator[list[str]]:
        """Yield the rows; raise RunFailed at the first whose length differs from the header's."""
        try:
            for number, row in enumerate(reader, start=1):
                if not len(row) == width > 0:
                    raise ValueError(f"row {number} has {counted(len(row), 'value')} for {counted(width, 'column')}")
                yield row
        except (csv.Error, ValueError) as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> RunFailed:
        return RunFailed(str(self._path), f"is damaged ({error})", "Train again.")

    def _text(self) -> str:
        """Return the complete lines of the file."""
        # A process that is killed while it appends leaves an incomplete last line.
        text = safe_read.read_regular_file(self._path, safe_read.MAX_TEXT_BYTES).decode("utf-8", "backslashreplace")
        return text[: text.rfind("\n") + 1]


def _line(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _cell(value: Any) -> str:
    """Return the shortest text that reads back as the same number; an empty text for NaN."""
    if isinstance(value, float):
        return "" if value != value else repr(float(value))
    return str(value)
