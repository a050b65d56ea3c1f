"""Tables of the variants and of the datasets, and the page of one of them."""

from typing import Any

from dropout_cli.cli import output


def all_entries(what: str, entries: list[dict[str, Any]], json: bool) -> None:
    """Print a row per entry."""
    if json:
        output.result(output.as_json({what: entries}))
    else:
        output.result(
            output.table(list(entries[0]), [[_short(value) for value in entry.values()] for entry in entries])
        )


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
