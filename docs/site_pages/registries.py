"""The classes that this package registers, without those of plugins."""

from typing import Any

from dropout_cli.core.registry import Registry


def built_in(registry: Registry[Any]) -> list[tuple[str, type]]:
    """Return name and class of everything in a registry that comes with this package, sorted by name.

    Args:
        registry: Any registry.
    """
    return [(name, cls) for name, cls in registry if cls.__module__.startswith("dropout_cli.")]
