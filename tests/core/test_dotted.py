"""Dotted keys and the values that they name."""

import pytest

from dropout_cli.core.dotted import last_name, value_at

NESTED = {"a": {"b": {"c": 1, "none": None}, "text": "x"}, "d": 0}


@pytest.mark.parametrize(
    ("key", "value"), [("d", 0), ("a.b.c", 1), ("a.b", {"c": 1, "none": None}), ("a.b.none", None), ("a.text", "x")]
)
def test_a_dotted_key_names_a_value_in_nested_mappings(key: str, value: object) -> None:
    """At any depth; the value may be a mapping."""
    assert value_at(NESTED, key) == value
    assert last_name(key) == key.split(".")[-1]


@pytest.mark.parametrize("key", ["", "e", "a.e", "a.b.c.d", "a.text.x", "a.b.none.x", "d."])
def test_a_key_that_is_not_there_has_no_value(key: str) -> None:
    """Nor has one that leads through a value that is no mapping."""
    assert value_at(NESTED, key) is None
    assert value_at(None, key) is None
