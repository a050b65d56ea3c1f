"""`MANIFEST.sha256`: digests of the files that training wrote, as `sha256sum` has them."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

MANIFEST = "MANIFEST.sha256"
MANIFEST_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def covered_files(folder: Path) -> Iterator[str]:
    """Yield the files of a manifest: all but state, lock, the manifest and `after/`."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        # State, lock and `after/` change after training has ended.
        if not path.is_dir() and name not in ("state.json", ".lock", MANIFEST) and not name.startswith("after/"):
            yield name


def make_manifest(folder: Path) -> bytes:
    """Return the manifest of the files in the folder."""
    lines = []
    for name in covered_files(folder):
        with (folder / name).open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    return "".join(lines).encode()


def parse_manifest(data: bytes) -> dict[str, str]:
    """Read a manifest.

    Returns:
        File name -> SHA-256 in hex.

    Raises:
        ValueError: a line has another form, or a name is listed twice.
    """
    digests: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8", "backslashreplace").splitlines(), start=1):
        match = MANIFEST_LINE.fullmatch(line)
        if match is None or match[2] in digests:
            raise ValueError(f"line {number} is not a digest and a file name, or repeats a file name")
        digests[match[2]] = match[1]
    return digests
