"""An experiment -> plain values -> YAML that reads back to the same experiment."""

import dataclasses
import textwrap
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import yaml

from dropout_cli.config.declarations import keys
from dropout_cli.config.scalars import scalar
from dropout_cli.core.fields import docs
from dropout_cli.core.registry import Registry

WIDTH = 110


def to_dict(block: Any) -> dict[str, Any]:
    """Return every key of an experiment (or another block), JSON-able, in declaration order.

    A choice is a mapping that begins with its tag. Lists stand for tuples.
    """
    return {name: plain(getattr(block, name), key.registry) for name, key in keys(type(block)).items()}


def plain(value: Any, registry: Registry[Any] | None = None) -> Any:
    """Return one value as to_dict shows it; `registry` is that of a choice."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        tag = {registry.tag: registry.name_of(type(value))} if registry is not None else {}
        return {**tag, **to_dict(value)}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, PurePath) else value


def flatten(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, value) for every leaf; a list is a leaf."""
    for name, value in values.items():
        inner = f"{path}.{name}" if path else name
        if isinstance(value, dict):
            yield from flatten(value, inner)
        else:
            yield inner, value


class _Dumper(yaml.SafeDumper):
    """Blocks for mappings, one line for lists, quotes where our reader would not see text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    # PyYAML writes a lone U+0085 between single quotes, where it reads back as a space.
    style = None if isinstance(scalar(value), str) and value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _list(dumper: _Dumper, value: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)


def dump(values: dict[str, Any]) -> str:
    """Return plain values as YAML 1.2, keys in their order."""
    layout: dict[str, Any] = {"sort_keys": False, "default_flow_style": False, "allow_unicode": True, "width": WIDTH}
    text: str = yaml.dump(values, Dumper=_Dumper, **layout)
    return text


def to_yaml(experiment: Any) -> str:
    """Return all keys of an experiment as YAML; loading it gives an equal experiment."""
    return dump(to_dict(experiment))


def annotate(experiment: Any) -> str:
    """The same, with what each key means in a comment above it."""
    return "\n".join(_annotated(experiment, "")) + "\n"


def _annotated(block: Any, indent: str) -> Iterator[str]:
    meanings = docs(type(block))
    for name, key in keys(type(block)).items():
        value = getattr(block, name)
        if not indent:
            yield ""
        for line in textwrap.wrap(meanings.get(name, ""), WIDTH - len(indent)):
            yield f"{indent}# {line}"
        if not dataclasses.is_dataclass(value):
            yield from textwrap.indent(dump({name: plain(value)}), indent).splitlines()
            continue
        yield f"{indent}{name}:" + ("" if key.registry or keys(type(value)) else " {}")
        if key.registry is not None:
            choices = f"# One of: {', '.join(key.registry.names())}."
            yield f"{indent}  {key.registry.tag}: {key.registry.name_of(type(value))}  {choices}"
        yield from _annotated(value, indent + "  ")
