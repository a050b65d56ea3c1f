"""An error of fields carries its keys apart from its sentences."""

import pytest

from dropout_cli.core.errors import InvalidField, Problem
from dropout_cli.variants.adaptive import Adaptive


def test_a_refused_field_keeps_key_fact_and_way_out_apart() -> None:
    """A colon in a fact is no mark of a key."""
    error = InvalidField("", "alpha needs architecture.activation: selu", "inverted works with any")
    assert error.problems == (Problem("", "alpha needs architecture.activation: selu", "inverted works with any"),)
    assert str(error) == "alpha needs architecture.activation: selu. inverted works with any"
    assert list(error.within("dropout")) == [error.problems[0]._replace(place="dropout")]


def test_a_key_is_counted_from_the_block_that_holds_the_one_that_refuses() -> None:
    """`low` of `dropout` is `dropout.low`."""
    with pytest.raises(InvalidField) as caught:
        Adaptive(low=0.9, high=0.5)
    assert str(caught.value) == "low: 0.9 is above high, 0.5"
    assert [problem.place for problem in caught.value.within("dropout")] == ["dropout.low"]


def test_several_problems_are_one_error_and_a_line_each() -> None:
    """It is a ValueError, as pydantic wants it."""
    error = InvalidField.of([Problem("a", "is wrong"), Problem("b", "is too", "Leave it out")])
    assert isinstance(error, ValueError) and str(error) == "a: is wrong\nb: is too. Leave it out"
