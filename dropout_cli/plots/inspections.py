"""Figures of studies of a trained network, drawn from the columns of their CSV files."""

from collections.abc import Callable
from typing import TypeAlias

from dropout_cli.plots import ensembles
from dropout_cli.plots.mc_curve import mc_curve_figure, mutual_information_figure
from dropout_cli.plots.reliability import reliability_diagrams
from dropout_cli.plots.selective import risk_coverage_figure

FigureColumns: TypeAlias = Mapping[str, Sequence[Any]]
"""Column name -> cells: numbers, texts, or None for an empty cell."""
from dropout_cli.plots.figure_columns import FigureColumns
from dropout_cli.plots.out_of_distribution import draw_roc_curves, draw_score_distributions
from dropout_cli.plots.rotated_digit import draw_rotated_digit
from dropout_cli.plots.shift import draw_shift_curves

Drawing: TypeAlias = Callable[[FigureColumns, str, str], bytes]
"""Draws columns under a title and a subtitle."""

DRAWINGS: dict[str, Drawing] = {
    "mc_curve": mc_curve_figure,
    "mutual_information": mutual_information_figure,
    "risk_coverage": risk_coverage_figure,
    "averages_over_masks": ensembles.averages_over_masks,
    "error_by_networks": ensembles.error_by_networks,
    "reliability": reliability_diagrams,
    "shift_curves": draw_shift_curves,
    "rotated_digit": draw_rotated_digit,
    "score_distributions": draw_score_distributions,
    "roc_curves": draw_roc_curves,
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
