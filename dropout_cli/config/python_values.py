"""Settings given as Python values, checked like the keys of a config file."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dropout_cli.config.document import Node
from dropout_cli.config.error_collector import ConfigSource, ErrorCollector, Place, shorten
from dropout_cli.config.validate import INVALID, build_block


class GivenValue(NamedTuple):
    """A Python value for a key of a config."""

    key: str
    """The dotted key, such as `training.epochs`."""
    value: Any
    """A number, a text, None, a sequence or a mapping; NumPy's kinds of them too."""
    name: str
    """The name of the value in messages, such as `max_iter`."""


def build_from_values(cls: type, values: Iterable[GivenValue], owner: str) -> Any:
    """Return the instance of a dataclass of settings.

    Args:
        cls: The dataclass; its fields are blocks, choices and leaves, as in `Experiment`.
        values: The values that are set.
        owner: The name of whatever has the settings, for messages about several of them.

    Raises:
        ConfigError: With all mistakes; each begins with `name=value`.
    """
    root = _block(owner)
    for given in values:
        *blocks, last = given.key.split(".")
        inside = root
        for name in blocks:
            assert isinstance(inside.value, dict)
            inside = inside.value.setdefault(name, _block(owner))
        assert isinstance(inside.value, dict)
        source = ConfigSource(shorten(f"{given.name}={given.value!r}"), Path(), override=given.key)
        inside.value[last] = _node(given.value, Place(source, 1, 1))
    errors = ErrorCollector()
    built = build_block(cls, root, errors)
    errors.raise_if_any()
    assert built is not INVALID
    return built


def _block(owner: str) -> Node:
    place = Place(ConfigSource(owner, Path(), override=""), 1, 1)
    return Node({}, place, place)


def _node(value: Any, place: Place) -> Node:
    """Return the tree of a value; objects that YAML does not have become their text."""
    value = value.tolist() if hasattr(value, "tolist") else value  # NumPy's numbers and arrays
    if isinstance(value, Mapping):
        return Node({str(name): _node(item, place) for name, item in value.items()}, place, place)
    if isinstance(value, list | tuple):
        return Node([_node(item, place) for item in value], place, place)
    plain = value if value is None or isinstance(value, bool | int | float | str) else repr(value)
    return Node(plain, place, place, str(plain), quoted=isinstance(plain, str))
