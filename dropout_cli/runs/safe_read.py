"""Reading from a folder that may come from a stranger: plain files inside it, of a size that fits."""

import json
import os
import stat
from pathlib import Path
from typing import Any

from dropout_cli.core.environment import available_bytes
from dropout_cli.core.errors import NewerFormat, UsageError

MOST_TEXT = 1 << 24
"""16 MB: no text of a run is longer; of those that grow by a line per epoch, it is some 80,000 epochs."""


def inside(folder: Path, name: str) -> Path:
    """The path of that name in `folder`. Raises UsageError where it leads, or might lead, out of it."""
    path = folder / name
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts or "\0" in name:
        raise UsageError(repr(name), "is not a name inside a run folder", "The folder was tampered with.")
    for count in range(1, len(parts) + 1):
        if folder.joinpath(*parts[:count]).is_symlink():
            place = str(folder.joinpath(*parts[:count]))
            raise UsageError(place, "is a symbolic link, and might lead out of the run folder", "Put the file itself.")
    return path


def is_file(path: Path) -> bool:
    """Whether a file is there; False also where the system refuses the path, such as one that is too long."""
    try:
        return path.is_file()
    except OSError:
        return False


def read_plain(path: Path, most: int | None = None) -> bytes:
    """The bytes of a plain file of at most `most` bytes, or of as many as fit into memory. Raises UsageError."""
    most = available_bytes() if most is None else most
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise UsageError(str(path), "is not a plain file", "Is this a run folder?")
            if most is not None and found.st_size > most:
                raise UsageError(str(path), f"has {found.st_size:,} bytes, more than can be read", "Is it damaged?")
            return file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(str(path), f"cannot be read ({reason})", "Is this a run folder?") from None


def parse(data: bytes, place: str, newest: int) -> dict[str, Any]:
    """The JSON object in a file that says its `format`. Raises UsageError: damaged, or NewerFormat than `newest`."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise UsageError(place, "is not JSON", "The file is damaged.") from None
    if not isinstance(content, dict) or type(content.get("format")) is not int or content["format"] < 1:
        raise UsageError(place, "is not a file of a run", "The file is damaged.")
    must_be_known(content["format"], place, newest)
    return content


def must_be_known(number: int, place: str, newest: int) -> None:
    """Raise NewerFormat where a file at `place` has a format newer than `newest`."""
    if number > newest:
        raise NewerFormat(place, f"has format {number}, newer than {newest}", "Update dropout-cli.")
