"""Heat maps side by side: a row per layer or kind of mask, a column per setting, one color scale for all."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import DPI, blank, fitted, rendered, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Panel: TypeAlias = tuple[str, float | str]
"""A row, and a rate or a word for the column."""

FULL = 95.0
"""The percentile of the magnitudes, zeros left out, at which color is full; the few larger ones would pale the rest."""

LEFT, RIGHT, TOP, BETWEEN, BELOW = 0.6, 0.85, 0.7, 0.2, 0.4
NARROWEST = 5.2
"""Inches: margins; the gap beside a panel, that below for its caption; what the title needs."""


def panels(
    values: Mapping[Panel, Array],
    captions: Mapping[Panel, str],
    title: str,
    *,
    wide: float,
    tall: float,
    row_label: Callable[[str, Array], str],
    rule: Callable[["Axes", Panel], None] = lambda axes, panel: None,
) -> bytes:
    """Draw each panel's matrix, `wide` by `tall` inches, with a caption under it; `rule` draws over it.

    Zero is white, and nothing else is. Where some values are negative, the scale has a hue on either side of it.
    """
    rows = list(dict.fromkeys(row for row, _ in values))
    settings = list(dict.fromkeys(setting for _, setting in values))
    end = LEFT + len(settings) * (wide + BETWEEN) - BETWEEN
    width, height = max(end + RIGHT, NARROWEST), TOP + len(rows) * (tall + BELOW)
    low, high = color_range(values)
    with style():
        figure = blank(width, height)
        for (row, setting), matrix in values.items():
            x = LEFT + settings.index(setting) * (wide + BETWEEN)
            y = height - TOP - tall - rows.index(row) * (tall + BELOW)
            axes = figure.add_axes((x / width, y / height, wide / width, tall / height))
            # Between 1 and 3 pixels a cell, matplotlib would blur; cells smaller than a pixel must be averaged.
            sharp = matrix.shape[0] <= tall * DPI and matrix.shape[1] <= wide * DPI
            image = axes.imshow(
                np.ma.masked_equal(matrix, 0),
                cmap=colors(low < 0),
                vmin=low,
                vmax=high,
                aspect="auto",
                interpolation="nearest" if sharp else "auto",
            )
            frame(axes, captions[row, setting])
            rule(axes, (row, setting))
            if setting == settings[0]:
                axes.set_ylabel(row_label(fitted(row, tall, 9), matrix), fontsize=8)
            if row == rows[0]:
                axes.set_title(setting if isinstance(setting, str) else f"rate {setting:g}", fontsize=9, pad=4)
        figure.text(0.15 / width, 1 - 0.22 / height, fitted(title, width - 0.3, 10), fontsize=10, va="center")
        place = ((end + 0.15) / width, 1 - (TOP + tall) / height, 0.13 / width, tall / height)
        scale(figure, image, place, signed=low < 0)
        return rendered(figure)


def color_range(matrices: Mapping[Panel, Array]) -> tuple[float, float]:
    """The values at which color is full, the same for all panels; zero in the middle where there are negative ones."""
    values = np.concatenate([one.ravel() for one in matrices.values()])
    magnitudes = np.abs(values[values != 0])
    full = float(np.percentile(magnitudes, FULL)) if len(magnitudes) else 1.0
    return (-full if np.any(values < 0) else 0.0), full


def colors(signed: bool) -> "Colormap":
    """White for zero; darker blue for larger values, and orange for negative ones where there are any."""
    from matplotlib.colors import LinearSegmentedColormap

    above, below = ["#CBE0F0", "#94C4DF", "#4A98C9", "#1764AB", "#08306B"], ["#7F2704", "#D94801", "#FD8D3C", "#FDD0A2"]
    colors = LinearSegmentedColormap.from_list("activations", [*below, "#F2F2F2", *above[1:]] if signed else above)
    return colors.with_extremes(bad="white")


def frame(axes: "Axes", caption: str) -> None:
    """A thin frame without ticks, the caption below."""
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(caption, fontsize=8, labelpad=4)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.5)


def scale(figure: "Figure", image: "AxesImage", place: tuple[float, float, float, float], *, signed: bool) -> None:
    """The color bar, at `place` (left, bottom, width, height in parts of the figure)."""
    axes = figure.add_axes(place)
    axes.grid(visible=False)
    figure.colorbar(image, cax=axes, extend="both" if signed else "max")
    axes.tick_params(labelsize=7, length=2)
    axes.set_ylabel("activation (white: 0)", fontsize=7)
