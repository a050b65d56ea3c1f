"""Figures of studies of a trained network, drawn from the columns of their CSV files."""

from collections.abc import Callable
from typing import TypeAlias

from dropout_cli.plots.ablation import ablation_figure
from dropout_cli.plots.effect_statistics import statistics_by_layer, statistics_by_rate
from dropout_cli.plots.filters import column_bars, filter_images
from dropout_cli.plots.inspection_columns import FigureColumns

Drawing: TypeAlias = Callable[[FigureColumns, str, str], bytes]
"""Draws columns under a title and a subtitle."""

DRAWINGS: dict[str, Drawing] = {
    "effects_ablation": ablation_figure,
    "effects_columns": column_bars,
    "effects_filters": filter_images,
    "effects_rates": statistics_by_rate,
    "effects_statistics": statistics_by_layer,
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
