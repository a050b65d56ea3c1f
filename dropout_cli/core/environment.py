"""Environment that a run's bytes may depend on: versions, BLAS, threads, processor."""

import os
import platform
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from dropout_cli.core.text import counted

# Waiting threads of OpenBLAS spin, by default for 2^26 clock ticks, which is longer than a training step takes. After
# 2^20 ticks, a third of a millisecond, they leave the core to other threads and programs.
OPENBLAS_TIMEOUT = ("OPENBLAS_THREAD_TIMEOUT", "20")

PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "matplotlib", "pydantic", "safetensors", "threadpoolctl")


def describe_environment() -> dict[str, Any]:
    """Describe the versions, the linear-algebra libraries and the processor.

    The description is written to `environment.json`. It has no times, paths, host names or user names.
    """
    from threadpoolctl import threadpool_info

    keys = ("internal_api", "version", "architecture", "threading_layer", "num_threads")
    return {
        "dropout": installed_version("dropout-cli"),
        "python": platform.python_version(),
        "packages": {name: installed_version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": available_cores(),
        "blas": [{key: pool.get(key) for key in keys} for pool in _blas(threadpool_info())],
    }


INSTALLATION_KEYS = ("dropout", "python", "packages")
"""Keys of the description that depend on the installation and not on the machine."""


def environment_differences(then: Any, now: dict[str, Any], path: str = "") -> list[str]:
    """Return one line per value that differs, such as `packages.numpy was 2.3.1 and is now 2.4.0`.

    Args:
        then: The stored description; anything but a dict gives one line for the whole.
        now: The current description. Keys that are only in `then` are ignored.
        path: Dotted prefix of the keys, used in the recursion.
    """
    if not isinstance(then, dict):
        return [f"{path or 'the description'} was {then} and is now {now}"] if then != now else []
    lines = []
    for name in now:
        place = f"{path}.{name}" if path else name
        if isinstance(now[name], dict):
            lines += environment_differences(then.get(name), now[name], place)
        elif then.get(name) != now[name]:
            lines.append(f"{place} was {then.get(name)} and is now {now[name]}")
    return lines


def _blas(pools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the BLAS libraries among the thread pools, always in the same order."""
    return sorted((pool for pool in pools if pool["user_api"] == "blas"), key=lambda pool: str(pool["version"]))


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # in a container or under `taskset` fewer than os.cpu_count()
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


BUSY = 1.25
"""The load per core from which other programs clearly slow down a sweep."""


def load_message(load: float | None, cores: int) -> str | None:
    """Return a message if other programs use the computer; None if it is free or the load is unknown.

    Args:
        load: The mean number of processes that wanted to run in the last minute.
        cores: The number of cores of the computer.
    """
    if load is None or load < BUSY * cores:
        return None
    return (
        f"Other programs use this computer (load {load:.0f} on {counted(cores, 'core')}). The sweep will take longer."
    )


def load_average() -> float | None:
    """Return the load of the last minute; None if the system does not report it."""
    if sys.platform == "win32":  # it has none
        return None
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def available_bytes() -> int | None:
    """Return the memory available without swapping; None if the system does not report it."""
    if sys.platform == "win32":
        return None
    with suppress(OSError):  # macOS has no /proc
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def peak_bytes() -> int | None:
    """Return the peak resident memory of this process; None if the system does not report it."""
    if sys.platform == "win32":
        return None
    with suppress(OSError):  # macOS has no /proc
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, other systems kilobytes


@cache
def installed_version(package: str) -> str | None:
    """Return the installed version of a package; None if it is not installed.

    The package is not imported.
    """
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def install_command(extra: str) -> str:
    """Return the command that installs an extra, in backquotes, and the folder to use it in."""
    # The package is not on a package index yet.
    return f"`pip install '.[{extra}]'` in the source folder"


@cache
def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()
