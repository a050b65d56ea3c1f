"""Folders of runs and of results: new ones get unique names, replacing one is atomic."""

import re
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from dropout_cli.runs import atomic_io, manifest
from dropout_cli.runs.manifest import MANIFEST


def make_run_folder(root: Path, label: str) -> Path:
    """Make a folder named by the UTC time, a label and six random hex digits.

    Args:
        root: The folder of all runs; made if it does not exist.
        label: Any text; characters other than letters, digits and `._+-` become underscores.

    Raises:
        RunFailed: the folder cannot be made.
    """
    label = re.sub(r"[^A-Za-z0-9._+-]+", "_", label).strip("._") or "run"
    with atomic_io.os_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        while True:
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            path = root / f"{stamp}_{label[:120]}_{secrets.token_hex(3)}"
            try:
                path.mkdir()
            except FileExistsError:  # another process drew the same digits: draw again
                continue
            return path


def replace_folder(final: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder with its manifest, replacing an older folder.

    Args:
        final: The folder.
        files: File name -> bytes.

    Raises:
        RunFailed: the folder cannot be written; the older folder stays.
    """
    beside = final.with_name(f".{final.name}.{secrets.token_hex(4)}{atomic_io.PARTIAL_SUFFIX}")
    try:
        with atomic_io.os_errors(beside):
            beside.mkdir(parents=True)
        for file, data in files.items():
            atomic_io.write_atomic(beside / file, data)
        atomic_io.write_atomic(beside / MANIFEST, manifest.make_manifest(beside))
        with atomic_io.os_errors(final):
            _exchange(beside, final)
    finally:
        _remove(beside)


def _exchange(new: Path, final: Path) -> None:
    """Move `new` to `final`, deleting an older folder there, which is restored on failure."""
    # No portable system call exchanges two folders; between the two moves neither is in place.
    old = new.with_suffix(".old")
    if final.exists():
        final.replace(old)
    try:
        new.replace(final)
    except OSError:
        if old.exists():
            old.replace(final)
        raise
    _remove(old)


def _remove(folder: Path) -> None:
    if folder.exists():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
