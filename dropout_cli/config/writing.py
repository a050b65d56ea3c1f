"""Conversion of an experiment to plain values and to YAML that reads back the same."""

import dataclasses
import textwrap
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import yaml

from dropout_cli.config.declarations import block_keys
from dropout_cli.config.scalars import parse_scalar
from dropout_cli.core.field_types import field_docs
from dropout_cli.core.registry import Registry

LINE_WIDTH = 110


def to_dict(block: Any) -> dict[str, Any]:
    """Return every key of a block, ready for JSON, in declaration order.

    A choice is a mapping that begins with its tag; tuples become lists.
    """
    return {name: to_plain(getattr(block, name), key.registry) for name, key in block_keys(type(block)).items()}


def to_plain(value: Any, registry: Registry[Any] | None = None) -> Any:
    """Return one value as `to_dict` represents it.

    Args:
        value: any value of a config.
        registry: the registry of a choice; None for other values.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        tag = {registry.tag: registry.name_of(type(value))} if registry is not None else {}
        return {**tag, **to_dict(value)}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
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
    """Writes mappings as blocks, lists on one line, and quotes around texts that need them."""

    def ignore_aliases(self, data: Any) -> bool:
        """Return True: equal values are written out, since anchors would be hard to read."""
        return True


def _represent_text(dumper: _Dumper, value: str) -> yaml.Node:
    # PyYAML writes a lone U+0085 in single quotes, where it reads back as a space.
    # Quotes only where a plain scalar would read back as something else.
    style = None if isinstance(parse_scalar(value), str) and value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _represent_list(dumper: _Dumper, value: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_list)


def dump_yaml(values: dict[str, Any]) -> str:
    """Return plain values as YAML 1.2, with keys in their order."""
    layout: dict[str, Any] = {
        "sort_keys": False,
        "default_flow_style": False,
        "allow_unicode": True,
        "width": LINE_WIDTH,
    }
    text: str = yaml.dump(values, Dumper=_Dumper, **layout)
    return text


def to_yaml(experiment: Any) -> str:
    """Return all keys of an experiment as YAML; loading it gives an equal experiment."""
    return dump_yaml(to_dict(experiment))


def to_commented_yaml(experiment: Any) -> str:
    """Return the YAML of an experiment with the meaning of each key in a comment above it."""
    return "\n".join(_commented_lines(experiment, "")) + "\n"


def _commented_lines(block: Any, indent: str) -> Iterator[str]:
    meanings = field_docs(type(block))
    for name, key in block_keys(type(block)).items():
        value = getattr(block, name)
        if not indent:
            yield ""
        for line in textwrap.wrap(meanings.get(name, ""), LINE_WIDTH - len(indent)):
            yield f"{indent}# {line}"
        if not dataclasses.is_dataclass(value):
            yield from textwrap.indent(dump_yaml({name: to_plain(value)}), indent).splitlines()
            continue
        # A block without keys would read back as null without the braces.
        yield f"{indent}{name}:" + ("" if key.registry or block_keys(type(value)) else " {}")
        if key.registry is not None:
            choices = f"# One of: {', '.join(key.registry.names())}."
            yield f"{indent}  {key.registry.tag}: {key.registry.name_of(type(value))}  {choices}"
        yield from _commented_lines(value, indent + "  ")
