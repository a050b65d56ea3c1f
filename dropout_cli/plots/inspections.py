"""Figures of studies of a trained network, drawn from the columns of their CSV files."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from dropout_cli.plots.target_calibration import draw_pit_histogram, draw_target_calibration

FigureColumns: TypeAlias = Mapping[str, Sequence[Any]]
"""Column name -> cells: numbers, texts, or None for an empty cell."""

Drawing: TypeAlias = Callable[[FigureColumns, str, str], bytes]
"""Draws columns under a title and a subtitle."""

DRAWINGS: dict[str, Drawing] = {
    "target_calibration": draw_target_calibration,
    "pit_histogram": draw_pit_histogram,
}
"""Name of a kind of figure -> the function that draws it."""


def draw_inspection(name: str, columns: FigureColumns, title: str, subtitle: str) -> bytes:
    """Draw a figure.

    Args:
        name: A key of DRAWINGS.
        columns: The columns of the CSV file.
        title: The finding.
        subtitle: What the figure shows.

    Raises:
        KeyError: There is no such kind of figure.
    """
    return DRAWINGS[name](columns, title, subtitle)
