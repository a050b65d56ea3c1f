"""Print catalogs of variants and of datasets, and the page of one entry."""

from collections.abc import Mapping
from typing import Any

from dropout_cli.cli import output
from dropout_cli.core.errors import Problem


def print_catalog(
    key: str, entries: list[dict[str, Any]], json: bool, *, left_out: Mapping[str, Problem] | None = None
) -> None:
    """Print one table row per entry, and below them the names that cannot be used.

    Args:
        key: The key of the list in the JSON object: `variants` or `datasets`.
        entries: Column -> value, with the same columns in every entry.
        json: True to print one JSON object instead of a table.
        left_out: Name -> why a plugin cannot be used.
    """
    unusable = [
        {"name": name, "package": problem.place, "problem": str(problem)} for name, problem in (left_out or {}).items()
    ]
    if json:
        output.print_result(output.json_text({key: entries} | ({"left_out": unusable} if unusable else {})))
        return
    parts = [output.format_table(list(entries[0]), [[_short(value) for value in entry.values()] for entry in entries])]
    if unusable:
        parts.append(output.format_table(["left out", "package", "problem"], [list(one.values()) for one in unusable]))
    output.print_result("\n\n".join(parts))


def print_catalog_entry(entry: dict[str, Any], json: bool) -> None:
    """Print the text and the keys of one entry.

    Args:
        entry: `text`, `keys` and, for variants, an example `config`.
        json: True to print one JSON object instead of text.
    """
    if json:
        output.print_result(output.json_text(entry))
        return
    keys = [
        [key["name"], "required" if key["required"] else _default(key["default"]), key["allowed"], key["about"]]
        for key in entry["keys"]
    ]
    parts = [
        entry["text"],
        output.format_table(("key", "default", "allowed", "about"), keys) if keys else "It has no keys.",
    ]
    if "config" in entry:
        parts.append("An example config:\n\n" + entry["config"].rstrip())
    output.print_result("\n\n".join(parts))


def _default(value: Any) -> Any:
    """Return a default as it is written in YAML."""
    # Also for keys whose default is nothing: a user can write `null` for it.
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else _short(value)


def _short(value: Any) -> Any:
    if value is None:
        return ""
    return "x".join(str(size) for size in value) if isinstance(value, list | tuple) else value
