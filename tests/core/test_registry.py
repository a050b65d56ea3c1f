"""Dispatch is a lookup, and a miss is helpful."""

import pytest

from dropout_cli.core.errors import Problem
from dropout_cli.core.field_types import describe_fields, field_docs
from dropout_cli.core.registry import Registry, UnknownName, suggest_names
from dropout_cli.variants import VARIANTS
from dropout_cli.variants.inverted import Inverted


def test_an_unknown_name_comes_with_a_suggestion_and_the_choices() -> None:
    """`Unknown variant 'invertd'. Did you mean 'inverted'? Choose from: ...`."""
    with pytest.raises(UnknownName, match=r"unknown variant 'invertd'\. Did you mean 'inverted'\? Choose from: .*none"):
        VARIANTS["invertd"]


def test_a_suggestion_names_the_nearest_and_all() -> None:
    """Without a similar name, it lists all names only."""
    known = ("accuracy", "error")
    assert suggest_names("acuracy", known) == "Did you mean 'accuracy'? Choose from: accuracy, error."
    assert suggest_names("zzz", known) == "Choose from: accuracy, error."


def test_a_name_is_registered_once() -> None:
    """Two classes of one name are a mistake of the programmer."""
    registry: Registry[object] = Registry("thing", package="dropout_cli.core.errors")
    registry.register("a")(int)
    with pytest.raises(ValueError, match="registered twice"):
        registry.register("a")(str)


def test_names_and_classes_belong_together() -> None:
    """Back and forth."""
    for name, cls in VARIANTS:
        assert VARIANTS[name] is cls and VARIANTS.name_of(cls) == name


def test_fields_document_themselves() -> None:
    """The text below a field, bases included, is what the command line prints."""
    assert "The probability of dropping a hidden activation" in field_docs(Inverted)["rate"]
    assert {key["name"]: key["default"] for key in describe_fields(Inverted)}["rate"] == 0.5


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (Problem("a:1:2", "is wrong", "Mend it"), "a:1:2: is wrong. Mend it."),
        (Problem("", "is wrong."), "is wrong."),
        (Problem("a", "is\nwrong", "Did you mean b?"), "a: is wrong. Did you mean b?"),
    ],
)
def test_a_problem_is_one_line(problem: Problem, line: str) -> None:
    """Place, fact, way out."""
    assert str(problem) == line
