"""Dotted keys such as `training.optimizer.name`, and their values in nested mappings."""

from collections.abc import Mapping
from typing import Any


def value_at(mapping: object, key: str) -> Any:
    """Return the value at a dotted key of nested mappings; None if there is no such key."""
    found: Any = mapping
    for name in key.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def last_name(key: str) -> str:
    """Return the last name of a dotted key: `name` of `training.optimizer.name`."""
    return key.rpartition(".")[2]
