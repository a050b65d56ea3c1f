"""Feature maps of one example under several rates: a row per kind of mask, a column per rate."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.panels import Panel, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDE = 2.1
"""Inches of a panel, a square of maps."""
MOST_MAPS = 16
"""Of a panel; the first channels are shown."""


def maps(activations: Mapping[Panel, Array], captions: Mapping[Panel, str], title: str) -> bytes:
    """Draw `activations` (height, width, channels) of each kind of mask and rate, a caption under each."""

    def rule(axes: "Axes", panel: Panel) -> None:
        values = activations[panel]
        for line in range(1, beside(values)):
            axes.axhline(line * values.shape[0] - 0.5, color="black", linewidth=0.5)
            axes.axvline(line * values.shape[1] - 0.5, color="black", linewidth=0.5)

    mosaics = {panel: mosaic(values) for panel, values in activations.items()}
    return panels(mosaics, captions, title, wide=SIDE, tall=SIDE, row_label=lambda kind, _: kind, rule=rule)


def beside(values: Array) -> int:
    """How many maps stand in a row of the square."""
    return math.ceil(math.sqrt(min(values.shape[-1], MOST_MAPS)))


def mosaic(values: Array) -> Array:
    """The first maps of (height, width, channels), row by row in a square; zeros where there are no more."""
    height, width, _ = values.shape
    many = beside(values)
    picture = np.zeros((many * height, many * width), values.dtype)
    for channel in range(min(values.shape[-1], MOST_MAPS)):
        row, column = divmod(channel, many)
        picture[row * height : (row + 1) * height, column * width : (column + 1) * width] = values[..., channel]
    return picture
