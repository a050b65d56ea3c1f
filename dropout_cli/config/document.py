"""Parser of YAML text to a tree of values with their positions.

The tree is built from the parser's events in one pass. Only mappings, lists and scalars are constructed. Anything that
would cost time or memory (deep nesting, aliases that multiply) is refused at the first event that makes it costly.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import yaml

from dropout_cli.config.error_collector import ConfigSource, ErrorCollector, Place, shorten
from dropout_cli.config.scalars import ScalarValue, parse_scalar
from dropout_cli.core.errors import ConfigError

MAX_DEPTH = 32
TOO_DEEP_MESSAGE = f"is nested deeper than {MAX_DEPTH} levels"
FEWER = "Use fewer levels."
MAX_ALIASES = 1_000
MAX_NODES = 100_000
"""Limit after aliases are expanded; ten characters of text count as one node."""

# The C parser takes .3 ms for a whole `resolved.yaml`, the Python one 2.4 ms.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Content: TypeAlias = "ScalarValue | list[Node] | dict[str, Node]"


@dataclass(frozen=True)
class Node:
    """A scalar, list or mapping with its position; aliases share the value, not the position."""

    value: Content
    place: Place
    key_place: Place
    """Position of the key that this value belongs to; for a list item its own position."""
    text: str = ""
    """A scalar as written."""
    quoted: bool = False
    """True for a scalar in quotes, which is always text."""
    size: int = 1
    """Number of nodes inside, itself included, with aliases expanded, plus a tenth of the characters of its texts."""
    depth: int = 0
    """Levels of nesting inside."""


class _OpenNode:
    """A list or mapping whose end event has not come yet."""

    def __init__(self, value: "list[Node] | dict[str, Node]", place: Place, anchor: str | None) -> None:
        self.value, self.place, self.anchor = value, place, anchor
        self.size, self.depth = 1, 0
        self.key: Node | None = None

    def closed(self) -> Node:
        """Return the finished node."""
        return Node(self.value, self.place, self.place, size=self.size, depth=self.depth + 1)


def parse_yaml(text: str, source: ConfigSource, errors: ErrorCollector) -> Node | None:
    """Return the single document in `text`; None if it is empty or only comments.

    Args:
        text: the YAML text.
        source: the file or override it comes from.
        errors: collects mistakes that still allow a tree: duplicate keys, keys that are not text, merge keys.

    Raises:
        ConfigError: for text that is not YAML, and for tags, several documents, nesting deeper than 32 levels,
            more than 1,000 aliases or 100,000 nodes.
    """
    tree = _TreeBuilder(source, errors)
    for event in _events(text, source):
        tree.take(event)
    return tree.root


def _events(text: str, source: ConfigSource) -> Iterator[Any]:
    """Yield the parser's events; its exceptions become a ConfigError of one line."""
    tag = re.search("^%TAG", text, re.MULTILINE)
    # Tags are refused in any case, and the parser compares each such line with all before it: quadratic time.
    if tag:
        place = Place(source, text.count("\n", 0, tag.start()) + 1, 1)
        raise ConfigError(str(place), "the directive %TAG is not allowed", "Remove it.")
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(source, mark.line + 1, mark.column + 1) if mark else Place(source, 1, 1)
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        if "maximum nesting depth" in reason:  # newer parsers look ahead, and may stop before our own limit applies
            raise ConfigError(str(place), TOO_DEEP_MESSAGE, FEWER) from None
        tab = "'\\t'" in reason or text[mark.index : mark.index + 1] == "\t" if mark else False
        raise ConfigError(
            str(place), f"is not valid YAML: {reason}", "Indent with spaces, not tabs." if tab else ""
        ) from None
    except yaml.reader.ReaderError as error:
        # The parser counts bytes, a user counts lines and characters.
        before = text.encode()[: error.position].decode(errors="ignore")
        place = Place(source, before.count("\n") + 1, len(before) - before.rfind("\n"))
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise ConfigError(str(place), f"is not valid YAML: the character U+{code:04X} is not allowed") from None


class _TreeBuilder:
    """Builds the tree from events; `root` is the finished document."""

    def __init__(self, source: ConfigSource, mistakes: ErrorCollector) -> None:
        self.root: Node | None = None
        self._source, self._mistakes = source, mistakes
        self._open: list[_OpenNode] = []
        self._anchors: dict[str, Node] = {}
        self._aliases = self._nodes = self._documents = 0

    def take(self, event: Any) -> None:
        """Add one event of the parser."""
        place = Place(self._source, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise ConfigError(str(place), "a second document starts here", "Remove the line '---'.")
        elif isinstance(event, yaml.NodeEvent):
            tag = getattr(event, "tag", None)
            if tag is not None:
                raise ConfigError(str(place), f"the tag '{shorten(tag)}' is not allowed", "Remove it.")
            self._take_node(event, place)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            done = self._open.pop()
            self._attach(done.closed(), done.anchor)

    def _take_node(self, event: Any, place: Place) -> None:
        self._nodes += 1
        if isinstance(event, yaml.AliasEvent):
            self._attach(self._alias(str(event.anchor), place), None)
        elif isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0]
            # Text in quotes stays text, even if it looks like a number.
            value = parse_scalar(event.value) if plain else event.value
            size = 1 + len(event.value) // 10
            self._attach(Node(value, place, place, event.value, quoted=not plain, size=size), event.anchor)
        else:
            if len(self._open) == MAX_DEPTH:
                raise ConfigError(str(place), TOO_DEEP_MESSAGE, FEWER)
            empty: list[Node] | dict[str, Node] = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._open.append(_OpenNode(empty, place, event.anchor))

    def _alias(self, anchor: str, place: Place) -> Node:
        self._aliases += 1
        # Aliases of aliases grow exponentially (the "billion laughs" attack).
        if self._aliases > MAX_ALIASES:
            raise ConfigError(str(place), f"has more than {MAX_ALIASES:,} aliases", "Write some of the values out.")
        # An alias inside its own anchor would repeat without end.
        if any(frame.anchor == anchor for frame in self._open):
            raise ConfigError(str(place), f"the alias *{shorten(anchor)} refers to itself", "Remove it.")
        if anchor not in self._anchors:
            raise ConfigError(
                str(place),
                f"the alias *{shorten(anchor)} has no anchor &{shorten(anchor)} before it",
                "Write the value out.",
            )
        # Messages about the value then name the line of the alias.
        return replace(self._anchors[anchor], place=place, key_place=place)

    def _attach(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        # An alias brings the depth of what it repeats.
        if len(self._open) + node.depth > MAX_DEPTH:
            raise ConfigError(str(node.place), TOO_DEEP_MESSAGE, FEWER)
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        parent.size += node.size
        parent.depth = max(parent.depth, node.depth)
        # `size` counts aliases expanded, `_nodes` what was parsed; either may explode first.
        if max(parent.size, self._nodes) > MAX_NODES:
            fact = f"more than {MAX_NODES:,} values when the aliases are expanded"
            raise ConfigError(str(node.place), fact, "A config is usually one page of text.")
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            self._enter(parent.value, parent.key, node)
            parent.key = None

    def _enter(self, mapping: dict[str, Node], key: Node, node: Node) -> None:
        """Add one key and its value to `mapping`, unless the key is a mistake."""
        name = key.value
        if not isinstance(name, str):
            written = f"'{shorten(key.text)}'" if not isinstance(name, list | dict) else "a list or mapping"
            self._mistakes.add(key.place, "", f"a key must be text, got {written}", "Put it in quotes.")
        # Merge keys are YAML 1.1; `extends` does their work, with places for errors.
        elif name == "<<" and not key.quoted:
            way_out = "Write the keys out, or use 'extends'."
            self._mistakes.add(key.place, "", "merge keys (<<) are not allowed", way_out)
        elif name in mapping:
            first = mapping[name].key_place
            fact = f"the key '{shorten(name)}' is given twice, first in line {first.line}, column {first.column}"
            self._mistakes.add(key.place, "", fact, "Remove one of them.")
        else:
            mapping[name] = replace(node, key_place=key.place)
