"""Folders for benchmarks of commands."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

TWO_STEPS = ("training.epochs=1", "training.steps_per_epoch=2", "--no-plots", "--quiet")


def create_finished_run(root: Path, *overrides: str) -> Path:
    """Train on the digits for two steps, and return the run folder.

    Args:
        root: The folder that gets the run folder.
        *overrides: Config values of the form KEY=VALUE.
    """
    command = [sys.executable, "-m", "dropout_cli", "train", "digits", *overrides, *TWO_STEPS, "--runs-dir", str(root)]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


def create_finished_runs(root: Path, count: int) -> None:
    """Create finished runs in a folder: one that is trained, and hard-linked copies.

    Args:
        root: The folder that gets the run folders.
        count: Number of runs, at least 1.
    """
    # A real run, so that the list reads real files; links make a thousand of them in a moment.
    first = create_finished_run(root)
    for number in range(1, count):
        shutil.copytree(first, first.with_name(f"{first.name[:-6]}{number:06x}"), copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # the file system has no hard links
        shutil.copyfile(source, target)


def has_mnist() -> bool:
    """Return True if MNIST is on this machine."""
    from dropout_cli.data.sources.mnist import Mnist

    return Mnist.find_files() is not None


def remove_folder(folder: Path) -> None:
    """Delete a folder, if it exists."""
    shutil.rmtree(folder, ignore_errors=True)
