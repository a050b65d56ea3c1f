"""A copy of the package in a folder, to which a test adds files."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]


def copy_checkout(folder: Path, files: Iterable[str]) -> None:
    """Copy the package, its configs and these other files of the repository.

    Args:
        folder: Where to; it exists.
        files: Paths from the root of the repository.
    """
    for name in ("dropout_cli", "configs"):  # compiled files too, which saves time
        shutil.copytree(ROOT / name, folder / name)
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)


def run_python(folder: Path, *arguments: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
    """Run `python -m` in the copy, whether the package is installed or not.

    Args:
        folder: The root of the copy.
        arguments: The words after `python -m`.
        code: The exit code that is expected.
    """
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done
