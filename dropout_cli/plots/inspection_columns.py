"""Cells of the columns that figures of studies are drawn from."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

FigureColumns: TypeAlias = Mapping[str, Sequence[Any]]
"""Column name -> cells: numbers, texts, or None for an empty cell."""


def text_cell(cell: Any) -> str:
    """Return a cell as text: an empty cell as an empty text, a number in short form."""
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else f"{cell:g}"
