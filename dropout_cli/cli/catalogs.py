"""Print catalogs of variants and of datasets, and the page of one entry."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from dropout_cli.cli import output
from dropout_cli.core.errors import Problem

PAGE_WIDTH = 100
"""Columns of the page of a variant."""


def print_catalog(
    key: str, entries: list[dict[str, Any]], json: bool, *, left_out: Mapping[str, Problem] | None = None
) -> None:
    """Print one table row per entry, and below them the names that cannot be used.

    Args:
        key: The key of the list in the JSON object: `variants` or `datasets`.
        entries: Column -> value, with the same columns in every entry, and `package` in those of plugins.
        json: True to print one JSON object instead of a table.
        left_out: Name -> why a plugin cannot be used.
    """
    unusable = [
        {"name": name, "package": problem.place, "problem": str(problem)} for name, problem in (left_out or {}).items()
    ]
    if json:
        output.print_result(output.json_text({key: entries} | ({"left_out": unusable} if unusable else {})))
        return
    shown = list(dict.fromkeys(name for entry in entries for name in entry))
    parts = [output.format_table(shown, [[_short(entry.get(name)) for name in shown] for entry in entries])]
    if unusable:
        parts.append(output.format_table(["left out", "package", "problem"], [list(one.values()) for one in unusable]))
    output.print_result("\n\n".join(parts))


def print_catalog_entry(entry: dict[str, Any], json: bool) -> None:
    """Print the text and the keys of one entry.

    Args:
        entry: `text`, `keys` and, for variants, an `example` and a `config`.
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
        *_package_line(entry),
        output.format_table(("key", "default", "allowed", "about"), keys) if keys else "It has no keys.",
    ]
    if "example" in entry:
        parts += format_example(entry["example"])
    if "config" in entry:
        parts.append("An example config:\n\n" + entry["config"].rstrip())
    output.print_result("\n\n".join(parts))


def print_variant_summary(entry: Mapping[str, Any]) -> None:
    """Print a variant on one screen: equations, keys with their defaults, and the example.

    Args:
        entry: As in `print_catalog_entry`.
    """
    keys = ", ".join(
        f"{key['name']}: {'required' if key['required'] else _default(key['default'])}" for key in entry["keys"]
    )
    facts = [f"Paper: {entry['paper']}"] if entry["paper"] else []
    facts += _package_line(entry)
    facts += [textwrap.fill(f"Keys with their defaults: {keys}", PAGE_WIDTH) if keys else "It has no keys."]
    parts = [*_equations(entry["text"]), "\n".join(facts)]
    if "example" in entry:
        # One screen has no room for blank lines within a paragraph.
        parts += [re.sub(r":\n\n|\n\n(?=    rng = )", _single_break, text) for text in format_example(entry["example"])]
    more = "all notes, the table of keys and an example config"
    parts[-1] += f"\n`dropout variants {entry['name']} --full` shows {more}."
    output.print_result("\n\n".join(parts))


def _package_line(entry: Mapping[str, Any]) -> list[str]:
    return [f"Package: {entry['package']}"] if "package" in entry else []


def _single_break(blank_line: re.Match[str]) -> str:
    return blank_line[0][:-1]


def _equations(text: str) -> list[str]:
    """Return the first paragraph of a text and the indented paragraph after it, if there is one."""
    paragraphs = text.split("\n\n")
    indented = next((place for place, paragraph in enumerate(paragraphs) if paragraph.startswith("    ")), None)
    return paragraphs[:1] if indented is None else [paragraphs[0], paragraphs[indented]]


def format_example(example: Mapping[str, Any]) -> list[str]:
    """Return the paragraphs of a variant's example.

    Args:
        example: `numpy`, `evaluation`, `settings` and `tables`, see `describe_variant`.
    """
    keys = ", ".join(f"{key}: {_default(value)}" for key, value in example["settings"].items())
    with_keys = f" with {keys}" if keys else ""
    return [
        f"In NumPy:\n\n{textwrap.indent(example['numpy'].rstrip(), '    ')}",
        f"A training pass of the layer{with_keys}:\n\n{_side_by_side(example['tables'])}",
        textwrap.fill(f"At evaluation: {example['evaluation']}", PAGE_WIDTH),
    ]


def _side_by_side(tables: Sequence[Mapping[str, Any]]) -> str:
    """Return small tables of numbers, next to each other as far as the page is wide."""
    blocks: list[list[str]] = []
    for table in tables:
        rows = ["".join(f"{round(value, 2) + 0.0:7.2f}" for value in row) for row in table["values"]]
        width = max(map(len, [table["title"], *rows]))
        lines = [line.ljust(width) for line in (table["title"], *rows)]
        if blocks and len(blocks[-1]) == len(lines) and len(blocks[-1][0]) + 4 + width <= PAGE_WIDTH:
            blocks[-1] = [f"{left}    {right}" for left, right in zip(blocks[-1], lines, strict=True)]
        else:
            blocks.append(lines)
    return "\n\n".join("\n".join(f"    {line}".rstrip() for line in block) for block in blocks)


def _default(value: Any) -> Any:
    """Return a default as it is written in YAML."""
    # Also for keys whose default is nothing: a user can write `null` for it.
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else _short(value)


def _short(value: Any) -> Any:
    if value is None:
        return ""
    return "x".join(str(size) for size in value) if isinstance(value, list | tuple) else value
