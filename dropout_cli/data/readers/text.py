"""Text files of strangers: gzipped or not, in an encoding that is found out, with comments at the top."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO, cast

from dropout_cli.core.errors import DataError
from dropout_cli.data.cache import must_be_plain

SAMPLE_BYTES = 1 << 20
_FOR_EXCEL = re.compile(r'"?sep=.?"?', re.IGNORECASE)


def encoding_of(path: Path) -> str:
    """UTF-8, or what Windows programs write where it is not. Raises DataError for UTF-16 and for what is no text."""
    must_be_plain(path)
    try:
        with _bytes(path) as file:
            head = file.read(SAMPLE_BYTES)
            encoding = "utf-8-sig"
            if head.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise DataError(str(path), "is in UTF-16", "Save it as UTF-8")
            piece, rest = head, b""
            while piece:
                if b"\0" in piece:
                    raise DataError(str(path), "is no text: it has zero bytes", "Save it as CSV in UTF-8")
                rest += piece
                try:
                    rest.decode("utf-8")
                    rest = b""
                except UnicodeDecodeError as error:
                    if error.reason != "unexpected end of data":
                        encoding = "cp1252"
                    rest = rest[error.start :] if encoding == "utf-8-sig" else b""
                piece = file.read(SAMPLE_BYTES)
            return "cp1252" if rest else encoding
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _no_file(path, error) from None


def _no_file(path: Path, error: Exception) -> DataError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return DataError(str(path), f"cannot be read: {reason}", "Name a file with rows")


@contextmanager
def _bytes(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        if raw.peek(2)[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=raw) as unzipped:
                yield cast("IO[bytes]", unzipped)
        else:
            yield raw


@contextmanager
def opened(path: Path, encoding: str) -> Iterator[TextIO]:
    """Open the file below its comments. Raises DataError."""
    try:
        with (
            _bytes(path) as raw,
            io.TextIOWrapper(raw, encoding, errors="replace", newline="") as text,
        ):
            _skip_comments(text)
            yield text
    except (OSError, EOFError) as error:
        raise _no_file(path, error) from None


def _skip_comments(file: TextIO) -> int:
    """Go past the lines at the top that are no rows; return how many there are.

    They begin with #, unless cells are divided as in the next line, which is a header; or with | and the next line has
    none (adult.test of UCI); or they say `sep=;` to Excel.
    """
    count = 0
    while True:
        before = file.tell()
        line, after = file.readline(SAMPLE_BYTES), file.tell()
        following = file.readline(SAMPLE_BYTES)
        if not (
            (line.startswith("#") and not _is_header(line, following))
            or (line.startswith("|") and "|" not in following)
            or (count == 0 and _FOR_EXCEL.fullmatch(line.strip()))
        ):
            file.seek(before)
            return count
        file.seek(after)
        count += 1


def _is_header(line: str, following: str) -> bool:
    return not following.startswith("#") and any(0 < line.count(mark) == following.count(mark) for mark in ",;\t")


def comments(path: Path, encoding: str) -> int:
    """How many lines at the top are comments."""
    with _bytes(path) as raw, io.TextIOWrapper(raw, encoding, errors="replace", newline="") as text:
        return _skip_comments(text)
