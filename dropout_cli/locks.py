"""A lock that is held exactly as long as a process works on a folder; it goes when the process goes."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Busy(OSError):
    """Another process holds the lock."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, creating it, for as long as the block lasts. Raises Busy."""
    with path.open("ab") as file:
        for attempt in range(3):
            try:
                _try_lock(file)
                break
            except OSError as error:
                if attempt == 2:
                    raise Busy(str(path)) from error
                time.sleep(0.02)  # `is_held` of some reader may have had it for a moment
        yield


def is_held(path: Path) -> bool:
    """Whether some process holds the lock file at `path`."""
    try:
        with path.open("rb") as file:
            _try_lock(file)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
