"""Feature maps of one example under several rates: a row per kind of mask, a column per rate, one color scale."""

import math
from collections.abc import Mapping

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.plots.canvas import blank, fitted, png, style
from dropout_cli.plots.effects import (
    BELOW,
    BETWEEN,
    LEFT,
    NARROWEST,
    RIGHT,
    TOP,
    Panel,
    color_range,
    colors,
    frame,
    scale,
)

SIDE = 2.1
"""Inches of a panel, a square of maps."""
MOST_MAPS = 16
"""Of a panel; the first channels are shown."""


def maps(activations: Mapping[Panel, Array], captions: Mapping[Panel, str], title: str) -> bytes:
    """Draw `activations` (height, width, channels) of each kind of mask and rate, a caption under each.

    Zero is white.
    """
    kinds = list(dict.fromkeys(kind for kind, _ in activations))
    settings = list(dict.fromkeys(setting for _, setting in activations))
    end = LEFT + len(settings) * (SIDE + BETWEEN) - BETWEEN
    width, height = max(end + RIGHT, NARROWEST), TOP + len(kinds) * (SIDE + BELOW)
    low, high = color_range(activations)
    with style():
        figure = blank(width, height)
        for (kind, setting), values in activations.items():
            x = LEFT + settings.index(setting) * (SIDE + BETWEEN)
            y = height - TOP - SIDE - kinds.index(kind) * (SIDE + BELOW)
            axes = figure.add_axes((x / width, y / height, SIDE / width, SIDE / height))
            image = axes.imshow(
                np.ma.masked_equal(mosaic(values), 0),
                cmap=colors(low < 0),
                vmin=low,
                vmax=high,
                aspect="auto",
                interpolation="nearest",
            )
            frame(axes, captions[kind, setting])
            for line in range(1, beside(values)):
                axes.axhline(line * values.shape[0] - 0.5, color="black", linewidth=0.5)
                axes.axvline(line * values.shape[1] - 0.5, color="black", linewidth=0.5)
            if setting == settings[0]:
                axes.set_ylabel(fitted(kind, SIDE, 9), fontsize=9)
            if kind == kinds[0]:
                axes.set_title(setting if isinstance(setting, str) else f"rate {setting:g}", fontsize=9, pad=4)
        figure.text(0.15 / width, 1 - 0.22 / height, fitted(title, width - 0.3, 10), fontsize=10, va="center")
        place = ((end + 0.15) / width, 1 - (TOP + SIDE) / height, 0.13 / width, SIDE / height)
        scale(figure, image, place, signed=low < 0)
        return png(figure)


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
