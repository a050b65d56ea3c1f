"""`MANIFEST.sha256`: what training wrote, as `sha256sum` lists it."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

MANIFEST = "MANIFEST.sha256"
LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def covered(folder: Path) -> Iterator[str]:
    """The names of the files that a manifest speaks of: all but state, lock, itself and what came after."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_dir() and name not in ("state.json", ".lock", MANIFEST) and not name.startswith("after/"):
            yield name


def of(folder: Path) -> bytes:
    """The manifest of the files that are in the folder."""
    lines = []
    for name in covered(folder):
        with (folder / name).open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    return "".join(lines).encode()


def parse(data: bytes) -> dict[str, str]:
    """Name -> digest in hex. Raises ValueError for a line of another form, or a name that stands twice."""
    found: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8", "backslashreplace").splitlines(), start=1):
        match = LINE.fullmatch(line)
        if match is None or match[2] in found:
            raise ValueError(f"line {number} is not a digest and the name of a file, or names one again")
        found[match[2]] = match[1]
    return found
