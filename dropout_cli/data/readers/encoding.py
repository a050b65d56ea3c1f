"""The character encoding of a text file.

A mark at the top (UTF-8, UTF-16, UTF-32) decides, then valid UTF-8. Other bytes are Windows-1252 if they are letters
with accents between plain letters. If they come in runs, they are words of another script, and charset-normalizer
chooses the encoding that gives the most plausible text. Such a choice is a guess, and is reported.
"""

import codecs
import re
from typing import IO, NamedTuple

from dropout_cli.core.errors import DataError

SAMPLE_BYTES = 1 << 20
WESTERN = "cp1252"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_SCRIPTS = (
    *("cp1251", "koi8_r", "cp1253", "cp1255", "cp1256"),
    *("gb18030", "big5", "cp932", "euc_jp", "euc_kr"),
)
"""Encodings that are considered for words of other scripts: Cyrillic, Greek, Hebrew, Arabic; Chinese, Japanese,
Korean."""
_NAMES = {
    "ascii": "ASCII",
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-32": "UTF-32",
    "cp1251": "Windows-1251",
    "cp1252": "Windows-1252",
    "cp1253": "Windows-1253",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "koi8_r": "KOI8-R",
    "gb18030": "GB 18030",
    "big5": "Big5",
    "cp932": "Shift-JIS",
    "euc_jp": "EUC-JP",
    "euc_kr": "EUC-KR",
}
_RUNS = re.compile(rb"[\x80-\xff][\x40-\xff]*")
_WORDS = re.compile(r"[^\W\d_]*[^\W\d_a-zA-Z][^\W\d_]*")
MIN_BYTES = 10
"""Fewer bytes beyond ASCII are too few for a guess."""
_TEXT_SHARE = 0.3
"""Accented letters make up at most this share of the letters of a text in a western language."""


class Encoding(NamedTuple):
    """The encoding of a file."""

    name: str
    """The name that Python's codecs know."""
    guess: str = ""
    """A word of the file if the encoding was guessed, else empty."""

    @property
    def title(self) -> str:
        """The name for messages."""
        return _NAMES.get(self.name, self.name)


def require_encoding(name: str) -> str:
    """Return the name under which Python's codecs know an encoding of text.

    Raises:
        LookupError: There is no such encoding of text.
    """
    found = codecs.lookup(name)
    if not getattr(found, "_is_text_encoding", True):
        raise LookupError(name)
    return found.name


def marked_encoding(head: bytes) -> str | None:
    """Return the encoding whose mark a file begins with, if any."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def decodes(file: IO[bytes], name: str) -> bool:
    """Return True if all bytes of a file, from its position on, are text in an encoding."""
    decoder = codecs.getincrementaldecoder(name)()
    try:
        while chunk := file.read(SAMPLE_BYTES):
            # UTF-16 without a mark is valid ASCII with null characters in between.
            if name == "utf-8-sig" and b"\0" in chunk:
                return False
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def detect_encoding(file: IO[bytes], place: str) -> Encoding:
    """Return the encoding of a file.

    Args:
        file: The file, at its first byte.
        place: Its name, for messages.

    Raises:
        DataError: The file is not text.
    """
    chunk, undecoded, sample = file.read(SAMPLE_BYTES), b"", b""
    marked = marked_encoding(chunk)
    if marked not in (None, "utf-8-sig"):
        return Encoding(marked)
    is_utf8 = True
    while chunk:
        if b"\0" in chunk:
            half = chunk[:1000].count(b"\0") * 3 > len(chunk[:1000])
            way_out = "If it is UTF-16, set dataset.encoding: utf-16-le" if half else "Save it as CSV in UTF-8"
            raise DataError(place, "is not a text file: it contains null characters", way_out)
        undecoded += chunk
        if is_utf8:
            try:
                undecoded.decode("utf-8")
                undecoded = b""
            except UnicodeDecodeError as error:
                # A character may be cut at the end of a chunk; its first bytes then wait for the next one.
                is_utf8 = error.reason == "unexpected end of data"
                undecoded = undecoded[error.start :]
        if not is_utf8 and len(sample) < SAMPLE_BYTES:
            # Only the lines that need a decision: a large table may have few of them.
            sample += b"\n".join(line for line in chunk.splitlines() if not line.isascii())[:SAMPLE_BYTES]
        if not is_utf8:
            undecoded = b""
        chunk = file.read(SAMPLE_BYTES)
    if is_utf8 and not undecoded:
        return Encoding("utf-8-sig")
    return _guess(sample or undecoded)


def _guess(sample: bytes) -> Encoding:
    """Return the encoding of bytes that are not UTF-8."""
    letters = sum(byte >= 0x80 or chr(byte).isalpha() for byte in sample)
    foreign = sum(byte >= 0x80 for byte in sample)
    runs = _RUNS.findall(sample)
    if (
        foreign < MIN_BYTES
        or foreign <= _TEXT_SHARE * letters
        or not any(sum(byte >= 0x80 for byte in run) > 2 for run in runs)
    ):
        return Encoding(WESTERN)
    from charset_normalizer import from_bytes

    # The default threshold refuses lists of names, which are not sentences; the best candidate is wanted here.
    best = from_bytes(sample, cp_isolation=list(_OTHER_SCRIPTS), threshold=5).best()
    name = WESTERN if best is None else best.encoding
    words = _WORDS.findall(sample.decode(name, "replace"))
    return Encoding(name, max(words, key=len, default="")[:30]) if name != WESTERN else Encoding(name)
