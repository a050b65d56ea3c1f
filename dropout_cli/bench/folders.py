"""The folders that commands are measured in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SMALL = ("training.epochs=1", "training.steps_per_epoch=2", "--no-plots", "--quiet")


def finished_run(root: Path, *overrides: str) -> Path:
    """Train the digits for two steps into a run folder under `root`, and return it."""
    command = [sys.executable, "-m", "dropout_cli", "train", "digits", *overrides, *SMALL, "--runs-dir", str(root)]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


def finished_runs(root: Path, count: int) -> None:
    """So many finished runs: one, and links to its files under other names."""
    first = finished_run(root)
    for number in range(1, count):
        shutil.copytree(first, first.with_name(f"{first.name[:-6]}{number:06x}"), copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


def has_mnist() -> bool:
    """Whether MNIST is on this machine."""
    from dropout_cli.data.sources.mnist import Mnist

    return Mnist.find() is not None


def remove(folder: Path) -> None:
    """Delete it, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)
