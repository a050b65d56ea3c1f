"""Pages about the project: files of the top level, shown on the site with links that work there."""

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
_DOCS_LINK = re.compile(r"\]\(docs/")


def pages() -> Mapping[str, str | bytes]:
    """Return the changelog and the guide for contributors."""
    return {
        f"{name.lower()}.md": on_site((ROOT / f"{name}.md").read_text("utf-8"))
        for name in ("CHANGELOG", "CONTRIBUTING")
    }


def on_site(text: str) -> str:
    """Return a page of the top level with links that are right in the folder `docs/project/`.

    Args:
        text: The page; its links are relative to the top level.
    """
    return _DOCS_LINK.sub("](../", text)
