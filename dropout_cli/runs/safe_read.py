"""Safe reading from untrusted run folders: regular files of limited size."""

import json
import os
import stat
from pathlib import Path
from typing import Any

from dropout_cli.core.environment import available_bytes
from dropout_cli.core.errors import NewerFormat, UsageError

MAX_TEXT_BYTES = 1 << 24
"""Bytes: the limit for text files of a run; 16 MB of a log are some 80,000 epochs."""


def path_inside(folder: Path, name: str) -> Path:
    """Return the path of `name` in `folder`.

    Raises:
        UsageError: the name leads out of the folder, or a part of the path is a symbolic link.
    """
    path = folder / name
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts or "\0" in name:
        raise UsageError(repr(name), "is not the name of a file in a run folder", "The folder was tampered with.")
    for count in range(1, len(parts) + 1):
        if folder.joinpath(*parts[:count]).is_symlink():
            place = str(folder.joinpath(*parts[:count]))
            fact = "is a symbolic link and might lead out of the run folder"
            raise UsageError(place, fact, "Replace the link by the file.")
    return path


def file_exists(path: Path) -> bool:
    """Return True if `path` is a file; False also for a path that the system refuses."""
    try:
        return path.is_file()
    except OSError:
        return False


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
        # NONBLOCK: opening a named pipe must not wait. The checks are on the open file, so it cannot be exchanged.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(str(path), "is not a regular file", "Is this a run folder?")
            if max_bytes is not None and status.st_size > max_bytes:
                raise UsageError(str(path), f"has {status.st_size:,} bytes, more than can be read", "Is it damaged?")
            return file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(str(path), f"cannot be read ({reason})", "Is this a run folder?") from None


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
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise UsageError(place, "is not JSON", "The file is damaged.") from None
    if not isinstance(content, dict) or type(content.get("format")) is not int or content["format"] < 1:
        raise UsageError(place, "is not a file of a run", "The file is damaged.")
    require_known_format(content["format"], place, newest)
    return content


def require_known_format(number: int, place: str, newest: int) -> None:
    """Raise NewerFormat if a file has a format newer than `newest`.

    Args:
        number: The format of the file.
        place: The name of the file in error messages.
        newest: The newest format that can be read.
    """
    if number > newest:
        raise NewerFormat(place, f"has format {number}, newer than {newest}", "Update dropout-cli.")
