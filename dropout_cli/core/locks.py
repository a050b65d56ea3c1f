"""Lock files that show whether a process is working on a folder.

The operating system releases the lock when the process ends, however it ends, so no stale lock remains.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    # Windows locks bytes, which other processes can then neither read nor write: one that no file has.
    _LOCKED_BYTE = (1 << 31) - 2

    def _at_locked_byte(descriptor: int, mode: int) -> None:
        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, mode, 1)
        finally:
            os.lseek(descriptor, position, os.SEEK_SET)

    def _try_lock(descriptor: int) -> None:
        _at_locked_byte(descriptor, msvcrt.LK_NBLCK)

    def _unlock(descriptor: int) -> None:
        # After closing alone, Windows may release the lock only some time later.
        with suppress(OSError):  # this process does not hold it
            _at_locked_byte(descriptor, msvcrt.LK_UNLCK)

    def _wait_for_folder(descriptor: int) -> None:
        """Do nothing: no program can open a folder on Windows."""

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        """Do nothing: closing the file releases the lock."""

    def _wait_for_folder(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


# NONBLOCK: opening a named pipe must not wait for its other end. NOFOLLOW: a link must not lead to another folder.
_SAFELY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class Locked(Exception):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, creating it if needed, until the block ends.

    Raises:
        Locked: another process holds the lock.
        OSError: the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _SAFELY, 0o666)
    try:
        for attempt in range(3):
            try:
                _try_lock(descriptor)
                break
            except (BlockingIOError, PermissionError) as error:
                if attempt == 2:
                    raise Locked(str(path)) from error
                time.sleep(0.02)  # `is_locked` in another process holds the lock for a moment
        yield
    finally:
        _unlock(descriptor)
        os.close(descriptor)


def open_locked(path: Path) -> int:
    """Open the file at `path`, creating it if needed, and wait until no other process holds its lock.

    Returns:
        A descriptor for reading and writing. The lock is held until it and its duplicates are closed.

    Raises:
        OSError: the file cannot be opened.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _SAFELY, 0o666)
        try:
            _try_lock(descriptor)
            # The other process may have deleted the file at its end; a lock on a deleted file excludes nobody.
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except (BlockingIOError, PermissionError):
            time.sleep(0.02)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


@contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Hold the lock of a folder until the block ends; wait while another process holds it.

    The folder itself is locked, so that no file appears in it. On a system or file system that cannot lock folders, the
    block runs without a lock.

    Raises:
        OSError: the folder cannot be opened.
    """
    if sys.platform == "win32":  # no program can open a folder there
        yield
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            _wait_for_folder(descriptor)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Return True if a process holds the lock file at `path`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _SAFELY)
    except OSError:
        return False
    try:
        _try_lock(descriptor)
        _unlock(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
