"""Where data files live on this machine, and how one gets there: whole, or not at all."""

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dropout_cli.core.errors import DataError


def data_directories() -> list[Path]:
    """The folders in which data are looked for: `$DROPOUT_DATA`, if set, then the user's data directory."""
    given = os.environ.get("DROPOUT_DATA")
    found = [Path(given).absolute()] if given else []
    try:
        found.append(_user_directory() / "dropout")
    except RuntimeError:
        if not found:
            raise DataError("$DROPOUT_DATA", "is not set, and this user has no home folder", "Set it") from None
    return found


def _user_directory() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    # The XDG specification: a relative path is invalid and is to be ignored.
    given = Path(os.environ.get("XDG_DATA_HOME", ""))
    return given if given.is_absolute() else Path.home() / ".local" / "share"


def must_be_plain(path: Path) -> None:
    """Raise DataError for what is no file: a folder, a link in a ring, a pipe that nobody writes to."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(str(path), f"cannot be read: {reason}", "Name a file") from None
    if stat.S_ISDIR(found.st_mode):
        raise DataError(str(path), "is a folder", "Name a file; for folders of pictures there is image_folder")
    if not stat.S_ISREG(found.st_mode):
        raise DataError(str(path), "is no plain file", "Save it as one")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of `path` when the block ends without an error. Raises OSError."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
