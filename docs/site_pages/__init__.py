"""Pages of the documentation site that are written from the code at each build, so that they cannot be outdated.

variants/NAME.md             equations, an example, keys, traps and paper of each variant
reference/NAME.md            the keys of a config, and each registry
reference/commands/NAME.md   the arguments and options of each command
reference/python/NAME.md     the names of the Python API, whose docstrings Sphinx reads
project/NAME.md              the changelog and the guide for contributors

Git ignores these files.
"""

from pathlib import Path

from site_pages import api_pages, command_pages, key_pages, project_pages, variant_pages
from site_pages.files import replace_folder

FOLDERS = {
    "variants": variant_pages.pages,
    "reference": key_pages.pages,
    "reference/commands": command_pages.pages,
    "reference/python": api_pages.pages,
    "project": project_pages.pages,
}
"""Folder below `docs/` -> the function that returns its files."""


def write_pages(docs: Path) -> None:
    """Write the pages of all folders.

    Args:
        docs: The folder of the site's sources.
    """
    for folder, pages in FOLDERS.items():
        replace_folder(docs / folder, pages())
