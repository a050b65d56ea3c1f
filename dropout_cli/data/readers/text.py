"""Text files from unknown programs: gzipped or not, encoding detected, comments skipped."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO, cast

from dropout_cli.core.errors import DataError
from dropout_cli.data.cache import require_regular_file

SAMPLE_BYTES = 1 << 20
_EXCEL_SEPARATOR_LINE = re.compile(r'"?sep=.?"?', re.IGNORECASE)


def detect_encoding(path: Path) -> str:
    """Return the encoding: UTF-8, or Windows-1252 for other bytes.

    Args:
        path: the file.

    Raises:
        DataError: for UTF-16, a binary file, or a file that cannot be read.
    """
    require_regular_file(path)
    try:
        with _open_bytes(path) as file:
            head = file.read(SAMPLE_BYTES)
            encoding = "utf-8-sig"
            if head.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise DataError(str(path), "is in UTF-16", "Save it as UTF-8")
            chunk, undecoded = head, b""
            while chunk:
                if b"\0" in chunk:
                    raise DataError(
                        str(path), "is not a text file: it contains null characters", "Save it as CSV in UTF-8"
                    )
                undecoded += chunk
                try:
                    undecoded.decode("utf-8")
                    undecoded = b""
                except UnicodeDecodeError as error:
                    # A character may be cut at the end of a chunk; its first bytes then wait for the next one.
                    if error.reason != "unexpected end of data":
                        encoding = "cp1252"
                    undecoded = undecoded[error.start :] if encoding == "utf-8-sig" else b""
                chunk = file.read(SAMPLE_BYTES)
            # A file that ends inside a character is not UTF-8.
            return "cp1252" if undecoded else encoding
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return DataError(str(path), f"cannot be read: {reason}", "Give a file with rows")


@contextmanager
def _open_bytes(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        # By the first bytes: names of gzipped files do not always end in .gz.
        if raw.peek(2)[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=raw) as unzipped:
                yield cast("IO[bytes]", unzipped)
        else:
            yield raw


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """Open the file for reading from the first line after its comments.

    Args:
        path: the file.
        encoding: the result of `detect_encoding`.

    Raises:
        DataError: if the file cannot be read.
    """
    try:
        with (
            _open_bytes(path) as raw,
            # Windows-1252 leaves five bytes undefined. The csv module needs the line ends inside quoted cells
            # unchanged.
            io.TextIOWrapper(raw, encoding, errors="replace", newline="") as text,
        ):
            _skip_comments(text)
            yield text
    except (OSError, EOFError) as error:
        raise _unreadable(path, error) from None


def _skip_comments(file: TextIO) -> int:
    """Skip the comment lines at the top and return their number.

    Comments begin with # (unless the line is split into cells like the next one, which makes it a header), or with | if
    the next line has none (adult.test of UCI), or are Excel's `sep=;` in the first line.
    """
    count = 0
    while True:
        before = file.tell()
        line, after = file.readline(SAMPLE_BYTES), file.tell()
        following = file.readline(SAMPLE_BYTES)
        if not (
            (line.startswith("#") and not _is_header(line, following))
            or (line.startswith("|") and "|" not in following)
            or (count == 0 and _EXCEL_SEPARATOR_LINE.fullmatch(line.strip()))
        ):
            file.seek(before)
            return count
        file.seek(after)
        count += 1


def _is_header(line: str, following: str) -> bool:
    return not following.startswith("#") and any(0 < line.count(mark) == following.count(mark) for mark in ",;\t")


def count_comment_lines(path: Path, encoding: str) -> int:
    """Return the number of comment lines at the top."""
    with _open_bytes(path) as raw, io.TextIOWrapper(raw, encoding, errors="replace", newline="") as text:
        return _skip_comments(text)
