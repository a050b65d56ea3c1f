"""Folders of data files on this machine, and a way to write a file whole or not at all."""

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
    """Return the folders to search for data, in order.

    These are `$DROPOUT_DATA`, if set, then the user's data directory.

    Raises:
        DataError: if `$DROPOUT_DATA` is not set and the user has no home folder.
    """
    configured = os.environ.get("DROPOUT_DATA")
    directories = [Path(configured).absolute()] if configured else []
    try:
        directories.append(_user_directory() / "dropout")
    except RuntimeError:
        if not directories:
            raise DataError(
                "$DROPOUT_DATA", "is not set, and this user has no home folder", "Set it to a folder"
            ) from None
    return directories


def searched_folders(name: str) -> str:
    """Return the folders in which a dataset is searched, in words.

    Args:
        name: The name of the dataset's folder.
    """
    folders = " or ".join(str(directory / name) for directory in data_directories())
    return f"{folders} ($DROPOUT_DATA is {'set' if os.environ.get('DROPOUT_DATA') else 'not set'})"


def _user_directory() -> Path:
    if sys.platform == "win32":
        local_app_data = os.environ.get("LOCALAPPDATA")
        return Path(local_app_data) if local_app_data else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    # The XDG specification says that a relative path is invalid and must be ignored.
    xdg_data_home = Path(os.environ.get("XDG_DATA_HOME", ""))
    return xdg_data_home if xdg_data_home.is_absolute() else Path.home() / ".local" / "share"


def require_regular_file(path: Path) -> None:
    """Raise DataError unless the path is a regular file.

    A folder, a cycle of links or a pipe is refused: opening a pipe without a writer would wait forever.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(str(path), f"cannot be read: {reason}", "Check the path and its permissions") from None
    if stat.S_ISDIR(status.st_mode):
        raise DataError(
            str(path), "is a folder", "Give a file. For a folder of images, use dataset: {name: image_folder}"
        )
    if not stat.S_ISREG(status.st_mode):
        raise DataError(str(path), "is not a regular file", "Give a regular file")


@contextmanager
def open_replacement(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that replaces `path` if the block ends without an error.

    Raises:
        OSError: if the file cannot be written.
    """
    # A random name, so that two processes can write the same file at the same time.
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # before the rename, so that a crash cannot leave an empty file under the name
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
