"""Tree -> frozen dataclasses. All mistakes are found in one pass; only keys that somebody set are looked at."""

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from dropout_cli.config.declarations import REQUIRED, Key, chosen, homes, keys
from dropout_cli.config.document import Node
from dropout_cli.config.place import Mistakes, shorten
from dropout_cli.config.wording import explain, got
from dropout_cli.core.errors import InvalidField, Problem
from dropout_cli.core.registry import LeftOut, Registry, UnknownName, did_you_mean

if TYPE_CHECKING:
    from pydantic import TypeAdapter

USUAL = "inverted"
"""What is named first of several choices that would do."""
INVALID = object()
"""In place of a value that could not be made; the reason is among the mistakes."""


def build(cls: type, tree: Node, mistakes: Mistakes) -> Any:
    """Return the instance of `cls` that the mapping `tree` describes, or INVALID with mistakes added."""
    return _Builder(cls, mistakes).block(cls, tree, _Here("", "A config"))


def refuse(problems: Iterable[Problem], tree: Node, mistakes: Mistakes) -> None:
    """Add each problem as a mistake, placed at its dotted key if that was set."""
    _place(problems, tree, "", mistakes)


@dataclass(frozen=True)
class _Here:
    """Which block is being built: its dotted path, what to call it, and what its class was chosen from."""

    path: str
    called: str
    registry: Registry[Any] | None = None

    @property
    def tag(self) -> str | None:
        """The key that chooses the class."""
        return self.registry.tag if self.registry is not None else None

    def to(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


class _Builder:
    def __init__(self, root: type, mistakes: Mistakes) -> None:
        self._root, self._mistakes = root, mistakes

    def block(self, cls: type, node: Node, here: _Here, base: Any = None) -> Any:
        """The block's instance; keys that nobody set are as in `base`, else as the class declares."""
        before = len(self._mistakes)
        assert isinstance(node.value, dict)
        known = keys(cls)
        values = {}
        for name, child in node.value.items():
            if name in known:
                default = getattr(base, name) if base is not None else known[name].default()
                values[name] = self._value(known[name], child, here.to(name), default)
            elif name != here.tag:
                self._unknown(name, child, known, here)
        for name, key in known.items():
            if name not in node.value and base is None and key.default() is REQUIRED:
                names = ", ".join(key.registry.names()) if key.registry else ""
                way_out = f"Choose from: {names}." if names else f"{here.called} needs it."
                self._mistakes.add(node.place, here.to(name), "missing", way_out)
        if len(self._mistakes) > before:
            return INVALID
        try:
            return cls(**values) if base is None else dataclasses.replace(base, **values)
        except ValueError as error:
            self._refused(error, node, here)
            return INVALID

    def _value(self, key: Key, node: Node, path: str, default: Any) -> Any:
        """What one key is set to."""
        if key.registry is None and key.block is None:
            return self._leaf(key, node, path)
        if not isinstance(node.value, dict):
            if _is_one_of(node.value, key.literals):
                return node.value
            self._no_block(key, node, path)
            return INVALID
        if key.block is not None:
            base = default if type(default) is key.block else None
            return self.block(key.block, node, _Here(path, key.name), base)
        assert key.registry is not None
        return self._choice(key, key.registry, node, path, default)

    def _choice(self, key: Key, registry: Registry[Any], node: Node, path: str, default: Any) -> Any:
        """The instance of the class that the tag names, or else of the default's."""
        assert isinstance(node.value, dict)
        tag = node.value.get(registry.tag)
        name = tag.value if tag is not None else chosen(key, default)
        if not isinstance(name, str):
            place, fact = (node.place, "missing") if tag is None else (tag.place, f"must be a name, got {got(tag)}")
            self._mistakes.add(place, f"{path}.{registry.tag}", fact, f"Choose from: {', '.join(registry.names())}.")
            return INVALID
        try:
            cls = registry[name]
        except UnknownName as error:
            assert tag is not None
            where = path if node.text else f"{path}.{registry.tag}"  # a bare name stands at the choice itself
            if isinstance(error, LeftOut):
                self._mistakes.add(tag.place, where, error.problem.fact, f"{error.problem.way_out}.")
                return INVALID
            hint = did_you_mean(name, [*registry.names(), *(word for word in key.literals if word)])
            way_out = f"{hint} Choose from: {', '.join(registry.names())}.".lstrip()
            self._mistakes.add(tag.place, where, f"unknown {registry.kind} '{shorten(name)}'", way_out)
            return INVALID
        return self.block(cls, node, _Here(path, name, registry), default if type(default) is cls else None)

    def _leaf(self, key: Key, node: Node, path: str) -> Any:
        """A value that is no block, as pydantic makes it from JSON."""
        from pydantic import ValidationError

        try:
            value = _adapter(key.annotation).validate_json(json.dumps(plain(node)))
            return _absolute(value, node) if key.is_path else value
        except ValidationError as error:
            if not self._mistakes.full:
                for at, fact, way_out in explain(error.errors(include_url=False), node, key.literals, key.hint):
                    self._mistakes.add(at.place, path, fact, way_out)
                return INVALID
            self._mistakes.add(node.place, path, "wrong")
        except ValueError as error:
            self._mistakes.add(node.place, path, f"is no path ({error})")
        return INVALID

    def _unknown(self, name: str, node: Node, known: Iterable[str], here: _Here) -> None:
        if self._mistakes.full:  # then they are only counted, and a search for each would take its time
            self._mistakes.add(node.key, "", "unknown key")
            return
        able = [one for one, cls in here.registry if name in keys(cls)] if here.registry is not None else []
        if here.registry is not None and able and not known:
            example = f"{here.path}.{here.tag}={USUAL if USUAL in able else able[0]}"
            choice = f"Choose a {here.registry.kind} that has it, such as {example}. Those are: {', '.join(able)}."
            self._mistakes.add(node.key, here.to(name), "unknown key", f"{here.called} takes no keys. {choice}")
            return
        takes = ", ".join(known) or f"no keys; '{here.tag}' chooses what takes some"
        hint = did_you_mean(name, list(known))
        elsewhere = homes(self._root).get(name, here.to(name))
        if not hint and elsewhere != here.to(name):
            hint = f"Did you mean '{elsewhere}'?"
        self._mistakes.add(node.key, here.to(name), "unknown key", f"{hint} {here.called} takes: {takes}.".lstrip())

    def _no_block(self, key: Key, node: Node, path: str) -> None:
        """Something stands where a mapping should."""
        names = [repr(word) if word is not None else "null" for word in key.literals]
        if key.registry is not None:
            wanted = " or ".join(["a name", f"a mapping with '{key.registry.tag}'", *names])
            way_out = f"Choose from: {', '.join(key.registry.names())}."
        else:
            assert key.block is not None
            wanted = " or ".join(["a mapping", *names])
            way_out = f"It takes: {', '.join(keys(key.block))}."
        self._mistakes.add(node.place, path, f"must be {wanted}, got {got(node)}", way_out)

    def _refused(self, error: ValueError, node: Node, here: _Here) -> None:
        """Add what the class has against its fields; a mistake stands at the key that is at fault, if it is set."""
        problems = error.problems if isinstance(error, InvalidField) else [Problem("", str(error) or "invalid")]
        _place(problems, node, here.path, self._mistakes)


def _place(problems: Iterable[Problem], node: Node, path: str, mistakes: Mistakes) -> None:
    for dotted, fact, way_out in problems:
        found = _find(node, dotted) if dotted else None
        if found is not None:
            mistakes.add(found.place, f"{path}.{dotted}" if path else dotted, fact, way_out)
        else:
            mistakes.add(node.place, path, f"{dotted}: {fact}" if dotted else fact, way_out)


def plain(node: Node) -> Any:
    """The value without its places."""
    if isinstance(node.value, dict):
        return {name: plain(child) for name, child in node.value.items()}
    return [plain(child) for child in node.value] if isinstance(node.value, list) else node.value


@cache
def _adapter(annotation: Any) -> "TypeAdapter[Any]":
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(annotation, config=ConfigDict(strict=True, allow_inf_nan=False))


def _is_one_of(value: Any, literals: Iterable[Any]) -> bool:
    return any(type(value) is type(literal) and value == literal for literal in literals)


def _absolute(value: Any, node: Node) -> Any:
    """A path, counted from the folder of the file that it stands in."""
    if isinstance(value, tuple):
        return tuple(_absolute(one, node) for one in value)
    if value is None:
        return None
    whole = node.place.source.folder / value
    try:
        return type(value)(whole.resolve())
    except (OSError, RuntimeError):  # links that lead in a ring: whoever opens it says so
        return type(value)(whole.absolute())


def _find(node: Node, dotted: str) -> Node | None:
    """The node of a dotted key below `node`, if somebody set it."""
    for name in dotted.split("."):
        if not isinstance(node.value, dict) or name not in node.value:
            return None
        node = node.value[name]
    return node
