"""Atomic file writes: a file in a run folder is complete or absent."""

import errno
import json
import os
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from dropout_cli.core.errors import RunFailed

PARTIAL_SUFFIX = ".partial"
"""Suffix of files that are being written; files with it that a killed process left can be deleted."""


MAX_SYNC_DELAY = 5.0
"""Seconds; see `batch_fsync`."""

SYNC_MODE = "r+b" if sys.platform == "win32" else "rb"
"""How a file is opened for syncing; Windows syncs only files that are open for writing."""


def write_atomic(path: Path, data: bytes | bytearray, *, former: Path | None = None) -> None:
    """Write a file atomically.

    Args:
        path: The target.
        data: All bytes of the file.
        former: A path to which an existing file is moved instead of being replaced.

    Raises:
        RunFailed: the system refuses the write, for example because the disk is full.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}")
    with os_errors(path):
        try:
            with beside.open("xb") as file:
                file.write(data)
                file.flush()
                if _deferred.get() is None:
                    os.fsync(file.fileno())
            if former is not None and path.exists():
                path.replace(former)
            beside.replace(path)
        except BaseException:  # also on Ctrl-C: no partial file remains
            beside.unlink(missing_ok=True)
            raise
        _sync(path)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet; remove it again if it cannot be written whole.

    Args:
        path: The target.
        data: All bytes of the file.

    Raises:
        FileExistsError: there is something at the path.
        OSError: the system refuses the write, for example because the disk is full.
    """
    # "x": the check for an existing file and its creation are one step.
    with path.open("xb") as file:
        try:
            file.write(data)
            file.flush()
        except BaseException:
            path.unlink(missing_ok=True)
            raise


_deferred: ContextVar["_DeferredSync | None"] = ContextVar("deferred", default=None)


class _DeferredSync:
    """Written files that have not been synced yet."""

    def __init__(self) -> None:
        self.paths: dict[Path, None] = {}  # a dict, since it keeps the order of writing
        self.since = 0.0

    def add(self, path: Path) -> None:
        if not self.paths:
            self.since = time.monotonic()
        self.paths[path] = None
        if time.monotonic() - self.since >= MAX_SYNC_DELAY:
            self.sync()

    def sync(self) -> None:
        for path in self.paths:
            with suppress(FileNotFoundError), path.open(SYNC_MODE) as file:
                os.fsync(file.fileno())
        for folder in {path.parent for path in self.paths}:
            _sync_folder(folder)
        self.paths.clear()


@contextmanager
def batch_fsync() -> Iterator[None]:
    """Delay syncing until the block ends or the oldest unsynced file is 5 seconds old.

    A killed process loses nothing. After a power failure, files of the last seconds may be incomplete.
    """
    deferred = _DeferredSync()
    token = _deferred.set(deferred)
    try:
        yield
    finally:
        _deferred.reset(token)
        deferred.sync()


def _sync(path: Path) -> None:
    """Sync a file that was moved into its folder, now or at the end of `batch_fsync`."""
    deferred = _deferred.get()
    if deferred is None:
        _sync_folder(path.parent)
    else:
        deferred.add(path)


def append_line(path: Path, line: str) -> None:
    """Append a line to a log; raises as `append_bytes`."""
    append_bytes(path, f"{line}\n".encode("utf-8", "backslashreplace"))


def append_bytes(path: Path, data: bytes) -> None:
    """Append bytes to a file.

    Raises:
        RunFailed: the system refuses the write, or the file is not a regular one.
    """
    # NONBLOCK: opening a named pipe must not wait. NOFOLLOW: a link must not lead to a file elsewhere.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    with os_errors(path), os.fdopen(os.open(path, flags, 0o666), "ab") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise RunFailed(str(path), "is not a regular file", "Delete it, and run the same command again.")
        file.write(data)


def remove_file(path: Path) -> None:
    """Delete a file if it exists.

    Raises:
        RunFailed: the system refuses the deletion.
    """
    with os_errors(path):
        path.unlink(missing_ok=True)
        _sync_folder(path.parent)


@contextmanager
def os_errors(path: Path) -> Iterator[None]:
    """Turn errors of the operating system in the block into RunFailed.

    Args:
        path: The file or folder that the message names.

    Raises:
        RunFailed: the system refuses a call in the block.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        way_out = "Free some space there." if full else "Choose another folder or change its permissions."
        raise RunFailed(str(path), f"cannot be written ({reason})", way_out) from error


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot sync a folder
            raise
    finally:
        os.close(descriptor)


def json_bytes(value: Any) -> bytes:
    """Return indented JSON with a final newline.

    Raises:
        ValueError: the value holds NaN or infinity, which JSON cannot express.
    """
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()
