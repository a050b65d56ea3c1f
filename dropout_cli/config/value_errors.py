"""Messages for pydantic's validation errors: one sentence per mistake, in terms of YAML."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dropout_cli.config.document import Node
from dropout_cli.config.error_collector import shorten
from dropout_cli.config.scalars import parse_scalar
from dropout_cli.core.registry import did_you_mean
from dropout_cli.core.text import counted

_KIND_WORDS = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "path_type": "a path",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "none_required": "null",
}
"""Wanted kind for each of pydantic's errors about a value of a wrong kind."""


PydanticError = Mapping[str, Any]


def explain_errors(
    errors: Sequence[PydanticError], node: Node, literals: Iterable[Any], hint: str
) -> list[tuple[Node, str, str]]:
    """Return (node, fact, way out) for each mistake in a leaf.

    Errors about the same list item become one sentence; errors about the whole list are left out if an item is wrong.

    Args:
        errors: as pydantic lists them, one per member of a union.
        node: the value.
        literals: the words that the key accepts.
        hint: a remark for values out of bounds.
    """
    by_entry: dict[tuple[int, ...], list[PydanticError]] = {}
    for error in errors:
        entry = tuple(part for part in error["loc"] if isinstance(part, int))
        by_entry.setdefault(entry, []).append(error)
    # Errors about the whole list come from union members that expect no list.
    if any(by_entry) and isinstance(node.value, list):
        by_entry.pop((), None)
    nodes = {entry: _item_at(node, entry) for entry in by_entry}
    return [
        (nodes[entry], *_fact_and_way_out(entry_errors, nodes[entry], literals, hint))
        for entry, entry_errors in by_entry.items()
    ]


def describe_value(node: Node) -> str:
    """Return a description of the value as the user wrote it."""
    if isinstance(node.value, list):
        return "a list" if node.value else "an empty list"
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, str):
        return f"the text '{shorten(node.value, 40)}'"
    return shorten(node.text, 40) or "nothing"


def _item_at(node: Node, entry: tuple[int, ...]) -> Node:
    """Return the list item, or the innermost existing node around it."""
    for index in entry:
        if not isinstance(node.value, list) or index >= len(node.value):
            break
        node = node.value[index]
    return node


def _fact_and_way_out(errors: list[PydanticError], node: Node, literals: Iterable[Any], hint: str) -> tuple[str, str]:
    """Return fact and way out for one value.

    If the value has the right kind for a member of the union, only that member's bound is reported.
    """
    for error in errors:
        if error.get("type") == "string_too_short" and not node.value:
            return "is empty", "Write a text."
        bound = _bound_words(error.get("type", ""), error.get("ctx") or {})
        if bound:
            remark = f" ({hint})" if hint else ""
            return f"must {bound}, got {_number(node)}{remark}", ""
    # Each kind once, in the order of the union.
    wanted = list(dict.fromkeys(_wanted_kind(error) for error in errors))
    known = [literal for literal in literals if isinstance(literal, str)]
    return f"must be {' or '.join(wanted)}, got {describe_value(node)}", _way_out(node, wanted, known)


def _number(node: Node) -> str:
    return describe_value(node) if isinstance(node.value, list | dict) else shorten(node.text, 40)


def _wanted_kind(error: PydanticError) -> str:
    """Return the kind that the value should have, to follow 'must be'."""
    if error["type"] == "literal_error":
        return str(error["ctx"]["expected"])
    return _KIND_WORDS.get(error["type"]) or f"valid ({error['msg']})"


def _bound_words(kind: str, ctx: Mapping[str, Any]) -> str:
    """Return what is wrong with a value of the right kind, to follow 'must'; else empty."""
    match kind:
        case "greater_than":
            return f"be above {ctx['gt']:g}"
        case "greater_than_equal":
            return f"be at least {ctx['ge']:g}"
        case "less_than":
            return f"be below {ctx['lt']:g}"
        case "less_than_equal":
            return f"be at most {ctx['le']:g}"
        case "multiple_of":
            return f"be a multiple of {ctx['multiple_of']:g}"
        case "finite_number":
            return "be a finite number"
        case "too_short" | "missing":
            least = ctx.get("min_length")
            return "have more entries" if least is None else f"have at least {counted(least, 'entry')}"
        case "too_long":
            return f"have at most {counted(ctx['max_length'], 'entry')}"
        case "string_too_short":
            return f"have at least {counted(ctx['min_length'], 'character')}"
        case "string_too_long":
            return f"have at most {counted(ctx['max_length'], 'character')}"
        case "string_pattern_mismatch":
            return f"match {ctx['pattern']}"
    return ""


def _way_out(node: Node, wanted: list[str], known: list[str]) -> str:
    """Return a suggestion for a value of a wrong kind."""
    value = node.value
    if isinstance(value, str):
        hint = did_you_mean(value, known)
        if hint:
            return hint
        if wanted == ["a list"] and not node.quoted:
            return f"Write [{shorten(node.text, 40)}]."
        if re.fullmatch(r"-?\d+,\d+", value) and "a number" in wanted:
            return f"Write {value.replace(',', '.')}."
        if re.fullmatch(r"-?[\d.]+ ?%", value) and "a number" in wanted:
            return "Write a number without %."
        if node.quoted and isinstance(parse_scalar(value), int | float) and len(value) < 40:
            return "Write it without quotes."
    elif wanted == ["text"] and not isinstance(value, list | dict):
        return "Put it in quotes."
    elif wanted == ["a list"] and not isinstance(value, list | dict):
        return f"Write [{shorten(node.text, 40)}]."
    return ""
