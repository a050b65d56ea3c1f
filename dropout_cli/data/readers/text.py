"""Text files from unknown programs: gzipped or not, comments skipped."""

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
from dropout_cli.data.readers.encoding import SAMPLE_BYTES, Encoding, decodes, detect_encoding, marked_encoding

_EXCEL_SEPARATOR_LINE = re.compile(r'"?sep=.?"?', re.IGNORECASE)


def find_encoding(path: Path, expected: str | None = None) -> Encoding:
    """Return the encoding of a file.

    Args:
        path: the file.
        expected: the name of the encoding that the user gave; None detects it. A file with a mark, or in UTF-8, is
            read as that: a run may predict files of another program than the one that wrote its training file.

    Raises:
        DataError: for a binary file, a file in another encoding, or a file that cannot be read.
    """
    require_regular_file(path)
    try:
        with _open_bytes(path) as file:
            if expected is None:
                return detect_encoding(file, str(path))
            marked = marked_encoding(file.read(4))
            names = (marked,) if marked else dict.fromkeys(("utf-8-sig", expected))
            for name in names:
                file.seek(0)
                if decodes(file, name):
                    return Encoding(name)
            title = Encoding(expected).title
            raise DataError(str(path), f"is not {title} text", "Set another dataset.encoding, or auto")
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
def open_text(path: Path, encoding: str, title_lines: int = 0) -> Iterator[TextIO]:
    """Open the file for reading from the first line after its comments and titles.

    Args:
        path: the file.
        encoding: the name of its encoding.
        title_lines: number of lines after the comments to leave out.

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
            for _ in range(title_lines):
                text.readline()
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
