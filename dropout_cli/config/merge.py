"""Merging of config layers: defaults < `extends:` file < file < `KEY=VALUE`.

Mappings merge key by key, anything else replaces. If a layer changes the class of a block (another `variant` or
`name`), keys that an earlier layer set and that the new class lacks are ignored, with a notice if the new class has
keys at all (`dropout: none` has none). Keys of the same layer are never dropped, so that they are reported as unknown.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from dropout_cli.config.declarations import REQUIRED, Key, block_keys, choice_name
from dropout_cli.config.document import MAX_DEPTH, Node, parse_yaml
from dropout_cli.config.error_collector import ConfigSource, ErrorCollector, Place, escape_to_one_line, shorten
from dropout_cli.config.files import INIT_HINT, bundled_configs, decode_config, is_file_path, read_config_bytes
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.registry import Registry, UnknownName
from dropout_cli.core.shell_words import quote_word

EXTENDED_LAYER, FILE_LAYER, COMMAND_LINE_LAYER = 1, 2, 3


class MergedConfig(NamedTuple):
    """The merged layers as one tree in which every choice is a mapping with its tag.

    Shorthands (a bare name for a choice) are expanded.
    """

    tree: Node
    text: bytes
    """The file, byte for byte."""
    notices: list[str]
    """One line for each key that was ignored."""


def read_layers(
    root: type,
    path: Path,
    overrides: Sequence[str],
    errors: ErrorCollector,
    *,
    text: bytes | None = None,
    folder: Path | None = None,
    replace_blocks: Sequence[str] = (),
) -> MergedConfig:
    """Return the config at `path`, the config it extends, and the overrides, as one tree.

    Args:
        root: the dataclass of the whole config.
        path: the config file.
        overrides: `KEY=VALUE` texts, applied in order.
        errors: collects mistakes that still allow a tree.
        text: the content, if it is not in the file; `path` is then its name in messages.
        folder: base of relative paths in overrides; None: the working directory.
        replace_blocks: dotted keys of blocks to remove from the files, so that overrides replace them.

    Raises:
        ConfigError: for a mistake after which no tree can be built.
    """
    text = read_config_bytes(path) if text is None else text
    with errors.including_errors():
        top = _read_file(path, text, FILE_LAYER, errors)
        _refuse_sweep(root, top, path)
        layers = [*_extended_layers(top, path, errors), _without_extends(top)]
    # Before the overrides are read, so that these are not removed.
    layers = [_without_blocks(layer, [key.split(".") for key in replace_blocks]) for layer in layers]
    for override in overrides:
        try:
            layers.append(_read_override(override, folder or Path.cwd(), errors))
        except ConfigError as error:
            errors.extend(error, COMMAND_LINE_LAYER)
    notices: list[str] = []
    # The defaults are not a layer: the builder fills them in.
    tree = replace(top, value={})
    for layer in layers:
        tree = _Overlay(notices).block(root, tree, layer, "")
    return MergedConfig(replace(tree, place=top.place, key_place=top.key_place), text, notices)


def _read_file(path: Path, text: bytes, layer: int, mistakes: ErrorCollector) -> Node:
    """Return the mapping in a file."""
    source = ConfigSource(escape_to_one_line(str(path)), path.parent.absolute(), layer)
    tree = parse_yaml(decode_config(text, source.name), source, mistakes)
    if tree is None:
        raise ConfigError(source.name, "contains only comments", INIT_HINT)
    if not isinstance(tree.value, dict):
        kind = "a list" if isinstance(tree.value, list) else f"'{shorten(tree.text)}'"
        raise ConfigError(str(tree.place), f"a config is a mapping of keys to values, got {kind}")
    return tree


def _refuse_sweep(root: type, top: Node, path: Path) -> None:
    """Raise one ConfigError for a sweep or reproduction file, instead of one for each of its keys."""
    # `base` is the key by which a sweep or a reproduction names its config.
    if "base" in _as_mapping(top) and "base" not in block_keys(root):
        kind, command = ("reproduction", "reproduce") if "paper" in _as_mapping(top) else ("sweep", "sweep")
        place = _as_mapping(top)["base"].key_place
        way_out = (
            f"Train it with 'dropout {command} {quote_word(escape_to_one_line(str(path)))}'. "
            "To build a config on another one, use 'extends'."
        )
        raise ConfigError(str(place), f"base: this is a {kind} file, not a config", way_out)


def _extended_layers(top: Node, path: Path, mistakes: ErrorCollector) -> list[Node]:
    """Return the layer that `extends:` names, in a list; an empty list without `extends:`."""
    assert isinstance(top.value, dict)
    node = top.value.get("extends")
    if node is None or node.value is None:
        return []
    if not isinstance(node.value, str):
        mistakes.add(node.place, "extends", "must be the path of a config file")
        return []
    other = path.parent / node.value
    if not is_file_path(other):
        # A bare name such as `digits` extends a bundled config.
        other = bundled_configs().get(node.value, other)
    try:
        # `regular_only`: a config from elsewhere may name a pipe, which would make us wait.
        base = _read_file(other, read_config_bytes(other, regular_only=True), EXTENDED_LAYER, mistakes)
    except ConfigError as error:
        problem = error.problems[0]
        # A mistake inside the other file already has its own place.
        if problem.place != escape_to_one_line(str(other)):
            raise
        fact = f"extends: '{shorten(node.value)}': {problem.fact}"
        raise ConfigError(str(node.place), fact, problem.way_out) from None
    assert isinstance(base.value, dict)
    if "extends" in base.value:
        place = base.value["extends"].key_place
        fact = "a config that is extended cannot itself extend another config"
        mistakes.add(place, "extends", fact, "Only one level is allowed.")
    return [_without_extends(base)]


def _without_extends(tree: Node) -> Node:
    assert isinstance(tree.value, dict)
    return replace(tree, value={name: node for name, node in tree.value.items() if name != "extends"})


def _without_blocks(tree: Node, paths: Sequence[Sequence[str]]) -> Node:
    """Return the tree without the values at those paths, whether blocks or bare names."""
    kept = {}
    for name, node in _as_mapping(tree).items():
        if [name] not in paths:
            deeper = [path[1:] for path in paths if len(path) > 1 and path[0] == name]
            kept[name] = _without_blocks(node, deeper) if deeper and isinstance(node.value, dict) else node
    return replace(tree, value=kept)


def _read_override(override: str, folder: Path, mistakes: ErrorCollector) -> Node:
    """Return the tree that sets the one key of a `KEY=VALUE`."""
    key, equals, value_text = override.partition("=")
    displayed = shorten(override) or "''"
    source = ConfigSource(displayed, folder, COMMAND_LINE_LAYER, key)
    place = Place(source, 1, 1)
    names = key.split(".")
    try:
        override.encode()
    except UnicodeEncodeError:
        raise ConfigError(displayed, "is not UTF-8 text") from None
    if not equals or not all(names):
        raise ConfigError(displayed, "is not KEY=VALUE", "Write it like dropout.rate=0.3.")
    if len(names) > MAX_DEPTH:
        raise ConfigError(displayed, f"is nested deeper than {MAX_DEPTH} levels", "Use fewer levels.")
    if key == "extends":
        raise ConfigError(displayed, "'extends' can only be used in a config file")
    value = parse_yaml(value_text, source, mistakes) or Node(None, place, place)
    # From the inside out: a.b=1 becomes {a: {b: 1}}.
    for name in reversed(names):
        value = Node({name: replace(value, key_place=place)}, place, place)
    return value


class _Overlay:
    """Lays one tree over another, guided by the declarations of the dataclasses."""

    def __init__(self, notices: list[str]) -> None:
        self._notices = notices

    def block(self, cls: type, old: Node, new: Node, path: str) -> Node:
        """Return the mapping `new` over the mapping `old`, both of class `cls`."""
        merged, updates = dict(_as_mapping(old)), _as_mapping(new)
        for name, node in updates.items():
            declared = block_keys(cls).get(name)
            inner = f"{path}.{name}" if path else name
            merged[name] = self._value(declared, merged.get(name), node, inner) if declared else node
        return replace(new, value=merged)

    def _value(self, key: Key, old: Node | None, new: Node, path: str) -> Node:
        """Return the value `new` of one key over `old`, which an earlier layer may have set."""
        if key.registry is not None and isinstance(new.value, str) and new.value not in key.literals:
            new = replace(new, value={key.registry.tag: new})
        # Lists and scalars replace what earlier layers set.
        if not isinstance(new.value, dict):
            return new
        base = old if old is not None and isinstance(old.value, dict) else replace(new, value={})
        if key.registry is not None:
            return self._choice(key, key.registry, base, new, path)
        return self.block(key.block, base, new, path) if key.block else new

    def _choice(self, key: Key, registry: Registry[Any], old: Node, new: Node, path: str) -> Node:
        """Return a choice over a choice; the class may change, and with it the keys allowed."""
        default = key.default()
        before = _chosen_name(registry, old) or (choice_name(key, default) if default is not REQUIRED else None)
        after = _chosen_name(registry, new) or before
        cls = _class_or_none(registry, after)
        if cls is None:
            # Without a class its keys cannot be checked; the unknown name is reported later.
            return (
                new
                if registry.tag in _as_mapping(new)
                else replace(new, value={**_as_mapping(old), **_as_mapping(new)})
            )
        earlier = _class_or_none(registry, before)
        if earlier is None or before == after:
            return self.block(cls, old, new, path)
        kept = {}
        has_keys = bool(block_keys(cls))  # without any, such as dropout: none, nobody expects a key to count
        for name, node in _as_mapping(old).items():
            # Keys of the same layer are kept, and reported as unknown.
            inherited = node.key_place.source.layer < new.key_place.source.layer
            if name != registry.tag and inherited and name in block_keys(earlier) and name not in block_keys(cls):
                fact = f"ignored, because {registry.kind} is now {after}, which does not have this key"
                self._notices += [f"{node.key_place}: {path}.{name}: {fact}."] if has_keys else []
            else:
                kept[name] = node
        return self.block(cls, replace(old, value=kept), new, path)


def _as_mapping(node: Node) -> dict[str, Node]:
    return node.value if isinstance(node.value, dict) else {}


def _chosen_name(registry: Registry[Any], node: Node) -> str | None:
    """Return the name in a choice's mapping, or None."""
    tag = _as_mapping(node).get(registry.tag)
    return tag.value if tag is not None and isinstance(tag.value, str) else None


def _class_or_none(registry: Registry[Any], name: str | None) -> type | None:
    """Return the class of that name, or None."""
    if name is None:
        return None
    try:
        return registry[name]
    except UnknownName:
        return None
