"""The data of a figure: columns of a CSV file."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

FigureColumns: TypeAlias = Mapping[str, Sequence[Any]]
"""Column name -> cells: numbers, texts, or None for an empty cell."""


def rows_where(columns: FigureColumns, **cells: Any) -> dict[str, list[Any]]:
    """Return the columns with only those rows that have the given cells.

    Args:
        columns: The columns.
        cells: Column name -> the cell of the rows that are kept.
    """
    count = len(next(iter(columns.values())))
    kept = [row for row in range(count) if all(columns[name][row] == cell for name, cell in cells.items())]
    return {name: [column[row] for row in kept] for name, column in columns.items()}


def text_cell(cell: Any) -> str:
    """Return a cell as text: an empty cell as an empty text, a number in short form."""
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else f"{cell:g}"
