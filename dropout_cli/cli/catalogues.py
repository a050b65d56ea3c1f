"""Tables of the variants and of the datasets, and the page of one of them."""

from collections.abc import Mapping
from typing import Any

from dropout_cli.cli import output
from dropout_cli.core.errors import Problem


def all_entries(
    what: str, entries: list[dict[str, Any]], json: bool, *, left_out: Mapping[str, Problem] | None = None
) -> None:
    """Print a row per entry, and below them the names that cannot be used, and why."""
    unusable = [
        {"name": name, "package": problem.place, "problem": str(problem)} for name, problem in (left_out or {}).items()
    ]
    if json:
        output.result(output.as_json({what: entries} | ({"left_out": unusable} if unusable else {})))
        return
    parts = [output.table(list(entries[0]), [[_short(value) for value in entry.values()] for entry in entries])]
    if unusable:
        parts.append(output.table(["left out", "package", "problem"], [list(one.values()) for one in unusable]))
    output.result("\n\n".join(parts))


def one_entry(entry: dict[str, Any], json: bool) -> None:
    """Print the text and the keys of one entry."""
    if json:
        output.result(output.as_json(entry))
        return
    keys = [
        [key["name"], "required" if key["required"] else _default(key["default"]), key["allowed"], key["about"]]
        for key in entry["keys"]
    ]
    parts = [entry["text"], output.table(("key", "default", "allowed", "about"), keys) if keys else "It takes no keys."]
    if "config" in entry:
        parts.append("A config to try it with:\n\n" + entry["config"].rstrip())
    output.result("\n\n".join(parts))


def _default(value: Any) -> Any:
    """As YAML has it; nothing where a key has no default is `null` too."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else _short(value)


def _short(value: Any) -> Any:
    if value is None:
        return ""
    return "x".join(str(one) for one in value) if isinstance(value, list | tuple) else value
