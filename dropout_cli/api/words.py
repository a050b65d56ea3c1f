"""Python values as the words of a command line."""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def override_words(values: Mapping[str, Any] | None) -> list[str]:
    """Return `KEY=VALUE` words that set keys of a config.

    Args:
        values: Dotted key -> value, such as `{"dropout.rate": 0.5}`.

    Raises:
        TypeError: A value has no form in YAML.
    """
    return [f"{key}={_text(value)}" for key, value in (values or {}).items()]


def swept_words(values: Mapping[str, Any] | None) -> list[str]:
    """Return `KEY=V1,V2` words for the keys of a sweep.

    Args:
        values: Dotted key -> a list of values, or one value, or a mapping such as `{"from": 0, "to": 1, "step": 0.5}`.

    Raises:
        TypeError: A value has no form in YAML.
    """
    words = []
    for key, value in (values or {}).items():
        several = list(value) if _is_list(value) else [value]
        words.append(f"{key}={','.join(map(_text, several))}")
    return words


def plain_values(values: Mapping[str, Any]) -> Any:
    """Return a mapping with plain Python values, as YAML can write them.

    Args:
        values: It may have numbers and arrays of NumPy, and paths.

    Raises:
        TypeError: A value has no form in YAML.
    """
    return json.loads(_text(dict(values)))


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _text(value: object) -> str:
    """Return a value as JSON, which is YAML, too."""
    # NumPy's numbers and arrays, and paths, have no form in JSON.
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    raise TypeError(f"{value!r} has no form in YAML")
