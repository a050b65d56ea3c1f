"""The meaning of every key of a config, from the docstrings of its fields and classes."""

import dataclasses
import inspect
from typing import Any

from dropout_cli.config.declarations import block_keys
from dropout_cli.core.field_types import field_docs


def key_meanings(block: Any, path: str = "") -> dict[str, str]:
    """Return dotted key -> meaning, for every leaf of a block.

    The key that chooses a class, such as `dropout.variant`, has the first line of the class's docstring.

    Args:
        block: An experiment, or a block of it.
        path: The dotted key of the block.
    """
    docs = field_docs(type(block))
    meanings: dict[str, str] = {}
    for name, key in block_keys(type(block)).items():
        inner, value = f"{path}.{name}" if path else name, getattr(block, name)
        if not dataclasses.is_dataclass(value):
            meanings[inner] = docs.get(name, "")
            continue
        if key.registry is not None:
            first_line = (inspect.getdoc(type(value)) or "").partition("\n")[0]
            origin = key.registry.origin(key.registry.name_of(type(value)))
            meanings[f"{inner}.{key.registry.tag}"] = f"{first_line} Package: {origin}." if origin else first_line
        meanings |= key_meanings(value, inner)
    return meanings
