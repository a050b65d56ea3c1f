"""What a run's bytes may depend on: versions, BLAS, threads, processor."""

import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

PATIENCE = ("OPENBLAS_THREAD_TIMEOUT", "20")
"""Threads of OpenBLAS spin while they wait for work, by default for 2^26 ticks of the clock: longer than a step takes.
After 2^20, a third of a millisecond, they leave the core to other threads and other programs."""

PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "matplotlib", "pydantic", "safetensors", "threadpoolctl")


def describe() -> dict[str, Any]:
    """Versions, linear-algebra libraries, processor; no times, no paths, no host or user name."""
    from threadpoolctl import threadpool_info

    keys = ("internal_api", "version", "architecture", "threading_layer", "num_threads")
    return {
        "dropout": version("dropout-cli"),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": cores(),
        "blas": [{key: pool.get(key) for key in keys} for pool in _blas(threadpool_info())],
    }


VERSIONS = ("dropout", "python", "packages")
"""What of a description is a matter of installation."""


def differences(then: Any, now: dict[str, Any], path: str = "") -> list[str]:
    """A line for each value of a description that is another one now, such as `packages.numpy was 2.3.1, is 2.4.0`."""
    if not isinstance(then, dict):
        return [f"{path or 'the description'} was {then}, is {now}"] if then != now else []
    found = []
    for name in now:
        place = f"{path}.{name}" if path else name
        if isinstance(now[name], dict):
            found += differences(then.get(name), now[name], place)
        elif then.get(name) != now[name]:
            found.append(f"{place} was {then.get(name)}, is {now[name]}")
    return found


def _blas(pools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The linear-algebra libraries among the thread pools, in an order that does not change from run to run."""
    return sorted((pool for pool in pools if pool["user_api"] == "blas"), key=lambda pool: str(pool["version"]))


def cores() -> int:
    """The number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_bytes() -> int | None:
    """Memory that can be had without swapping, or None where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        return None


def peak_bytes() -> int | None:
    """The most resident memory this process has had (VmHWM), or None where the system does not say."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


@cache
def version(package: str) -> str | None:
    """That is installed; None where it is not. Nothing is imported."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def install_command(extra: str) -> str:
    """Return the command that installs an extra from a checkout, since the package is on no index yet."""
    return f"pip install '.[{extra}]'"


@cache
def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()
