"""Standard streams that are closed, full or broken."""

import errno
import os
import sys
from contextlib import suppress

from dropout_cli.core.errors import Problem

STREAMS = (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY))
"""Name, mode and flags. A closed stdout is opened for reading, so that writing a result is an error."""
WAYS_OUT = {
    errno.ENOSPC: "Free some space there.",
    errno.EDQUOT: "Free some space there.",
    errno.EMFILE: "Allow more open files, for example with `ulimit -n 1024`.",
    errno.ENOMEM: "Allow more memory, or make the layers, the batches or the data smaller.",
}


def open_closed_streams() -> None:
    """Open the null device in the place of standard streams that the parent process closed.

    Without this, Python has None for such a stream, and the next file that is opened gets its number: what C libraries
    write to stderr would then end up in that file.
    """
    for number, (name, mode, flags) in enumerate(STREAMS):
        if getattr(sys, name) is not None:
            continue
        try:
            os.fstat(number)
        except OSError:
            descriptor = os.open(os.devnull, flags)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
        setattr(sys, name, os.fdopen(number, mode, closefd=False, encoding="utf-8", errors="backslashreplace"))


def flush_or_discard() -> bool:
    """Write what is left in the buffers of stdout and stderr; return False if stdout does not take it.

    Python would write the buffers once more at its end, and print a traceback.
    """
    delivered = True
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            delivered = delivered and stream is not sys.stdout
            discard(stream.fileno())
    return delivered


def discard(descriptor: int) -> None:
    """Let all further output to a descriptor go to the null device."""
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)


def describe_system_error(error: OSError) -> str:
    """Return an error of the operating system that no other code expected, as one line."""
    reason, way_out = error.strerror or str(error), WAYS_OUT.get(error.errno or 0, "")
    if isinstance(error.filename, str | bytes | os.PathLike):
        return str(Problem(os.fsdecode(error.filename), f"cannot be used ({reason})", way_out))
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN):
        return str(Problem("system", reason, way_out))
    return str(output_problem(error))


def describe_import_error(error: ImportError) -> str:
    """Return an error in loading a library as one line.

    The loader of the system reports too little memory, and too many open files, as an ImportError.
    """
    reason = " ".join(str(error).split())[:300]
    fact = f"a library cannot be loaded ({reason})"
    return str(Problem("system", fact, "Allow more memory and open files (see `ulimit -a`), or install it again."))


def output_problem(error: OSError) -> Problem:
    """Return an error in writing to stdout or stderr."""
    reason = "it is closed" if error.errno == errno.EBADF else error.strerror or str(error)
    return Problem("output", f"cannot be written ({reason})", WAYS_OUT.get(error.errno or 0, ""))
