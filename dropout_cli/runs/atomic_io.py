"""The only way in which a file gets into a run folder: whole, or not at all."""

import errno
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from dropout_cli.core.errors import RunFailed

PARTIAL = ".partial"
"""How the names of files end that are being written; what a kill left of them can be deleted."""


LONGEST_PUT_OFF = 5.0
"""Seconds; see `together`."""


def write(path: Path, data: bytes | bytearray, *, former: Path | None = None) -> None:
    """Put `data` at `path`, whole or not at all; `former` is where what stood there goes. Raises RunFailed."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    with faults(path):
        try:
            with beside.open("xb") as file:
                file.write(data)
                file.flush()
                if _put_off.get() is None:
                    os.fsync(file.fileno())
            if former is not None and path.exists():
                path.replace(former)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        _sync(path)


_put_off: ContextVar["_PutOff | None"] = ContextVar("put_off", default=None)


class _PutOff:
    """Files that were written and not yet synced."""

    def __init__(self) -> None:
        self.paths: dict[Path, None] = {}
        self.since = 0.0

    def add(self, path: Path) -> None:
        if not self.paths:
            self.since = time.monotonic()
        self.paths[path] = None
        if time.monotonic() - self.since >= LONGEST_PUT_OFF:
            self.sync()

    def sync(self) -> None:
        for path in self.paths:
            with suppress(FileNotFoundError), path.open("rb") as file:
                os.fsync(file.fileno())
        for folder in {path.parent for path in self.paths}:
            _sync_folder(folder)
        self.paths.clear()


@contextmanager
def together() -> Iterator[None]:
    """Sync what is written in the block at its end, or when the first of it is five seconds old.

    A process that is killed loses nothing by it; when the power fails, files of the last seconds may be torn.
    """
    waiting = _PutOff()
    token = _put_off.set(waiting)
    try:
        yield
    finally:
        _put_off.reset(token)
        waiting.sync()


def _sync(path: Path) -> None:
    """Make sure of a file that has just been moved to its place, now or together with others."""
    waiting = _put_off.get()
    if waiting is None:
        _sync_folder(path.parent)
    else:
        waiting.add(path)


def append(path: Path, line: str) -> None:
    """Add a line to a log. Raises RunFailed."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)  # else a pipe of that name hangs us
    with faults(path), os.fdopen(os.open(path, flags, 0o666), "ab") as file:
        file.write(f"{line}\n".encode("utf-8", "backslashreplace"))


def remove(path: Path) -> None:
    """Delete a file, if it is there. Raises RunFailed."""
    with faults(path):
        path.unlink(missing_ok=True)
        _sync_folder(path.parent)


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """What the system refuses becomes a RunFailed that names `path`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        way_out = "Free some space there." if full else "Choose another folder, or mend its permissions."
        raise RunFailed(str(path), f"cannot be written ({reason})", way_out) from error


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # what file systems say that cannot sync a folder
            raise
    finally:
        os.close(descriptor)


def as_json(value: Any) -> bytes:
    """Readable JSON, with a newline at the end; NaN and infinity are refused."""
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()
