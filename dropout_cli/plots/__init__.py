"""Figures as bytes, PNG or SVG.

The same input gives the same bytes. Nothing is written or shown.
"""

from dropout_cli.plots.canvas import as_svg
from dropout_cli.plots.confusion_matrix import confusion_figure
from dropout_cli.plots.effects import activation_maps
from dropout_cli.plots.epochs import learning_curves
from dropout_cli.plots.maps import feature_maps
from dropout_cli.plots.over_epochs import epoch_figures
from dropout_cli.plots.ranks import critical_difference_plot
from dropout_cli.plots.rates import has_rate_changes, rate_curves
from dropout_cli.plots.residuals import residual_figure
from dropout_cli.plots.step_time import step_time_figure
from dropout_cli.plots.sweeps import curve_bands, dot_plot, forest_plot, means_by_key
from dropout_cli.plots.worst import mistake_bars, mistake_caption, mistake_images, mistakes_title, png_images

__all__ = [
    "activation_maps",
    "as_svg",
    "confusion_figure",
    "critical_difference_plot",
    "curve_bands",
    "dot_plot",
    "epoch_figures",
    "feature_maps",
    "forest_plot",
    "has_rate_changes",
    "learning_curves",
    "means_by_key",
    "mistake_bars",
    "mistake_caption",
    "mistake_images",
    "mistakes_title",
    "png_images",
    "rate_curves",
    "residual_figure",
    "step_time_figure",
]
