"""Grids of heat maps with one color scale.

Each row is a layer or a kind of mask, each column a setting.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import DPI, elide, render, style
from dropout_cli.plots.layout import titled_canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Panel: TypeAlias = tuple[str, float | str]
"""Row, and rate or word for the column."""

FULL_COLOR_PERCENTILE = (
    95.0  # percentile of the magnitudes above 0 at which color is full; few large ones would make the rest pale
)

# Inches: margins, the space above for the names of the columns, the gap next to a panel, the space below it for its
# caption, and the width that the title needs.
LEFT_INCHES, RIGHT_INCHES, TOP_INCHES, GAP_INCHES, CAPTION_INCHES = 0.6, 0.85, 0.25, 0.2, 0.4
MIN_WIDTH = 5.2


def panel_grid(
    values: Mapping[Panel, Array],
    captions: Mapping[Panel, str],
    title: str,
    subtitle: str = "",
    *,
    panel_width: float,
    panel_height: float,
    row_label: Callable[[str, Array], str],
    draw_lines: Callable[["Axes", Panel], None] = lambda axes, panel: None,
) -> bytes:
    """Draw a grid of matrices with captions.

    Zero is white, and no other value is. If some values are negative, the scale has a hue for each sign.

    Args:
        values: Panel -> (rows, columns).
        captions: Panel -> text below it.
        title: The finding.
        subtitle: The content of the figure.
        panel_width: Width of a panel in inches.
        panel_height: Height of a panel in inches.
        row_label: Makes the label of a row from its name and its first matrix.
        draw_lines: Draws lines over a panel.
    """
    rows = list(dict.fromkeys(row for row, _ in values))
    settings = list(dict.fromkeys(setting for _, setting in values))
    end = LEFT_INCHES + len(settings) * (panel_width + GAP_INCHES) - GAP_INCHES
    width, body = max(end + RIGHT_INCHES, MIN_WIDTH), TOP_INCHES + len(rows) * (panel_height + CAPTION_INCHES)
    low, high = color_range(values)
    with style():
        canvas = titled_canvas(title, subtitle, body, width)
        figure, height = canvas.figure, canvas.height
        for (row, setting), matrix in values.items():
            x = LEFT_INCHES + settings.index(setting) * (panel_width + GAP_INCHES)
            y = body - TOP_INCHES - panel_height - rows.index(row) * (panel_height + CAPTION_INCHES)
            axes = figure.add_axes((x / width, y / height, panel_width / width, panel_height / height))
            # "auto" blurs cells of 1 to 3 pixels, but averages cells smaller than a pixel, which "nearest" would skip.
            sharp = matrix.shape[0] <= panel_height * DPI and matrix.shape[1] <= panel_width * DPI
            image = axes.imshow(
                np.ma.masked_equal(matrix, 0),
                cmap=color_map(low < 0),
                vmin=low,
                vmax=high,
                aspect="auto",
                interpolation="nearest" if sharp else "auto",
            )
            draw_frame(axes, captions[row, setting])
            draw_lines(axes, (row, setting))
            if setting == settings[0]:
                axes.set_ylabel(row_label(elide(row, panel_height, 9), matrix), fontsize=8)
            if row == rows[0]:
                axes.set_title(setting if isinstance(setting, str) else f"rate {setting:g}", fontsize=9, pad=4)
        bottom = body - TOP_INCHES - panel_height
        place = ((end + 0.15) / width, bottom / height, 0.13 / width, panel_height / height)
        draw_color_bar(figure, image, place, signed=low < 0)
        return render(figure)


def color_range(matrices: Mapping[Panel, Array]) -> tuple[float, float]:
    """Return the values of full color, which are the same for all panels.

    Zero is in the middle if there are negative values.

    Args:
        matrices: Panel -> matrix.
    """
    values = np.concatenate([matrix.ravel() for matrix in matrices.values()])
    magnitudes = np.abs(values[values != 0])
    full = float(np.percentile(magnitudes, FULL_COLOR_PERCENTILE)) if len(magnitudes) else 1.0
    return (-full if np.any(values < 0) else 0.0), full


def color_map(signed: bool) -> "Colormap":
    """Return white for zero, darker blue for larger values, and orange for negative ones.

    Args:
        signed: True if there are negative values.
    """
    from matplotlib.colors import LinearSegmentedColormap

    above, below = ["#CBE0F0", "#94C4DF", "#4A98C9", "#1764AB", "#08306B"], ["#7F2704", "#D94801", "#FD8D3C", "#FDD0A2"]
    colors = LinearSegmentedColormap.from_list("activations", [*below, "#F2F2F2", *above[1:]] if signed else above)
    return colors.with_extremes(bad="white")


def draw_frame(axes: "Axes", caption: str) -> None:
    """Draw a thin frame without ticks, with the caption below."""
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(caption, fontsize=8, labelpad=4)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.5)


def draw_color_bar(
    figure: "Figure", image: "AxesImage", place: tuple[float, float, float, float], *, signed: bool
) -> None:
    """Draw the color bar.

    Args:
        figure: The figure.
        image: The image whose colors it explains.
        place: Left, bottom, width and height as shares of the figure.
        signed: True if there are negative values.
    """
    axes = figure.add_axes(place)
    axes.grid(visible=False)
    figure.colorbar(image, cax=axes, extend="both" if signed else "max")
    axes.tick_params(labelsize=7, length=2)
    axes.set_ylabel("activation (white: 0)", fontsize=7)
