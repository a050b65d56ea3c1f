"""Folders of runs and of results: new ones get unique names, replacing one is atomic."""

import ctypes
import glob
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from dropout_cli.core import locks
from dropout_cli.runs import atomic_io, manifest
from dropout_cli.runs.manifest import MANIFEST

OLD_SUFFIX = ".old"
"""Suffix of a folder that is being replaced, on systems that cannot exchange two folders in one step."""


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


def update_folder(final: Path, make_files: Callable[[], Mapping[str, bytes]], *, owner: Path) -> None:
    """Write a folder as `replace_folder` does, while no other process updates a folder of the same owner.

    Args:
        final: The folder.
        make_files: Returns file name -> bytes. It may read the older folder.
        owner: The folder that is locked meanwhile, such as that of the run.

    Raises:
        RunFailed: the folder cannot be written; the older folder stays.
    """
    with ExitStack() as stack:
        with atomic_io.os_errors(owner):
            stack.enter_context(locks.locked_folder(owner))
        _restore(final)
        replace_folder(final, make_files())


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
        atomic_io.write_atomic(beside / MANIFEST, manifest.make_manifest(beside, manifest.result_files))
        with atomic_io.os_errors(final):
            _exchange(beside, final)
    finally:
        with atomic_io.os_errors(beside):
            _remove(beside)


def _restore(final: Path) -> None:
    """Remove leftovers of killed writers beside a folder, and move it back if one moved it away."""
    pattern = f".{glob.escape(final.name)}.{'[0-9a-f]' * 8}"
    # A leftover is in nobody's way, so that one that cannot be removed is no error. A link is none: we made folders.
    with suppress(OSError):
        for old in final.parent.glob(f"{pattern}{OLD_SUFFIX}"):
            if not final.exists() and not old.is_symlink():
                old.replace(final)
        for leftover in final.parent.glob(f"{pattern}.*"):
            if leftover.suffix in (OLD_SUFFIX, atomic_io.PARTIAL_SUFFIX) and not leftover.is_symlink():
                _remove(leftover)


def _exchange(new: Path, final: Path) -> None:
    """Move `new` to `final`; delete an older folder there, or restore it on failure."""
    if _swap(new, final):  # `new` is now the older folder, which the caller deletes
        return
    # Between the two moves neither folder is in place; `_restore` repairs that after a kill.
    old = new.with_suffix(OLD_SUFFIX)
    if final.exists():
        final.replace(old)
    try:
        new.replace(final)
    except OSError:
        if old.exists():
            old.replace(final)
        raise
    _remove(old)


def _swap(one: Path, other: Path) -> bool:
    """Exchange two paths in one step; return False if one is missing, or the system has no such call."""
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of the Linux headers
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def _remove(folder: Path) -> None:
    """Delete a folder, or what another program put in its place; nothing behind a link is deleted."""
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)
