"""Write a folder of generated files. A file that already has the right content keeps its time."""

from collections.abc import Mapping
from pathlib import Path


def replace_folder(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Make these the only files of a folder; folders in it stay.

    Sphinx reads a page again only if its time is new, so unchanged files are not written.

    Args:
        folder: The folder.
        files: Name -> content.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file() and path.name not in files:
            path.unlink()
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        path = folder / name
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
