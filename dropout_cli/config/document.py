"""YAML text -> a tree of values that know their place.

The tree is built from the parser's events in one pass. Nothing is constructed beyond mappings, lists
and scalars, and what would cost time or memory (deep nesting, aliases that multiply) is refused at the
event that would make it costly, not afterwards.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import yaml

from dropout_cli.config.place import Mistakes, Place, Source, shorten
from dropout_cli.config.scalars import Value, scalar
from dropout_cli.core.errors import ConfigError

MOST_DEPTH = 32
TOO_DEEP = f"nested deeper than {MOST_DEPTH} levels"
MOST_ALIASES = 1_000
MOST_NODES = 100_000
"""Counted after aliases are expanded; ten characters of text count as one."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Content: TypeAlias = "Value | list[Node] | dict[str, Node]"


@dataclass(frozen=True)
class Node:
    """A scalar, a list or a mapping, and where it stands. Aliases share the value, not the place."""

    value: Content
    place: Place
    key: Place
    """Where the key stands that this is the value of; `place` itself in a list."""
    text: str = ""
    """A scalar as it is written."""
    quoted: bool = False
    size: int = 1
    """Nodes in it, itself included, aliases expanded, and a tenth of the characters of its texts."""
    depth: int = 0
    """Levels of nesting inside it."""


class _Open:
    """A list or mapping whose end has not come yet."""

    def __init__(self, value: "list[Node] | dict[str, Node]", place: Place, anchor: str | None) -> None:
        self.value, self.place, self.anchor = value, place, anchor
        self.size, self.depth = 1, 0
        self.key: Node | None = None

    def closed(self) -> Node:
        return Node(self.value, self.place, self.place, size=self.size, depth=self.depth + 1)


def read(text: str, source: Source, mistakes: Mistakes) -> Node | None:
    """Return the one document in `text`, or None where there is none (nothing, or only comments).

    Mistakes that leave a tree to go on with (duplicate keys, keys that are not text, merge keys) are
    added to `mistakes`. Raises ConfigError for text that is not YAML, and for what is too much or
    could run code: nesting deeper than 32, 1,000 aliases, 100,000 nodes, tags, several documents.
    """
    tree = _Tree(source, mistakes)
    for event in _events(text, source):
        tree.take(event)
    return tree.root


def _events(text: str, source: Source) -> Iterator[Any]:
    """The parser's events; its exceptions become a ConfigError of one line."""
    tag = re.search("^%TAG", text, re.MULTILINE)
    if tag:  # tags are refused in any case, and the parser compares every such line with all before it
        place = Place(source, text.count("\n", 0, tag.start()) + 1, 1)
        raise ConfigError(str(place), "the directive %TAG is not allowed", "Leave it out.")
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(source, mark.line + 1, mark.column + 1) if mark else Place(source, 1, 1)
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        if "maximum nesting depth" in reason:  # newer parsers look ahead, and may stop before our 33rd level is theirs
            raise ConfigError(str(place), TOO_DEEP) from None
        tab = "'\\t'" in reason or text[mark.index : mark.index + 1] == "\t" if mark else False
        raise ConfigError(str(place), f"not YAML: {reason}", "Indent with spaces, not tabs." if tab else "") from None
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position].decode(errors="ignore")
        place = Place(source, before.count("\n") + 1, len(before) - before.rfind("\n"))
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise ConfigError(str(place), f"not YAML: the character U+{code:04X} may not stand in a text") from None


class _Tree:
    """Puts events together; `root` is the finished document."""

    def __init__(self, source: Source, mistakes: Mistakes) -> None:
        self.root: Node | None = None
        self._source, self._mistakes = source, mistakes
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._aliases = self._nodes = self._documents = 0

    def take(self, event: Any) -> None:
        place = Place(self._source, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise ConfigError(str(place), "a second document starts here", "Leave out the line '---'.")
        elif isinstance(event, yaml.NodeEvent):
            tag = getattr(event, "tag", None)
            if tag is not None:
                raise ConfigError(str(place), f"the tag '{shorten(tag)}' is not allowed", "Leave it out.")
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
            value = scalar(event.value) if plain else event.value
            size = 1 + len(event.value) // 10
            self._attach(Node(value, place, place, event.value, quoted=not plain, size=size), event.anchor)
        else:
            if len(self._open) == MOST_DEPTH:
                raise ConfigError(str(place), TOO_DEEP)
            empty: list[Node] | dict[str, Node] = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._open.append(_Open(empty, place, event.anchor))

    def _alias(self, anchor: str, place: Place) -> Node:
        self._aliases += 1
        if self._aliases > MOST_ALIASES:
            raise ConfigError(str(place), f"more than {MOST_ALIASES:,} aliases")
        if any(frame.anchor == anchor for frame in self._open):
            raise ConfigError(str(place), f"the alias *{shorten(anchor)} stands inside what it repeats")
        if anchor not in self._anchors:
            raise ConfigError(str(place), f"the alias *{shorten(anchor)} has no anchor before it")
        return replace(self._anchors[anchor], place=place, key=place)

    def _attach(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if len(self._open) + node.depth > MOST_DEPTH:
            raise ConfigError(str(node.place), TOO_DEEP)
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        parent.size += node.size
        parent.depth = max(parent.depth, node.depth)
        if max(parent.size, self._nodes) > MOST_NODES:
            fact = f"more than {MOST_NODES:,} values, aliases written out"
            raise ConfigError(str(node.place), fact, "A config is a page of text.")
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            self._enter(parent.value, parent.key, node)
            parent.key = None

    def _enter(self, mapping: dict[str, Node], key: Node, node: Node) -> None:
        """Put one key and its value into `mapping`, unless the key is a mistake."""
        name = key.value
        if not isinstance(name, str):
            written = f"'{shorten(key.text)}'" if not isinstance(name, list | dict) else "a list or mapping"
            self._mistakes.add(key.place, "", f"a key must be text, got {written}")
        elif name == "<<" and not key.quoted:
            way_out = "Write the keys out, or use 'extends'."
            self._mistakes.add(key.place, "", "merge keys (<<) are not allowed", way_out)
        elif name in mapping:
            first = mapping[name].key
            fact = f"the key '{shorten(name)}' stands here again, first at line {first.line}, column {first.column}"
            self._mistakes.add(key.place, "", fact, "Leave one out.")
        else:
            mapping[name] = replace(node, key=key.place)
