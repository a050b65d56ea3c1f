"""Figures as bytes, PNG or SVG.

The same input gives the same bytes. Nothing is written or shown.
"""

from dropout_cli.plots.canvas import as_svg
from dropout_cli.plots.effects import effects
from dropout_cli.plots.epochs import curves
from dropout_cli.plots.maps import maps
from dropout_cli.plots.matrix import confusion
from dropout_cli.plots.over_epochs import over_epochs
from dropout_cli.plots.rates import rates, worth_drawing
from dropout_cli.plots.residuals import residuals
from dropout_cli.plots.step_time import step_time
from dropout_cli.plots.sweeps import against, bands, critical_difference, dots, forest
from dropout_cli.plots.worst import caption, mistakes_pictures, mistakes_table

__all__ = [
    "against",
    "as_svg",
    "bands",
    "caption",
    "confusion",
    "critical_difference",
    "curves",
    "dots",
    "effects",
    "forest",
    "maps",
    "mistakes_pictures",
    "mistakes_table",
    "over_epochs",
    "rates",
    "residuals",
    "step_time",
    "worth_drawing",
]
