"""A lock that is held exactly as long as a process works on a folder; it goes when the process goes."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_SAFELY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
"""A pipe of that name does not make us wait for its other end, and a link does not lead us elsewhere."""


class Busy(Exception):
    """Another process holds the lock."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, creating it, for as long as the block lasts. Raises Busy or OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _SAFELY, 0o666)
    try:
        for attempt in range(3):
            try:
                _try_lock(descriptor)
                break
            except (BlockingIOError, PermissionError) as error:
                if attempt == 2:
                    raise Busy(str(path)) from error
                time.sleep(0.02)  # `is_held` of some reader may have had it for a moment
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether some process holds the lock file at `path`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _SAFELY)
    except OSError:
        return False
    try:
        _try_lock(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
