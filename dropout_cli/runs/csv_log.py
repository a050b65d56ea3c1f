"""A CSV file with a row per epoch that grows as training does."""

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

MOST_HEADER = 100_000
"""Characters: the names of some thousand columns."""


class Table:
    """One such file; the first row also fixes its columns.

    `digest` follows the bytes as they are written, so that a checkpoint can say what stood here when it was saved.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """The file of that name in a run folder; it need not be there yet."""
        self._path = safe_read.inside(folder, name)
        self._hash = hashlib.sha256()
        self._columns: list[str] = []

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of all that was appended here, and of what was there after `cut_back`."""
        return self._hash.hexdigest()

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row. Raises RunFailed."""
        if not self._columns:
            self._columns = list(row)
            header = _line(self._columns)
            atomic_io.write(self._path, f"{header}\n".encode())
            self._hash.update(f"{header}\n".encode())
        line = _line([_cell(row[name]) for name in self._columns])
        atomic_io.append(self._path, line)
        self._hash.update(f"{line}\n".encode())

    def rows(self) -> list[dict[str, str]]:
        """All rows, a torn last line dropped. Raises UsageError or RunFailed."""
        header, rows = self._read()
        return [dict(zip(header, row, strict=True)) for row in rows]

    def columns(self) -> dict[str, list[float]]:
        """Name -> a number per row, NaN where a cell is empty. Raises RunFailed where a cell is not a number."""
        header, rows = self._read()
        columns = [array("d") for _ in header]  # a stranger's file may have millions of rows
        try:
            for row in rows:
                for column, cell in zip(columns, row, strict=True):
                    column.append(float(cell or "nan"))
        except ValueError as error:
            raise self._damaged(error) from None
        return {name: column.tolist() for name, column in zip(header, columns, strict=True)}

    def cut_back(self, epochs: int) -> None:
        """Keep the rows of so many epochs, the first ones."""
        if not self._path.exists():
            return
        lines = self._text().split("\n", epochs + 1)[: epochs + 1]
        lines = lines if lines[-1] else lines[:-1]
        if len(lines) < 2:
            atomic_io.remove(self._path)
            return
        data = "".join(f"{line}\n" for line in lines).encode()
        atomic_io.write(self._path, data)
        try:
            self._columns = next(csv.reader([lines[0]]))
        except (csv.Error, StopIteration) as error:
            raise self._damaged(error) from None
        self._hash = hashlib.sha256(data)

    def _read(self) -> tuple[list[str], Iterator[list[str]]]:
        """The header, and the rows one by one."""
        text = self._text()
        reader = csv.reader(io.StringIO(text, newline=""))
        try:
            if text.find("\n") > MOST_HEADER:
                raise csv.Error(f"its header is longer than {MOST_HEADER:,} characters")
            header = next(reader, [])
        except csv.Error as error:
            raise self._damaged(error) from None
        return header, self._checked(reader, len(header))

    def _checked(self, reader: Iterator[list[str]], width: int) -> Iterator[list[str]]:
        """The rows, up to the first that is not as wide as the header."""
        try:
            for number, row in enumerate(reader, start=1):
                if not len(row) == width > 0:
                    raise ValueError(f"row {number} has {counted(len(row), 'cell')} for {counted(width, 'column')}")
                yield row
        except (csv.Error, ValueError) as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> RunFailed:
        return RunFailed(str(self._path), f"is damaged ({error})", "Train again.")

    def _text(self) -> str:
        """Whole lines."""
        text = safe_read.read_plain(self._path, safe_read.MOST_TEXT).decode("utf-8", "backslashreplace")
        return text[: text.rfind("\n") + 1]


def _line(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _cell(value: Any) -> str:
    """The shortest text that reads back as the same number; nothing for NaN."""
    if isinstance(value, float):
        return "" if value != value else repr(float(value))
    return str(value)
