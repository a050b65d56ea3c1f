"""Confusion matrices of 2 to several hundred classes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import GRAY, INK, elide, render, style, text_width
from dropout_cli.plots.layout import Canvas, titled_canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

MAX_NUMBERED = 20  # classes up to which cells show their counts
MAX_NAMED = 100  # classes up to which each has its name; beyond, every second, third, ...
# Ticks of the color scale. Smaller shares get the color of the first, so that a single error is visible.
COLOR_TICKS = (0.001, 0.01, 0.1, 1.0)

MAX_THINNED = 50  # names of a matrix with more classes than that
MAX_NAME_INCHES = 1.2
MIN_WIDTH = 4.0
SCALE_INCHES = 0.55  # height of the color scale with its numbers


def confusion_figure(matrix: Array, classes: Sequence[str], title: str) -> bytes:
    """Draw a confusion matrix, colored by each count's share of its row.

    The color scale is logarithmic, so that rare errors are visible next to a full diagonal; zero is white.

    Args:
        matrix: (C, C) counts; rows are true classes, columns predicted ones.
        classes: C class names.
        title: Title of the figure.
    """
    from matplotlib.colors import LogNorm

    n = len(classes)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    cell = _cell_inches(n)
    size = 9.0 if n <= MAX_NUMBERED else min(8.5, cell * 72 * 0.82) if n <= MAX_NAMED else 6.5
    with style():
        names = [elide(name, MAX_NAME_INCHES, size) for name in classes]
        widest = max(text_width(name, size) for name in names)
        flat = widest < 0.9 * cell
        side = n * cell
        left, below = widest + 0.4, (0.45 if flat else widest + 0.35) + SCALE_INCHES
        width = max(left + side + 0.15, MIN_WIDTH)
        canvas = titled_canvas(_finding(matrix, classes), title, below + side + 0.05, width)
        axes = canvas.axes(left, below, width - left - side, 0.05)
        norm = LogNorm(COLOR_TICKS[0], COLOR_TICKS[-1])
        rgba = np.asarray(_colors()(norm(np.maximum(shares, COLOR_TICKS[0]))))
        _draw_cells(axes, shares, rgba)
        axes.grid(visible=False)
        shown = np.arange(0, n, 1 if n <= MAX_NAMED else -(-n // MAX_THINNED))
        axes.set_xticks(shown, [names[i] for i in shown], fontsize=size, rotation=0 if flat else 90)
        axes.set_yticks(shown, [names[i] for i in shown], fontsize=size)
        axes.tick_params(length=0 if n <= MAX_NUMBERED else 2, pad=3)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        for spine in axes.spines.values():
            spine.set_visible(True)
        if n <= MAX_NUMBERED:
            rgba[shares == 0] = 1
            _write_counts(axes, matrix, rgba, cell)
        _draw_scale(canvas)
        return render(canvas.figure)


def _cell_inches(n: int) -> float:
    """Return the side of a cell; it has room for its count up to 20 classes."""
    if n <= MAX_NUMBERED:
        return 0.7 if n <= 4 else 0.36 if n <= 10 else 0.28
    return max(0.11, 4 / n) if n <= MAX_NAMED else 11 / n


def _finding(matrix: Array, classes: Sequence[str]) -> str:
    """Return how many examples are right, and the most frequent mistake."""
    total, right = int(matrix.sum()), int(np.trace(matrix))
    text = f"{right:,} of {counted(total, 'example')} correct ({100 * right / max(total, 1):.1f} %)"
    off = matrix - np.diag(np.diag(matrix))
    if not off.any():
        return text
    true, predicted = (int(place) for place in np.unravel_index(int(off.argmax()), off.shape))
    mistake = f"'{elide(classes[true], 1.2, 10)}' as '{elide(classes[predicted], 1.2, 10)}'"
    return f"{text}; most frequent mistake: {mistake} ({counted(int(off.max()), 'time')})"


def _draw_cells(axes: "Axes", shares: Array, rgba: Array) -> None:
    """Draw a square for each cell with a count above 0."""
    from matplotlib.collections import PolyCollection

    rows, columns = np.nonzero(shares)
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    squares = np.stack([columns, rows], axis=1)[:, None, :] + corners
    # Squares instead of an image: in an SVG, their colors can follow the color scheme of the page.
    colors = rgba[rows, columns]
    axes.add_collection(PolyCollection(list(squares), facecolors=colors, edgecolors=colors, linewidths=0.1))
    axes.set_xlim(-0.5, len(shares) - 0.5)
    axes.set_ylim(len(shares) - 0.5, -0.5)


def _draw_scale(canvas: Canvas) -> None:
    """Draw the color scale at the bottom."""
    steps = 30
    axes = canvas.axes(0.4, 0.28, canvas.width - 2.3, canvas.body - 0.4)
    for step in range(steps):
        color = _colors()((step + 0.5) / steps)
        axes.axvspan(step / steps, (step + 1) / steps, facecolor=color, edgecolor=color, linewidth=0.1)
    axes.grid(visible=False)
    axes.set_xlim(0, 1)
    axes.set_yticks([])
    places = 1 - np.log10(COLOR_TICKS) / np.log10(COLOR_TICKS[0])
    axes.set_xticks(places, [f"{share:g}" for share in COLOR_TICKS], fontsize=8)
    axes.tick_params(length=2, pad=2)
    axes.spines["left"].set_visible(False)
    axes.text(1.05, 0.5, "fraction of the true class", transform=axes.transAxes, fontsize=8, va="center")


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
        color = GRAY if count == 0 else INK if luminance[i, j] > 0.22 else "white"
        axes.text(j, i, str(count), ha="center", va="center", fontsize=size, color=color)
