"""Docstrings of this package as reStructuredText, which Sphinx expects in them."""

import re
from typing import Any

from docutils.nodes import Element
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import dropout_cli.variants

UNLISTED = [("py:.*", r"(?!dropout_cli\b).*"), ("py:.*", r"dropout_cli\.(?!variants\.\w+$|estimators\.\w+$).*")]
"""Names without an entry on this site: types of other packages, and names that are not public."""
_CODE = re.compile(r"(`[^`]+`)")
_SPECIAL = re.compile(r"(?<!\\)([*|]|(?<=\w)_(?!\w))")


def make_restructured_text(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Keep `*`, `|` and a final `_` as characters; in reStructuredText they are marks.

    Args:
        app: Sphinx.
        what: The kind of the object.
        name: Its name.
        value: The object.
        options: Options of the directive.
        lines: The docstring, which this changes.
    """
    for place, line in enumerate(lines):
        parts = _CODE.split(line)
        parts[::2] = [_SPECIAL.sub(r"\\\1", part) for part in parts[::2]]
        lines[place] = "".join(parts)


def resolve_public_name(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: Element) -> Element | None:
    """Return a link to the entry of a class of `dropout_cli.variants`, for the name of the module that defines it.

    Args:
        app: Sphinx.
        env: The environment of the build.
        node: The reference that has no target.
        text: What the link shows.
    """
    module, _, name = str(node.get("reftarget", "")).rpartition(".")
    if not module.startswith("dropout_cli.") or name not in dropout_cli.variants.__all__:
        return None
    target = f"dropout_cli.variants.{name}"
    return env.get_domain("py").resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, text)
