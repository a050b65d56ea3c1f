"""The worked example of a variant as a picture: input, noise and output as grids of numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import BLUE, INK, VERMILION, render, style
from dropout_cli.plots.layout import LABEL_SIZE, titled_canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL = 0.5  # inches
GAP = 0.15
TITLE_HEIGHT = 0.28
ZERO = "#b0b0b0"
STRENGTH = 0.45  # opacity of the largest value of a grid


def example_figure(name: str, tables: Sequence[tuple[str, Array]]) -> bytes:
    """Draw the tables of a worked example, one below the other.

    Args:
        name: Name of the variant.
        tables: Title and values of each table, (rows, columns).
    """
    columns = max(values.shape[1] for _, values in tables)
    heights = [values.shape[0] * CELL + TITLE_HEIGHT + GAP for _, values in tables]
    width = columns * CELL + 2 * GAP + 0.4
    with style():
        canvas = titled_canvas(f"{name}: a training pass", "gray: 0; blue: above 0; red: below 0", sum(heights), width)
        top = 0.0
        for (title, values), height in zip(tables, heights, strict=True):
            grid = values.shape[1] * CELL
            below = sum(heights) - top - height + GAP
            axes = canvas.axes(GAP, below, canvas.width - GAP - grid, top + TITLE_HEIGHT)
            _draw_grid(axes, values, title)
            top += height
        return render(canvas.figure)


def _draw_grid(axes: "Axes", values: Array, title: str) -> None:
    """Draw one table as a grid of colored numbers."""
    from matplotlib.patches import Rectangle

    rows, columns = values.shape
    axes.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.set_title(title, fontsize=LABEL_SIZE, loc="left", color=INK)
    largest = float(np.abs(values).max()) or 1.0
    for (row, column), value in np.ndenumerate(values):
        color = ZERO if value == 0 else BLUE if value > 0 else VERMILION
        alpha = STRENGTH * (1 if value == 0 else 0.25 + 0.75 * abs(float(value)) / largest)
        axes.add_patch(Rectangle((column, row), 1, 1, facecolor=color, alpha=alpha, edgecolor="white"))
        axes.text(column + 0.5, row + 0.5, f"{value:.2f}", ha="center", va="center", fontsize=7.5, color=INK)
