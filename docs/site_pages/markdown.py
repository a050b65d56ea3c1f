"""Markdown from docstrings, values and tables."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

_CODE = re.compile(r"(`[^`]+`)")
_SPECIAL = re.compile(r"([\\*_<>\[\]&#~$])")
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def escaped(text: str) -> str:
    """Return plain text as Markdown on one line; only `code` keeps its meaning.

    Args:
        text: Lines of a docstring.
    """
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if place % 2 else _SPECIAL.sub(r"\\\1", part) for place, part in enumerate(parts))


def with_links(markdown: str) -> str:
    """Return the text with a link for each arXiv identifier.

    Args:
        markdown: Text that is escaped.
    """
    return _ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", markdown)


def from_docstring(text: str) -> str:
    """Return a docstring as Markdown: paragraphs, lists, and indented blocks as they stand.

    Args:
        text: The docstring, without common indentation.
    """
    return "\n\n".join(_block(paragraph) for paragraph in re.split(r"\n\s*\n", text.strip("\n")))


def _block(paragraph: str) -> str:
    if paragraph.startswith("    "):
        return fence("text", "\n".join(line.removeprefix("    ") for line in paragraph.splitlines()))
    lead, *items = re.split(r"^- ", paragraph, flags=re.MULTILINE)
    return "\n".join([*filter(None, [escaped(lead)]), *(f"- {escaped(item)}" for item in items)])


def fence(language: str, text: str) -> str:
    """Return a block of code.

    Args:
        language: The language, for colors.
        text: Its lines.
    """
    return f"```{language}\n{text.rstrip()}\n```"


def code(text: str) -> str:
    """Return a piece of code within a line; nothing for an empty text."""
    return f"`{text}`" if text else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table.

    Args:
        head: The titles of the columns.
        rows: Cells in Markdown.
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def yaml_value(value: Any) -> str:
    """Return a value as it is written in YAML on one line."""
    return value if isinstance(value, str) else json.dumps(value)


def page(title: str, *parts: str) -> str:
    """Return a page.

    Args:
        title: Its heading, in Markdown.
        parts: Its parts; empty ones are left out.
    """
    return "\n\n".join([f"# {title}", *filter(None, parts)]) + "\n"


def contents(names: Iterable[str], *, depth: int = 1) -> str:
    """Return a hidden table of contents, which puts the pages into the menu.

    Args:
        names: Names of the pages, relative to this page.
        depth: How many levels of headings to show.
    """
    return "\n".join(["```{toctree}", ":hidden:", f":maxdepth: {depth}", "", *names, "```"])
