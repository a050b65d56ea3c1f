"""Confusion matrices of 2 to several hundred classes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import INK, LIGHT_GRAY, elide, empty_figure, render, style, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

MAX_NUMBERED = 20  # classes up to which cells show their counts
MAX_NAMED = 100  # classes up to which each has its name; beyond, every second, third, ...
# Ticks of the color scale. Smaller shares get the color of the first, so that a single error is visible.
COLOR_TICKS = (0.001, 0.01, 0.1, 1.0)

MAX_NAME_INCHES = 2.0


def confusion_figure(matrix: Array, classes: Sequence[str], title: str) -> bytes:
    """Draw a confusion matrix, colored by each count's share of its row.

    The color scale is logarithmic, so that rare errors are visible next to a full diagonal; zero is white.

    Args:
        matrix: (C, C) counts; rows are true classes, columns predicted ones.
        classes: C class names.
        title: Title of the figure.
    """
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import FuncFormatter

    n = len(classes)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    cell = 0.75 if n <= 4 else 0.5 if n <= MAX_NUMBERED else max(0.11, 10 / n) if n <= MAX_NAMED else 11 / n
    size = 9.0 if n <= MAX_NUMBERED else min(8.0, cell * 72 * 0.82) if n <= MAX_NAMED else 6.5
    # A cell has room for its count up to 20 classes; with more, cells shrink so that the figure keeps its size.
    with style():
        names = [elide(name, MAX_NAME_INCHES, size) for name in classes]
        widest = max(text_width(name, size) for name in names)
        flat = widest < 0.9 * cell
        side = n * cell
        left, below = widest + 0.45, (0.5 if flat else widest + 0.4)
        width, height = max(left + side + 0.9, 3.6), below + side + 0.45
        figure = empty_figure(width, height)
        axes = figure.add_axes((left / width, below / height, side / width, side / height))
        norm = LogNorm(COLOR_TICKS[0], COLOR_TICKS[-1])
        cells = np.ma.masked_equal(shares, 0)
        image = axes.imshow(cells, cmap=_colors(), norm=norm, interpolation="nearest", aspect="auto")
        axes.grid(visible=False)
        shown = np.arange(0, n, -(-n // MAX_NAMED))
        axes.set_xticks(shown, [names[i] for i in shown], fontsize=size, rotation=0 if flat else 90)
        axes.set_yticks(shown, [names[i] for i in shown], fontsize=size)
        axes.tick_params(length=0 if n <= MAX_NUMBERED else 2, pad=3)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        for spine in axes.spines.values():
            spine.set_visible(True)
        if n <= MAX_NUMBERED:
            _write_counts(axes, matrix, np.asarray(image.to_rgba(cells)), cell)
        figure.text(0.1 / width, 1 - 0.27 / height, elide(title, width - 0.2, 10), fontsize=10, va="center")
        long = min(side, 4.0)
        place = ((left + side + 0.15) / width, (below + (side - long) / 2) / height, 0.13 / width, long / height)
        bar = figure.add_axes(place)
        bar.grid(visible=False)
        figure.colorbar(image, cax=bar, ticks=COLOR_TICKS, format=FuncFormatter(lambda share, _: f"{share:.3g}"))
        bar.minorticks_off()
        bar.tick_params(labelsize=7, length=2)
        bar.set_ylabel("fraction of the true class", fontsize=7)
        return render(figure)


def _colors() -> "Colormap":
    """Return one hue from pale to dark, which also works in print.

    A zero (masked) is white, and no count is.
    """
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("shares", ["#DCE9F4", "#BAD6EB", "#7FB5DA", "#2171B5", "#08306B"])
    return colors.with_extremes(bad="white")


def _write_counts(axes: "Axes", matrix: Array, rgba: Array, cell: float) -> None:
    """Write each count into its cell, in white if the cell is dark.

    The largest count decides the font size.
    """
    digits = len(str(matrix.max()))
    size = min(10.0 if cell > 0.6 else 8.5, cell * 72 * 0.9 / (0.64 * digits))
    luminance = rgba[..., :3] ** 2.2 @ (0.2126, 0.7152, 0.0722)  # at about 0.22 dark and white text have equal contrast
    for (i, j), count in np.ndenumerate(matrix):
        color = LIGHT_GRAY if count == 0 else INK if luminance[i, j] > 0.22 else "white"
        axes.text(j, i, str(count), ha="center", va="center", fontsize=size, color=color)
