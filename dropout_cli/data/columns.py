"""What a column of a table is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A feature of a table: a number, or one of several words, whose place among them then stands in the data."""

    name: str
    categories: tuple[str, ...] | None = None
    comma: bool = False
    """Whether its numbers were written with a decimal comma."""
