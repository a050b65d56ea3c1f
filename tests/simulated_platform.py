"""A process that behaves like Windows or macOS where that can be simulated on Linux.

`simulated(folder, platform)` gives the environment variables of such processes; Python loads `sitecustomize` first.

- Modules and names that only POSIX has cannot be imported or used (Windows), and nothing can be read below `/proc`.
- The code of the package sees another `sys.platform` and `os.name`; other packages and Python see those of Linux.
- Processes start with the method `spawn`.
- On Windows, the system refuses what Windows refuses: deleting or moving an open file, opening a folder, moving to an
  existing folder, and names with reserved characters or of devices.

Not simulated: paths with backslashes and drives, line ends and encodings of the console, and other file systems.
"""

import contextlib
import errno
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
VARIABLE = "SIMULATED_PLATFORM"
POSIX_MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "crypt", "nis", "spwd")
# Without those that other packages use on Linux: os.uname (NumPy) and os.statvfs (Python's shutil).
POSIX_NAMES = {
    "os": (
        *("fork", "forkpty", "killpg", "getuid", "geteuid", "getgid", "getegid", "getpgid", "getpgrp", "setsid"),
        *("setpgid", "setuid", "getsid", "wait3", "wait4", "nice", "getpriority", "sysconf", "getloadavg"),
        *("sched_getaffinity", "sched_setaffinity", "chown", "fchown", "lchown", "fchdir", "mkfifo", "mknod"),
        *("pread", "pwrite", "posix_fadvise", "posix_spawn", "sendfile", "openpty", "ttyname"),
        *("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_SYNC", "O_DSYNC", "O_NOCTTY"),
    ),
    "signal": (
        *("SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGPIPE", "SIGCHLD", "SIGQUIT", "SIGTSTP", "SIGCONT"),
        *("alarm", "setitimer", "pause", "pthread_kill", "pthread_sigmask", "sigwait", "siginterrupt"),
    ),
}
PRELOADED = (
    *("subprocess", "shutil", "tempfile", "platform", "asyncio", "pathlib", "getpass", "webbrowser"),
    *("multiprocessing.popen_spawn_posix", "multiprocessing.resource_tracker", "multiprocessing.synchronize"),
    *("multiprocessing.connection", "multiprocessing.reduction"),
)
"""Modules of Python that keep the POSIX-only names which they use."""
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{name}{digit}" for name in ("COM", "LPT") for digit in range(1, 10))}


def simulated(folder: Path, platform: str) -> dict[str, str]:
    """Return the environment variables of processes that simulate a platform.

    Args:
        folder: A folder for the file that Python loads at its start.
        platform: A value of `sys.platform`: `win32` or `darwin`.
    """
    folder.mkdir()
    text = "from tests import simulated_platform\nsimulated_platform.install()\n"
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    paths = [str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths)), VARIABLE: platform}


def is_valid_on_windows(name: str) -> bool:
    """Return True if a file can have the name on Windows."""
    stem = name.split(".")[0].rstrip().upper()
    return stem not in DEVICES and not name.endswith((".", " ")) and not any(c in '<>:"|?*\\' or c < " " for c in name)


def install() -> None:
    """Let this process behave like the platform of the environment variable."""
    platform = os.environ[VARIABLE]
    for name in PRELOADED:
        importlib.import_module(name)
    _spawn_processes()
    if platform == "win32":
        _remove_posix()
    else:
        for name in ("sched_getaffinity", "sched_setaffinity"):
            delattr(os, name)
    sys.meta_path.insert(0, _Finder(platform))
    sys.addaudithook(_Refusals(on_windows=platform == "win32"))


def _spawn_processes() -> None:
    import multiprocessing
    from multiprocessing import reduction

    vars(reduction)["HAVE_SEND_HANDLE"] = False  # the fork server needs it
    multiprocessing.set_start_method("spawn")


def _remove_posix() -> None:
    import fcntl
    import shutil
    import tempfile
    from multiprocessing import resource_tracker

    sys.modules["msvcrt"] = _msvcrt(fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_UN)
    vars(shutil)["_use_fd_functions"] = False
    vars(tempfile)["TemporaryFile"] = tempfile.NamedTemporaryFile  # as Python has it on Windows
    vars(resource_tracker)["_HAVE_SIGMASK"] = False
    for name in POSIX_MODULES:
        vars(sys)["modules"][name] = None  # importing it is an ImportError
    for module in (os, signal):
        for name in POSIX_NAMES[module.__name__]:
            vars(module).pop(name, None)


def _msvcrt(flock: Any, lock: int, unlock: int) -> types.ModuleType:
    """Return the module for file locks of Windows, over those of Linux."""
    module = types.ModuleType("msvcrt")

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert count == 1 and os.lseek(descriptor, 0, os.SEEK_CUR) > os.fstat(descriptor).st_size
        try:
            flock(descriptor, lock if mode else unlock)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None

    vars(module).update(locking=locking, LK_NBLCK=2, LK_UNLCK=0)
    return module


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module of the package, in which the names of the platform are replaced."""

    def __init__(self, name: str, path: str, platform: str) -> None:
        super().__init__(name, path)
        self._platform = platform

    def path_stats(self, path: str) -> Any:
        raise OSError("compiled code is of the other platform")

    def get_data(self, path: str) -> bytes:
        data = super().get_data(path)
        if not path.endswith(".py"):
            return data
        os_name = "nt" if self._platform == "win32" else "posix"
        text = data.decode().replace("sys.platform", f'"{self._platform}"').replace("os.name", f'"{os_name}"')
        return text.encode()


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of the package."""

    def __init__(self, platform: str) -> None:
        self._platform = platform

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> Any:
        if name.split(".")[0] != "dropout_cli":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            return spec
        loader = _Loader(name, spec.origin, self._platform)
        places = spec.submodule_search_locations
        return importlib.util.spec_from_file_location(
            name, spec.origin, loader=loader, submodule_search_locations=places
        )


class _Refusals:
    """An audit hook that refuses what the system would refuse."""

    def __init__(self, on_windows: bool) -> None:
        self._on_windows = on_windows
        self._busy = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._busy or event not in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"):
            return
        self._busy = True
        try:
            self._check(event, arguments)
        finally:
            self._busy = False

    def _check(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not isinstance(arguments[0], str | bytes | os.PathLike):
            return  # a descriptor
        path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100 - as it is
        if event == "open":
            if path.startswith("/proc/") and path != "/proc/self/maps":  # threadpoolctl reads that one on Linux
                raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
            is_writing = bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) if arguments[2] else False
            if self._on_windows and arguments[1] is None and os.path.isdir(path):  # noqa: PTH112
                raise PermissionError(errno.EACCES, "Permission denied", path)
            if is_writing and path != os.devnull:
                self._check_name(path)
            return
        target = os.path.abspath(os.fsdecode(arguments[1])) if event == "os.rename" else path  # noqa: PTH100
        self._check_name(target)
        if not self._on_windows:
            return
        if event != "os.mkdir":
            for one in _open_files():
                if one == path or one.startswith(f"{path}/"):
                    raise PermissionError(errno.EACCES, "it is used by another process", path)
        if event == "os.rename" and os.path.isdir(target):  # noqa: PTH112
            raise PermissionError(errno.EACCES, "Access is denied", target)

    def _check_name(self, path: str) -> None:
        if self._on_windows and not all(is_valid_on_windows(part) for part in path.strip("/").split("/")):
            raise OSError(errno.EINVAL, "Invalid argument", path)


def _open_files() -> Iterator[str]:
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with contextlib.suppress(OSError):
            yield os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115
