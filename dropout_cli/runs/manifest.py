"""`MANIFEST.sha256`: digests of the files in a folder, as `sha256sum` has them.

The last line is a comment with the digest of all lines above it, so that damage to the manifest itself is noticed, too;
`sha256sum -c` skips it. Manifests of older versions have no such line, and do not list `state.json`.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from dropout_cli.runs import safe_read
from dropout_cli.runs.state import STATE

MANIFEST = "MANIFEST.sha256"
MANIFEST_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


SEAL = "# SHA-256 of the lines above: "
"""The begin of the last line."""
LOCK_FILE, AFTER = ".lock", "after"


def files_below(folder: Path) -> Iterator[str]:
    """Yield the path of everything below a folder except folders, relative to it and sorted."""
    for path in sorted(folder.rglob("*")):
        # A link to a folder is a link: nothing behind it belongs here.
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()


def covered_files(folder: Path) -> Iterator[str]:
    """Yield the files that the manifest of a run covers: all but lock, manifest and `after/`."""
    for name in files_below(folder):
        # Lock and `after/` change after training has ended; each folder in `after/` has its own manifest.
        if name not in (LOCK_FILE, MANIFEST) and not name.startswith(f"{AFTER}/"):
            yield name


def result_files(folder: Path) -> Iterator[str]:
    """Yield the files that the manifest of a folder in `after/` covers: all but the manifest."""
    return (name for name in files_below(folder) if name != MANIFEST)


def make_manifest(folder: Path, covered: Callable[[Path], Iterator[str]] = covered_files) -> bytes:
    """Return the manifest of the files in a folder.

    Args:
        folder: The folder.
        covered: Returns the names of the files to list.

    Raises:
        UsageError: something in the folder is not a regular file, or cannot be read.
    """
    return format_manifest({name: safe_read.file_digest(folder / name) for name in covered(folder)})


def format_manifest(digests: Mapping[str, str]) -> bytes:
    """Return a manifest.

    Args:
        digests: File name -> SHA-256 in hex.
    """
    lines = "".join(f"{digest}  {name}\n" for name, digest in digests.items()).encode("utf-8", "surrogateescape")
    return lines + f"{SEAL}{hashlib.sha256(lines).hexdigest()}\n".encode()


def is_sealed(data: bytes) -> bool:
    """Return True if a manifest has a last line with its own digest; older ones have none."""
    return SEAL.encode() in data


def parse_manifest(data: bytes) -> dict[str, str]:
    """Read a manifest.

    Returns:
        File name -> SHA-256 in hex.

    Raises:
        ValueError: a line has another form, a name is listed twice, or the manifest does not match its own digest.
    """
    digests: dict[str, str] = {}
    lines, seal, rest = data.partition(SEAL.encode())
    for number, line in enumerate(lines.decode("utf-8", "backslashreplace").splitlines(), start=1):
        match = MANIFEST_LINE.fullmatch(line)
        if match is None or match[2] in digests:
            raise ValueError(f"line {number} is not a digest and a file name, or repeats a file name")
        digests[match[2]] = match[1]
    if seal and rest != f"{hashlib.sha256(lines).hexdigest()}\n".encode():
        raise ValueError("it does not match the checksum in its last line")
    if STATE in digests and not seal:
        raise ValueError("its last line, with its own checksum, is missing")
    return digests
