"""Keys that a frozen dataclass declares, read from its annotations."""

import dataclasses
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from dropout_cli.core.field_types import Hint, PathField
from dropout_cli.core.registry import Choice, Registry

REQUIRED = dataclasses.MISSING
"""Default of a key that must be set."""


@dataclass(frozen=True)
class Key:
    """One key of a block: a choice (`registry`), a nested block (`block`) or a leaf (neither)."""

    name: str
    annotation: Any
    registry: Registry[Any] | None
    """The classes to choose from; None unless the key is a choice."""
    block: type | None
    """The dataclass of a nested block; None unless the key is one."""
    literals: tuple[Any, ...]
    """Strings, and None, that a choice or block accepts instead of a mapping; the literals of a leaf."""
    hint: str
    """A remark for messages about values out of bounds."""
    path: PathField | None
    """Set if relative paths count from the folder of the config file."""
    field: "dataclasses.Field[Any]"

    def is_path(self, value: Any) -> bool:
        """Return True if a value of this key is a path, or a list of them."""
        return self.path is not None and self.path.covers(value)

    def default(self) -> Any:
        """Return the default value, or REQUIRED."""
        if self.field.default_factory is not dataclasses.MISSING:
            return self.field.default_factory()
        return self.field.default


def block_keys(cls: type) -> Mapping[str, Key]:
    """Return the keys of a block, in declaration order."""
    return _keys(cls)


@cache
def _keys(cls: Any) -> Mapping[str, Key]:
    # The marks of Annotated hold bounds, hints and registries.
    hints = get_type_hints(cls, include_extras=True)
    # A field without `init` is computed, and therefore not a key.
    fields = [field for field in dataclasses.fields(cls) if field.init]
    return {field.name: _make_key(field, hints[field.name]) for field in fields}


def _make_key(field: "dataclasses.Field[Any]", annotation: Any) -> Key:
    parts = list(_union_parts(annotation))
    registry = next((part.registry for part in parts if isinstance(part, Choice)), None)
    # The base class of a choice is a dataclass too, but its keys depend on the class chosen.
    block = None if registry else next((part for part in parts if _is_block_type(part)), None)
    literals: list[Any] = []
    for part in parts:
        if get_origin(part) is Literal:
            literals.extend(get_args(part))
        elif part is types.NoneType:
            literals.append(None)
    return Key(
        name=field.name,
        annotation=annotation,
        registry=registry,
        block=block,
        literals=tuple(literals),
        hint=next((part.text for part in _all_parts(annotation) if isinstance(part, Hint)), ""),
        path=next((part for part in _all_parts(annotation) if isinstance(part, PathField)), None),
        field=field,
    )


def _is_block_type(part: Any) -> bool:
    return isinstance(part, type) and dataclasses.is_dataclass(part)


def _union_parts(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union and their marks at any depth, without the items of tuples."""
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        yield from marks
        yield from _union_parts(inner)
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _union_parts(member)
    else:
        yield annotation


def _all_parts(annotation: Any) -> Iterator[Any]:
    """Yield the parts, including those of the items of tuples."""
    for part in _union_parts(annotation):
        yield part
        # The arguments of Literal are values, not types.
        if get_origin(part) is not Literal:
            for inner in get_args(part):
                yield from _all_parts(inner)


def choice_name(key: Key, default: Any) -> str | None:
    """Return the registered name of the class of `default`; None if it is not a choice.

    Args:
        key: the key that has this default.
        default: an instance, None or REQUIRED.
    """
    if key.registry is None or not dataclasses.is_dataclass(default) or isinstance(default, type):
        return None
    return key.registry.name_of(type(default))


def key_paths(root: type, path: str = "") -> dict[str, str]:
    """Return the shallowest dotted path of each key name below `root`, for suggestions.

    Args:
        root: the dataclass of the whole config.
        path: dotted path of `root` itself.
    """
    shallowest: dict[str, str] = {}
    nested: list[tuple[type, str]] = []
    for name, key in block_keys(root).items():
        inner_path = f"{path}.{name}" if path else name
        shallowest.setdefault(name, inner_path)
        nested += [(cls, inner_path) for _, cls in key.registry] if key.registry else []
        nested += [(key.block, inner_path)] if key.block else []
    for cls, inner_path in nested:
        shallowest = key_paths(cls, inner_path) | shallowest
    return shallowest
