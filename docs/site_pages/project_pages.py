"""Pages about the project: files of the top level, shown on the site with links that work there."""

import re
from collections.abc import Mapping
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
_DOCS_LINK = re.compile(r"\]\(docs/")
_LINK_UP = re.compile(r"\]\((?:\.\./)+(README|CHANGELOG|CONTRIBUTING)\.md")


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


def link_to_pages(app: Sphinx, page: str, source: list[str]) -> None:
    """Point links to files of the top level to their pages on the site.

    Args:
        app: Sphinx.
        page: The name of the page.
        source: Its text, which this changes.
    """
    source[0] = _LINK_UP.sub(lambda link: f"](/{_page_of(link[1])}.md", source[0])


def _page_of(name: str) -> str:
    return "index" if name == "README" else f"project/{name.lower()}"
