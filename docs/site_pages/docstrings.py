"""Docstrings of this package as reStructuredText, which Sphinx expects in them."""

import inspect
import re
from typing import Any

from docutils import nodes
from docutils.nodes import Element
from sphinx.addnodes import desc_annotation, pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import dropout_cli.variants

UNLISTED = [("py:.*", r"(?!dropout_cli\b).*"), ("py:.*", r"dropout_cli\.(?!variants\.\w+$|estimators\.\w+$).*")]
"""Names without an entry on this site: types of other packages, and names that are not public."""
BOUNDS = ("Annotated[", "Hint(", "Ge(", "Gt(", "Choice(")
"""Parts of the types of keys. The pages of keys show the bounds in words."""
ARRAY = ("~numpy.ndarray[tuple[~typing.Any, ...], ~numpy.dtype[~typing.Any]]", "Array")
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
    if what in ("attribute", "data", "property"):
        # After an empty comment, napoleon does not take words before a colon for a type.
        lines[:0] = ["..", ""]


def shorten_signature(
    app: Sphinx, what: str, name: str, value: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Return a signature with short types; with bounds of keys as types, names and defaults only.

    Args:
        app: Sphinx.
        what: The kind of the object.
        name: Its name.
        value: The object.
        options: Options of the directive.
        signature: Its parameters.
        returns: The type of its result.
    """
    if signature and any(mark in signature for mark in BOUNDS):
        known = inspect.signature(value)
        plain = [one.replace(annotation=one.empty) for one in known.parameters.values() if one.name != "self"]
        signature = str(known.replace(parameters=plain, return_annotation=known.empty))
    return signature and signature.replace(*ARRAY), returns and returns.replace(*ARRAY)


def tidy(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Write a colon between a parameter and its meaning, not two hyphens, and leave out bounds of keys.

    Args:
        app: Sphinx.
        doctree: The page, which this changes.
        page: Its name.
    """
    for text in list(doctree.findall(nodes.Text)):
        if text.astext() == " -- ":
            text.parent.replace(text, nodes.Text(": "))
    for annotation in list(doctree.findall(desc_annotation)):
        if any(mark in annotation.astext() for mark in BOUNDS):
            annotation.parent.remove(annotation)


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
