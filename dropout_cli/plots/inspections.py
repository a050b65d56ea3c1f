"""Figures of studies of a trained network, drawn from the columns of their CSV files."""

from collections.abc import Callable
from typing import TypeAlias

from dropout_cli.plots import ensembles
from dropout_cli.plots.ablation import ablation_figure
from dropout_cli.plots.effect_statistics import statistics_by_layer, statistics_by_rate
from dropout_cli.plots.figure_columns import FigureColumns
from dropout_cli.plots.filters import column_bars, filter_images
from dropout_cli.plots.mc_curve import mc_curve_figure, mutual_information_figure
from dropout_cli.plots.out_of_distribution import draw_roc_curves, draw_score_distributions
from dropout_cli.plots.reliability import reliability_diagrams
from dropout_cli.plots.rotated_digit import draw_rotated_digit
from dropout_cli.plots.selective import risk_coverage_figure
from dropout_cli.plots.shift import draw_shift_curves
from dropout_cli.plots.target_calibration import draw_pit_histogram, draw_target_calibration

Drawing: TypeAlias = Callable[[FigureColumns, str, str], bytes]
"""Draws columns under a title and a subtitle."""

DRAWINGS: dict[str, Drawing] = {
    "averages_over_masks": ensembles.averages_over_masks,
    "effects_ablation": ablation_figure,
    "effects_columns": column_bars,
    "effects_filters": filter_images,
    "effects_rates": statistics_by_rate,
    "effects_statistics": statistics_by_layer,
    "error_by_networks": ensembles.error_by_networks,
    "mc_curve": mc_curve_figure,
    "mutual_information": mutual_information_figure,
    "pit_histogram": draw_pit_histogram,
    "reliability": reliability_diagrams,
    "risk_coverage": risk_coverage_figure,
    "roc_curves": draw_roc_curves,
    "rotated_digit": draw_rotated_digit,
    "score_distributions": draw_score_distributions,
    "shift_curves": draw_shift_curves,
    "target_calibration": draw_target_calibration,
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
