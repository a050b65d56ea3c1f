"""Construction of frozen dataclasses from a config tree, with all mistakes in one pass.

Only keys that were set are checked.
"""

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from dropout_cli.config.declarations import REQUIRED, Key, block_keys, choice_name, key_paths
from dropout_cli.config.document import Node
from dropout_cli.config.error_collector import ErrorCollector, shorten
from dropout_cli.config.value_errors import describe_value, explain_errors
from dropout_cli.core.errors import InvalidField, Problem
from dropout_cli.core.registry import Registry, UnknownName, UnusablePlugin, did_you_mean

if TYPE_CHECKING:
    from pydantic import TypeAdapter

PREFERRED_VARIANT = "inverted"
"""Variant to show first in an example, if it is among the possible ones."""
INVALID = object()
"""Placeholder for a value that could not be constructed; the reason is among the mistakes."""


def build_block(cls: type, tree: Node, errors: ErrorCollector, called: str = "A config") -> Any:
    """Return the instance of `cls` that a mapping describes.

    Args:
        cls: the dataclass of the whole config.
        tree: the mapping.
        errors: collects what is wrong.
        called: what messages call the mapping.

    Returns:
        The instance, or INVALID if mistakes were added.
    """
    return _Builder(cls, errors).block(cls, tree, _BlockContext("", called))


def add_reasons(problems: Iterable[Problem], tree: Node, errors: ErrorCollector) -> None:
    """Add each problem as a mistake, placed at its dotted key if that was set."""
    _add_placed(problems, tree, "", errors)


@dataclass(frozen=True)
class _BlockContext:
    """The block under construction: dotted path, name in messages, registry of its class."""

    path: str
    called: str
    registry: Registry[Any] | None = None

    @property
    def tag(self) -> str | None:
        """The key that chooses the class; None for a block without a choice."""
        return self.registry.tag if self.registry is not None else None

    def to(self, name: str) -> str:
        """Return the dotted path of a key in this block."""
        return f"{self.path}.{name}" if self.path else name


class _Builder:
    """Builds blocks of one config; see `build_block`."""

    def __init__(self, root: type, mistakes: ErrorCollector) -> None:
        self._root, self._mistakes = root, mistakes

    def block(self, cls: type, node: Node, context: _BlockContext, base: Any = None) -> Any:
        """Return the instance of a block.

        Args:
            cls: the dataclass of the block.
            node: the mapping.
            context: path and name of the block, for messages.
            base: instance with the values of keys that are not set; None: the defaults of the class.

        Returns:
            The instance, or INVALID if mistakes were added.
        """
        # A block with a mistake anywhere inside is not constructed.
        before = len(self._mistakes)
        assert isinstance(node.value, dict)
        known = block_keys(cls)
        # Keys that are not set stay out, so that the class fills in its defaults.
        values = {}
        for name, child in node.value.items():
            if name in known:
                default = getattr(base, name) if base is not None else known[name].default()
                values[name] = self._value(known[name], child, context.to(name), default)
            elif name != context.tag:
                self._add_unknown_key(name, child, known, context)
        for name, key in known.items():
            if name not in node.value and base is None and key.default() is REQUIRED:
                names = ", ".join(key.registry.names()) if key.registry else ""
                way_out = f"Choose from: {names}." if names else f"{context.called} needs it."
                self._mistakes.add(node.place, context.to(name), "is missing", way_out)
        if len(self._mistakes) > before:
            return INVALID
        try:
            # `base` keeps the values of a default that differ from the class's own defaults.
            return cls(**values) if base is None else dataclasses.replace(base, **values)
        except ValueError as error:
            self._add_refusals(error, node, context)
            return INVALID

    def _value(self, key: Key, node: Node, path: str, default: Any) -> Any:
        """Return the value of one key."""
        if key.registry is None and key.block is None:
            return self._leaf(key, node, path)
        if not isinstance(node.value, dict):
            if _is_one_of(node.value, key.literals):
                return node.value
            self._add_not_a_block(key, node, path)
            return INVALID
        if key.block is not None:
            base = default if type(default) is key.block else None
            return self.block(key.block, node, _BlockContext(path, key.name), base)
        assert key.registry is not None
        return self._choice(key, key.registry, node, path, default)

    def _choice(self, key: Key, registry: Registry[Any], node: Node, path: str, default: Any) -> Any:
        """Return the instance of the class named by the tag, or else of the default's class."""
        assert isinstance(node.value, dict)
        tag = node.value.get(registry.tag)
        name = tag.value if tag is not None else choice_name(key, default)
        if not isinstance(name, str):
            place, fact = (
                (node.place, "is missing") if tag is None else (tag.place, f"must be a name, got {describe_value(tag)}")
            )
            self._mistakes.add(place, f"{path}.{registry.tag}", fact, f"Choose from: {', '.join(registry.names())}.")
            return INVALID
        try:
            cls = registry[name]
        except UnknownName as error:
            assert tag is not None
            where = path if node.text else f"{path}.{registry.tag}"  # a bare name is at the choice itself
            if isinstance(error, UnusablePlugin):
                self._mistakes.add(tag.place, where, error.problem.fact, f"{error.problem.way_out}.")
                return INVALID
            hint = did_you_mean(name, [*registry.names(), *(word for word in key.literals if word)])
            way_out = f"{hint} Choose from: {', '.join(registry.names())}.".lstrip()
            self._mistakes.add(tag.place, where, f"unknown {registry.kind} '{shorten(name)}'", way_out)
            return INVALID
        return self.block(cls, node, _BlockContext(path, name, registry), default if type(default) is cls else None)

    def _leaf(self, key: Key, node: Node, path: str) -> Any:
        """Return a value that is not a block, validated by pydantic."""
        from pydantic import ValidationError

        try:
            # Strict validation of Python objects would refuse a list for a tuple; of JSON it accepts one.
            value = _adapter(key.annotation).validate_json(json.dumps(node_value(node)))
            return _make_absolute(value, node) if key.is_path(value) else value
        except ValidationError as error:
            if not self._mistakes.is_full:
                for at, fact, way_out in explain_errors(error.errors(include_url=False), node, key.literals, key.hint):
                    self._mistakes.add(at.place, path, fact, way_out)
                return INVALID
            self._mistakes.add(node.place, path, "is not valid")
        except ValueError as error:
            self._mistakes.add(node.place, path, f"is not a path ({error})")
        return INVALID

    def _add_unknown_key(self, name: str, node: Node, known: Iterable[str], context: _BlockContext) -> None:
        """Add a mistake for an unknown key, with a suggestion."""
        if self._mistakes.is_full:  # the mistake is only counted, and searching for suggestions takes time
            self._mistakes.add(node.key_place, "", "unknown key")
            return
        capable = (
            [choice for choice, cls in context.registry if name in block_keys(cls)]
            if context.registry is not None
            else []
        )
        if context.registry is not None and capable and not known:
            example = (
                f"{context.path}.{context.tag}={PREFERRED_VARIANT if PREFERRED_VARIANT in capable else capable[0]}"
            )
            choice = f"These have this key: {', '.join(capable)}, for example {example}."
            self._mistakes.add(
                node.key_place, context.to(name), "unknown key", f"{context.called} takes no keys. {choice}"
            )
            return
        takes = ", ".join(known) or f"no keys except '{context.tag}'"
        hint = did_you_mean(name, list(known))
        # The key may exist in another block.
        elsewhere = key_paths(self._root).get(name, context.to(name))
        if not hint and elsewhere != context.to(name):
            hint = f"Did you mean '{elsewhere}'?"
        self._mistakes.add(
            node.key_place, context.to(name), "unknown key", f"{hint} {context.called} takes: {takes}.".lstrip()
        )

    def _add_not_a_block(self, key: Key, node: Node, path: str) -> None:
        """Add a mistake for a value that should be a mapping."""
        names = [repr(word) if word is not None else "null" for word in key.literals]
        if key.registry is not None:
            wanted = " or ".join(["a name", f"a mapping with '{key.registry.tag}'", *names])
            way_out = f"Choose from: {', '.join(key.registry.names())}."
        else:
            assert key.block is not None
            wanted = " or ".join(["a mapping", *names])
            way_out = f"It takes: {', '.join(block_keys(key.block))}."
        self._mistakes.add(node.place, path, f"must be {wanted}, got {describe_value(node)}", way_out)

    def _add_refusals(self, error: ValueError, node: Node, context: _BlockContext) -> None:
        """Add the reasons why a class refuses its fields, each at its key if it is set."""
        problems = error.problems if isinstance(error, InvalidField) else [Problem("", str(error) or "invalid")]
        _add_placed(problems, node, context.path, self._mistakes)


def _add_placed(problems: Iterable[Problem], node: Node, path: str, mistakes: ErrorCollector) -> None:
    """Add a mistake for each problem, placed at its dotted key if that was set."""
    for dotted, fact, way_out in problems:
        target = _find_node(node, dotted) if dotted else None
        if target is not None:
            mistakes.add(target.place, f"{path}.{dotted}" if path else dotted, fact, way_out)
        else:
            mistakes.add(node.place, path, f"{dotted}: {fact}" if dotted else fact, way_out)


def node_value(node: Node) -> Any:
    """Return the value without positions."""
    if isinstance(node.value, dict):
        return {name: node_value(child) for name, child in node.value.items()}
    return [node_value(child) for child in node.value] if isinstance(node.value, list) else node.value


@cache
def _adapter(annotation: Any) -> "TypeAdapter[Any]":
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(annotation, config=ConfigDict(strict=True, allow_inf_nan=False))


def _is_one_of(value: Any, literals: Iterable[Any]) -> bool:
    # 1 == True in Python, but not in YAML.
    return any(type(value) is type(literal) and value == literal for literal in literals)


def _make_absolute(value: Any, node: Node) -> Any:
    """Return a path made absolute, relative to the folder of its config file."""
    if isinstance(value, tuple):
        return tuple(_make_absolute(item, node) for item in value)
    if value is None:
        return None
    absolute = node.place.source.folder / value
    try:
        return type(value)(absolute.resolve())
    except (OSError, RuntimeError):  # a cycle of links; the error comes when the path is opened
        return type(value)(absolute.absolute())


def _find_node(node: Node, dotted: str) -> Node | None:
    """Return the node of a dotted key below `node`, or None if it is not set."""
    for name in dotted.split("."):
        if not isinstance(node.value, dict) or name not in node.value:
            return None
        node = node.value[name]
    return node
