"""Feature maps of one example: a row per kind of mask, a column per dropout rate."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.panels import Panel, panel_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_SIDE = 2.1  # inches of a panel
MAX_MAPS = 16  # per panel; the first channels are shown


def feature_maps(
    activations: Mapping[Panel, Array], captions: Mapping[Panel, str], title: str, subtitle: str = ""
) -> bytes:
    """Draw the feature maps of each kind of mask and rate.

    Args:
        activations: Panel -> (height, width, channels).
        captions: Panel -> text below it.
        title: The finding.
        subtitle: The content of the figure.
    """

    def rule(axes: "Axes", panel: Panel) -> None:
        values = activations[panel]
        for line in range(1, maps_per_row(values)):
            axes.axhline(line * values.shape[0] - 0.5, color="black", linewidth=0.5)
            axes.axvline(line * values.shape[1] - 0.5, color="black", linewidth=0.5)

    mosaics = {panel: mosaic(values) for panel, values in activations.items()}
    return panel_grid(
        mosaics,
        captions,
        title,
        subtitle,
        panel_width=PANEL_SIDE,
        panel_height=PANEL_SIDE,
        row_label=lambda kind, _: kind,
        draw_lines=rule,
    )


def maps_per_row(values: Array) -> int:
    """Return the number of maps per row of the square mosaic."""
    return math.ceil(math.sqrt(min(values.shape[-1], MAX_MAPS)))


def mosaic(values: Array) -> Array:
    """Arrange the first maps row by row in a square, with zeros in unused places.

    Args:
        values: (height, width, channels).
    """
    height, width, _ = values.shape
    many = maps_per_row(values)
    picture = np.zeros((many * height, many * width), values.dtype)
    for channel in range(min(values.shape[-1], MAX_MAPS)):
        row, column = divmod(channel, many)
        picture[row * height : (row + 1) * height, column * width : (column + 1) * width] = values[..., channel]
    return picture
