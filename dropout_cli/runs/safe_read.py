"""Safe access to untrusted folders of runs and sweeps: only regular files in them.

No link is followed, and no named pipe, socket or device is opened: a pipe waits forever, a device may never end.
"""

import hashlib
import json
import math
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

from dropout_cli.core.environment import available_bytes
from dropout_cli.core.errors import NewerFormat, UsageError

MAX_TEXT_BYTES = 1 << 24
"""Bytes: the limit for text files of a run that are read as a whole. Logs with a row per epoch are read in pieces."""
MAX_DIGITS = 300
"""Integers in JSON files have at most so many digits: a number of 400 digits is too large for a float."""
INSTEAD = "Delete it, and restore the file or train the run again."
FILE_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def path_inside(folder: Path, name: str) -> Path:
    """Return the path of `name` in `folder`.

    Raises:
        UsageError: the name leads out of the folder, or a part of the path is a symbolic link.
    """
    path = folder / name
    parts = Path(name).parts
    if not stays_inside(Path(name)) or "\0" in name:
        raise UsageError(
            repr(name), "is not the name of a file in a run folder", "The folder was changed by hand. Train again."
        )
    for count in range(1, len(parts) + 1):
        if folder.joinpath(*parts[:count]).is_symlink():
            place = str(folder.joinpath(*parts[:count]))
            fact = "is a symbolic link and might lead out of the run folder"
            raise UsageError(place, fact, "Replace the link by the file.")
    return path


def stays_inside(path: PurePath) -> bool:
    """Return True if a path leads to something in the folder that it is relative to."""
    if isinstance(path, PureWindowsPath) and ":" in str(path):  # a drive, or a hidden stream of a file
        return False
    # The anchor is the start of an absolute path, and on Windows also of `\\name`, on the current drive.
    return bool(path.parts) and not path.anchor and ".." not in path.parts


def file_exists(path: Path) -> bool:
    """Return True if `path` is a file; False also for a path that the system refuses."""
    try:
        return path.is_file()
    except OSError:
        return False


def irregular_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield all below a folder that is no regular file and no folder, with its kind in words.

    Links are not followed. A folder that does not exist has nothing.
    """
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from irregular_files(Path(entry.path))
        elif not entry.is_file(follow_symlinks=False):
            try:
                mode = entry.stat(follow_symlinks=False).st_mode
            except FileNotFoundError:  # another process deleted it meanwhile
                continue
            yield Path(entry.path), FILE_KINDS.get(stat.S_IFMT(mode), "not a regular file")


def require_regular_files(folder: Path) -> None:
    """Raise UsageError if a folder contains a link, a named pipe, a socket or a device.

    Commands that write check this first: an error after hours of training would come too late.
    """
    try:
        for path, kind in irregular_files(folder):
            raise UsageError(str(path), f"is {kind}, not a regular file", "Delete it, and run the same command again.")
    except OSError as error:
        raise UsageError(str(folder), f"cannot be read ({error.strerror})", "Change its permissions.") from None


def open_regular_file(path: Path) -> BufferedReader:
    """Open a regular file for reading.

    Raises:
        UsageError: it is a link, a named pipe or a device.
        OSError: it is missing or unreadable.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    # Opening a device can have effects, so its kind is looked up first. NONBLOCK: opening a named pipe must not wait.
    # The check after opening is on the open file, so that it cannot be exchanged in between.
    for kind, word in FILE_KINDS.items():
        if stat.S_IFMT(path.lstat().st_mode) == kind:
            raise UsageError(str(path), f"is {word}, not a regular file", INSTEAD)
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise UsageError(str(path), "is not a regular file", INSTEAD)
    return file


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a regular file in hex; the file is read in pieces.

    Raises:
        UsageError: the file is missing, unreadable or not a regular file.
    """
    try:
        with open_regular_file(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(str(path), f"cannot be read ({error.strerror})", INSTEAD) from None


def read_regular_file(path: Path, max_bytes: int | None = None) -> bytes:
    """Return the bytes of a regular file.

    Args:
        path: The file.
        max_bytes: Limit in bytes; None for the available memory.

    Raises:
        UsageError: the file is missing, unreadable, larger than the limit, or not a regular file.
    """
    max_bytes = available_bytes() if max_bytes is None else max_bytes
    try:
        with open_regular_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            if max_bytes is not None and size > max_bytes:
                raise UsageError(
                    str(path), f"has {size:,} bytes, more than can be read", "Restore the file, or train again."
                )
            return file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(str(path), f"cannot be read ({reason})", INSTEAD) from None


def parse_json_file(data: bytes, place: str, newest: int) -> dict[str, Any]:
    """Read the JSON object of a file that declares its `format`.

    Args:
        data: The bytes of the file.
        place: The name of the file in error messages.
        newest: The newest format that can be read.

    Raises:
        UsageError: the file is damaged.
        NewerFormat: the format is newer than `newest`.
    """
    try:
        content = json.loads(data, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_bounded)
    except (ValueError, RecursionError):
        raise UsageError(place, "is damaged (it is not JSON)", "Restore the file, or train again.") from None
    if not isinstance(content, dict) or type(content.get("format")) is not int or content["format"] < 1:
        raise UsageError(place, "is damaged (it is not a file of a run)", "Restore the file, or train again.")
    require_known_format(content["format"], place, newest)
    return content


def _refuse_constant(text: str) -> float:
    """Raise ValueError for NaN and infinities, which Python reads although JSON has no such words."""
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large")
    return value


def _bounded(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"{text[:20]}... has too many digits")
    return int(text)


def require_known_format(number: int, place: str, newest: int) -> None:
    """Raise NewerFormat if a file has a format newer than `newest`.

    Args:
        number: The format of the file.
        place: The name of the file in error messages.
        newest: The newest format that can be read.
    """
    if number > newest:
        raise NewerFormat(place, f"has format {number}, newer than {newest}", "Update dropout-cli.")
