"""Layers of a config laid over each other: `extends:` < file < `KEY=VALUE`. Defaults lie below all.

Mappings merge key by key, anything else replaces. Where a layer changes which class a block is (another
`variant` or `name`), keys that an earlier layer set and that the new class lacks are dropped with a
notice; what the same layer set is never dropped, and so comes out as an unknown key.
"""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from dropout_cli.config.declarations import REQUIRED, Key, chosen, keys
from dropout_cli.config.document import MOST_DEPTH, Node, read
from dropout_cli.config.files import NEW_CONFIG, bundled, decode, is_file, read_bytes
from dropout_cli.config.place import Mistakes, Place, Source, printable, shorten
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.registry import Registry, UnknownName

EXTENDED, FILE, COMMAND_LINE = 1, 2, 3


class Layered(NamedTuple):
    """All layers as one tree; shorthands are spelled out, so that every choice is a mapping with its tag."""

    tree: Node
    text: bytes
    """The file, byte for byte."""
    notices: list[str]


def read_layers(
    root: type,
    path: Path,
    overrides: Sequence[str],
    mistakes: Mistakes,
    *,
    folder: Path | None = None,
    anew: Sequence[str] = (),
) -> Layered:
    """Return the config at `path`, what it extends and the overrides, as one tree for the class `root`.

    Relative paths in overrides count from `folder`, the working directory unless given; blocks at the dotted keys
    `anew` begin with the overrides.

    Raises ConfigError for what leaves no tree to go on with; other mistakes are added to `mistakes`.
    """
    text = read_bytes(path)
    with mistakes.stopping():
        top = _read_file(path, text, FILE, mistakes)
        _must_be_no_sweep(root, top, path)
        layers = [*_extended(top, path, mistakes), _without_extends(top)]
    layers = [_without_blocks(layer, [key.split(".") for key in anew]) for layer in layers]
    for override in overrides:
        try:
            layers.append(_read_override(override, folder or Path.cwd(), mistakes))
        except ConfigError as error:
            mistakes.absorb(error, COMMAND_LINE)
    notices: list[str] = []
    tree = replace(top, value={})
    for layer in layers:
        tree = _Overlay(notices).block(root, tree, layer, "")
    return Layered(replace(tree, place=top.place, key=top.key), text, notices)


def _read_file(path: Path, text: bytes, layer: int, mistakes: Mistakes) -> Node:
    """The mapping in a file."""
    source = Source(printable(str(path)), path.parent.absolute(), layer)
    tree = read(decode(text, source.name), source, mistakes)
    if tree is None:
        raise ConfigError(source.name, "is empty but for comments", NEW_CONFIG)
    if not isinstance(tree.value, dict):
        kind = "a list" if isinstance(tree.value, list) else f"'{shorten(tree.text)}'"
        raise ConfigError(str(tree.place), f"a config is a mapping of keys to values, got {kind}")
    return tree


def _must_be_no_sweep(root: type, top: Node, path: Path) -> None:
    """Refuse the file of a sweep in one line, where its keys would be as many unknown ones."""
    if "base" in _mapping(top) and "base" not in keys(root):
        place = _mapping(top)["base"].key
        way_out = (
            f"`dropout sweep {shlex.quote(printable(str(path)))}` trains it; a config builds on another by 'extends'."
        )
        raise ConfigError(str(place), "base: this is the file of a sweep, and no config", way_out)


def _extended(top: Node, path: Path, mistakes: Mistakes) -> list[Node]:
    """The layer that `extends:` names; none where it names none."""
    assert isinstance(top.value, dict)
    node = top.value.get("extends")
    if node is None or node.value is None:
        return []
    if not isinstance(node.value, str):
        mistakes.add(node.place, "extends", "must be the path of a config file")
        return []
    other = path.parent / node.value
    if not is_file(other):
        other = bundled().get(node.value, other)
    try:
        base = _read_file(other, read_bytes(other, plain=True), EXTENDED, mistakes)
    except ConfigError as error:
        problem = error.problems[0]
        if problem.place != printable(str(other)):
            raise
        fact = f"extends: '{shorten(node.value)}': {problem.fact}"
        raise ConfigError(str(node.place), fact, problem.way_out) from None
    assert isinstance(base.value, dict)
    if "extends" in base.value:
        place = base.value["extends"].key
        mistakes.add(place, "extends", "a config that is extended cannot extend another", "One level is all there is.")
    return [_without_extends(base)]


def _without_extends(tree: Node) -> Node:
    assert isinstance(tree.value, dict)
    return replace(tree, value={name: node for name, node in tree.value.items() if name != "extends"})


def _without_blocks(tree: Node, paths: Sequence[Sequence[str]]) -> Node:
    """The tree without what stands at those paths, where the key is a block or chooses one by a bare name."""
    kept = {}
    for name, node in _mapping(tree).items():
        if [name] not in paths:
            deeper = [path[1:] for path in paths if len(path) > 1 and path[0] == name]
            kept[name] = _without_blocks(node, deeper) if deeper and isinstance(node.value, dict) else node
    return replace(tree, value=kept)


def _read_override(override: str, folder: Path, mistakes: Mistakes) -> Node:
    """The tree that sets the one key of a `KEY=VALUE`."""
    key, equals, written = override.partition("=")
    shown = shorten(override) or "''"
    source = Source(shown, folder, COMMAND_LINE, key)
    place = Place(source, 1, 1)
    names = key.split(".")
    try:
        override.encode()
    except UnicodeEncodeError:
        raise ConfigError(shown, "is not UTF-8 text") from None
    if not equals or not all(names):
        raise ConfigError(shown, "is not KEY=VALUE", "Write it like dropout.rate=0.3.")
    if len(names) > MOST_DEPTH:
        raise ConfigError(shown, f"nested deeper than {MOST_DEPTH} levels")
    if key == "extends":
        raise ConfigError(shown, "'extends' belongs in a config file")
    value = read(written, source, mistakes) or Node(None, place, place)
    for name in reversed(names):
        value = Node({name: replace(value, key=place)}, place, place)
    return value


class _Overlay:
    """Lays one tree over another, guided by what the dataclasses declare."""

    def __init__(self, notices: list[str]) -> None:
        self._notices = notices

    def block(self, cls: type, old: Node, new: Node, path: str) -> Node:
        """The mapping `new` over the mapping `old`, both of class `cls`."""
        merged, above = dict(_mapping(old)), _mapping(new)
        for name, node in above.items():
            declared = keys(cls).get(name)
            inner = f"{path}.{name}" if path else name
            merged[name] = self._value(declared, merged.get(name), node, inner) if declared else node
        return replace(new, value=merged)

    def _value(self, key: Key, old: Node | None, new: Node, path: str) -> Node:
        """The value `new` of one key over the value `old`, which an earlier layer may have set."""
        if key.registry is not None and isinstance(new.value, str) and new.value not in key.literals:
            new = replace(new, value={key.registry.tag: new})
        if not isinstance(new.value, dict):
            return new
        below = old if old is not None and isinstance(old.value, dict) else replace(new, value={})
        if key.registry is not None:
            return self._choice(key, key.registry, below, new, path)
        return self.block(key.block, below, new, path) if key.block else new

    def _choice(self, key: Key, registry: Registry[Any], old: Node, new: Node, path: str) -> Node:
        """A choice over a choice: the class may change, and then the keys that it takes."""
        default = key.default()
        before = _name(registry, old) or (chosen(key, default) if default is not REQUIRED else None)
        after = _name(registry, new) or before
        cls = _class(registry, after)
        if cls is None:
            # No such class: its keys cannot be judged, and the name itself will be reported.
            return new if registry.tag in _mapping(new) else replace(new, value={**_mapping(old), **_mapping(new)})
        earlier = _class(registry, before)
        if earlier is None or before == after:
            return self.block(cls, old, new, path)
        kept = {}
        for name, node in _mapping(old).items():
            inherited = node.key.source.layer < new.key.source.layer
            if name != registry.tag and inherited and name in keys(earlier) and name not in keys(cls):
                fact = f"left out, because {registry.kind} is now {after}, which has no such key"
                self._notices.append(f"{node.key}: {path}.{name}: {fact}.")
            else:
                kept[name] = node
        return self.block(cls, replace(old, value=kept), new, path)


def _mapping(node: Node) -> dict[str, Node]:
    return node.value if isinstance(node.value, dict) else {}


def _name(registry: Registry[Any], node: Node) -> str | None:
    """The name that a choice's mapping gives."""
    tag = _mapping(node).get(registry.tag)
    return tag.value if tag is not None and isinstance(tag.value, str) else None


def _class(registry: Registry[Any], name: str | None) -> type | None:
    """The class of that name, if there is one."""
    if name is None:
        return None
    try:
        return registry[name]
    except UnknownName:
        return None
