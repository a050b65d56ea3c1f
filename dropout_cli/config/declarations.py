"""What a frozen dataclass declares of its own keys, read from its annotations."""

import dataclasses
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from dropout_cli.core.fields import Hint, PathField
from dropout_cli.core.registry import Choice, Registry

REQUIRED = dataclasses.MISSING


@dataclass(frozen=True)
class Key:
    """One key of a block: a choice (`registry`), a nested block (`block`) or a leaf (neither)."""

    name: str
    annotation: Any
    registry: Registry[Any] | None
    block: type | None
    literals: tuple[Any, ...]
    """The strings, and None, that a choice or block may be instead of a mapping; a leaf's literals."""
    hint: str
    is_path: bool
    field: "dataclasses.Field[Any]"

    def default(self) -> Any:
        """The value where nobody sets one, or REQUIRED."""
        if self.field.default_factory is not dataclasses.MISSING:
            return self.field.default_factory()
        return self.field.default


def keys(cls: type) -> Mapping[str, Key]:
    """The keys of a block, in declaration order."""
    return _keys(cls)


@cache
def _keys(cls: Any) -> Mapping[str, Key]:
    hints = get_type_hints(cls, include_extras=True)
    fields = [field for field in dataclasses.fields(cls) if field.init]
    return {field.name: _key(field, hints[field.name]) for field in fields}


def _key(field: "dataclasses.Field[Any]", annotation: Any) -> Key:
    parts = list(_parts(annotation))
    registry = next((part.registry for part in parts if isinstance(part, Choice)), None)
    block = None if registry else next((part for part in parts if _is_block(part)), None)
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
        hint=next((part.text for part in _everything(annotation) if isinstance(part, Hint)), ""),
        is_path=any(isinstance(part, PathField) for part in _everything(annotation)),
        field=field,
    )


def _is_block(part: Any) -> bool:
    return isinstance(part, type) and dataclasses.is_dataclass(part)


def _parts(annotation: Any) -> Iterator[Any]:
    """The members of a union and the marks on them, however they are nested; not what tuples hold."""
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        yield from marks
        yield from _parts(inner)
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _parts(member)
    else:
        yield annotation


def _everything(annotation: Any) -> Iterator[Any]:
    """The same, with what tuples hold."""
    for part in _parts(annotation):
        yield part
        if get_origin(part) is not Literal:
            for inner in get_args(part):
                yield from _everything(inner)


def chosen(key: Key, default: Any) -> str | None:
    """The name under which `default` stands in the key's registry; None where it is no such choice."""
    if key.registry is None or not dataclasses.is_dataclass(default) or isinstance(default, type):
        return None
    return key.registry.name_of(type(default))


def homes(root: type, path: str = "") -> dict[str, str]:
    """Name of a key -> a dotted path under which `root` takes it, the shallowest; for suggestions."""
    found: dict[str, str] = {}
    inner: list[tuple[type, str]] = []
    for name, key in keys(root).items():
        here = f"{path}.{name}" if path else name
        found.setdefault(name, here)
        inner += [(cls, here) for _, cls in key.registry] if key.registry else []
        inner += [(key.block, here)] if key.block else []
    for cls, here in inner:
        found = homes(cls, here) | found
    return found
