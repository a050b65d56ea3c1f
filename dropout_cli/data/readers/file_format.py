"""The format of a file that should be a table, by its first bytes and its name."""

import gzip
import re
import zipfile
import zlib
from pathlib import Path
from typing import Literal, TypeAlias

from dropout_cli.core.errors import DataError
from dropout_cli.data.cache import require_regular_file
from dropout_cli.data.readers.excel_parquet import EXCEL_SUFFIXES, PARQUET_SUFFIXES

FileFormat: TypeAlias = Literal["text", "excel", "parquet", "json", "arff", "libsvm"]
HEAD_BYTES = 1 << 16
_UNPACK = "Unpack it, and give the file inside"
_EXPORT = "Export it as CSV"
_ARRAYS = "Use dataset: {name: arrays, path: FILE}"
_PICTURES = "For images, use dataset: {name: image_folder, path: FOLDER}"
_OTHER_FORMATS: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF document", "Ask for the table as CSV or Excel"),
    (b"SQLite format 3\0", "an SQLite database", "Export the table: sqlite3 -header -csv FILE 'select * from TABLE'"),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"\x93NUMPY", "a NumPy array", _ARRAYS),
    (b"\x89HDF", "an HDF5 file", _EXPORT),
    (b"CDF\x01", "a NetCDF file", _EXPORT),
    (b"$FL2", "an SPSS file", _EXPORT),
    (b"<stata_dta>", "a Stata file", _EXPORT),
    (b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60", "a SAS file", _EXPORT),
    (b"RDX", "an R data file", "In R: write.csv(TABLE, 'table.csv', row.names = FALSE)"),
    (b"ARROW1", "a Feather file", "Save it as Parquet or CSV"),
    (b"\x89PNG", "a PNG image", _PICTURES),
    (b"\xff\xd8\xff", "a JPEG image", _PICTURES),
    (b"GIF8", "a GIF image", _PICTURES),
    (b"{\\rtf", "an RTF document", _EXPORT),
    (b"version https://git-lfs", "a Git LFS pointer, not the data", "Get the file itself with 'git lfs pull'"),
    (b"\x80\x04\x95", "a serialized Python object", "Save the table as Parquet or CSV"),
    (b"\x80\x05\x95", "a serialized Python object", "Save the table as Parquet or CSV"),
    (b"\x80\x03", "a serialized Python object", "Save the table as Parquet or CSV"),
)
"""First bytes of formats that are no tables for this program: bytes, name, way out."""
_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype html|html|head|body|table)\b", re.IGNORECASE | re.DOTALL)
_XML = re.compile(rb"\s*<\?xml\b")
_ARFF = re.compile(rb"(\s*%[^\n]*\n|\s*\n)*\s*@relation\b", re.IGNORECASE)
_JSON = re.compile(rb"(\xef\xbb\xbf)?\s*(\[\s*)?\{\s*(\"|\})")
# A label, then column:value pairs with ascending columns.
_LIBSVM_LINE = re.compile(
    rb"[+-]?[\d.]+([eE][+-]?\d+)?(,[\d.]+)*( qid:\d+)?( +\d+:[+-]?[\d.]+([eE][+-]?\d+)?)+\s*(#.*)?"
)


def find_format(path: Path) -> FileFormat:
    """Return the format of a file.

    Args:
        path: the file, gzipped or not.

    Raises:
        DataError: if the file is of a kind that is no table, with its name and a way out.
    """
    head = _read_head(path)
    for start, name, way_out in _OTHER_FORMATS:
        if head.startswith(start):
            raise DataError(str(path), f"is {name}", way_out)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return _format_in_zip(path)
    if head.startswith(_OLD_EXCEL):
        raise DataError(str(path), "is in the old Excel format (.xls)", "Save it as .xlsx or CSV")
    if head[257:262] == b"ustar":
        raise DataError(str(path), "is a tar archive", _UNPACK)
    if _HTML.match(head):
        way_out = "Download the file itself, perhaps after logging in"
        if b"<table" in head.lower():
            way_out = "It contains a table: open it in a spreadsheet program, and save it as CSV or .xlsx"
        raise DataError(str(path), "is an HTML page", way_out)
    if _XML.match(head):
        raise DataError(str(path), "is an XML file", _EXPORT)
    suffix = path.suffix.lower()
    if suffix in EXCEL_SUFFIXES:
        return "excel"
    if suffix in PARQUET_SUFFIXES:
        return "parquet"
    if _ARFF.match(head):
        return "arff"
    if _JSON.match(head):
        return "json"
    lines = [line for line in head.split(b"\n")[:-1] or [head] if line.strip() and not line.startswith(b"#")][:20]
    if lines and all(_LIBSVM_LINE.fullmatch(line.strip()) for line in lines):
        return "libsvm"
    return "text"


def _read_head(path: Path) -> bytes:
    """Return the first bytes, unzipped."""
    # A pipe without a writer would block for ever.
    require_regular_file(path)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(path) as unzipped:
                head = unzipped.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(str(path), f"cannot be read: {reason}", "Give a file with rows") from None
    return head


def _format_in_zip(path: Path) -> FileFormat:
    """Return excel for a workbook, which is a ZIP archive inside."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            kind = b""
            if "mimetype" in names:
                with archive.open("mimetype") as stated:
                    kind = stated.read(100)
    except (zipfile.BadZipFile, OSError, RuntimeError, zlib.error):
        # A damaged workbook has a message of its own.
        if path.suffix.lower() in EXCEL_SUFFIXES:
            return "excel"
        raise DataError(str(path), "is a damaged ZIP archive", "Get the file again") from None
    if "xl/workbook.xml" in names or path.suffix.lower() in EXCEL_SUFFIXES:
        return "excel"
    if b"opendocument" in kind:
        raise DataError(str(path), "is an OpenDocument file (.ods)", "Save it as .xlsx or CSV")
    inside = f", for example {names[0]}" if names else ""
    raise DataError(str(path), f"is a ZIP archive{inside[:80]}", _UNPACK)
