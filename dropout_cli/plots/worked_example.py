"""The worked example of a variant as a picture: input, noise and output as grids of numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import BLUE, INK, VERMILION, render, style
from dropout_cli.plots.layout import LABEL_SIZE, titled_canvas, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL = 0.5  # inches
GAP = 0.15
MIN_WIDTH = 3.0  # room for the subtitle
TITLE_LINE = 0.15
TITLE_PAD = 0.13  # above and below the lines of a title
ZERO = "#b0b0b0"
STRENGTH = 0.45  # opacity of the largest value of a grid


def example_figure(name: str, tables: Sequence[tuple[str, Array]], *, across: int = 1) -> bytes:
    """Draw the tables of a worked example, row by row.

    Args:
        name: Name of the variant.
        tables: Title and values of each table, (rows, columns).
        across: How many tables are in a row.
    """
    grid = max(values.shape[1] for _, values in tables) * CELL
    rows = [tables[first : first + across] for first in range(0, len(tables), across)]
    with style():
        titles = [[wrap(title, grid, LABEL_SIZE, 2) for title, _ in row] for row in rows]
        heads = [max(map(len, row)) * TITLE_LINE + TITLE_PAD for row in titles]
        heights = [
            max(len(values) for _, values in row) * CELL + head + GAP for row, head in zip(rows, heads, strict=True)
        ]
        width = max(across * (grid + GAP) + GAP, MIN_WIDTH)
        canvas = titled_canvas(f"{name}: a training pass", "gray: 0; blue: above 0; red: below 0", sum(heights), width)
        top = 0.0
        for row, lines, head, height in zip(rows, titles, heads, heights, strict=True):
            for column, ((_, values), title) in enumerate(zip(row, lines, strict=True)):
                left = GAP + column * (grid + GAP)
                right = canvas.width - left - values.shape[1] * CELL
                axes = canvas.axes(left, sum(heights) - top - head - len(values) * CELL, right, top + head)
                _draw_grid(axes, values, "\n".join(title))
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
        # The sum turns -0.0, of a small negative value, into 0.0.
        text = f"{round(float(value), 2) + 0.0:.2f}"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7.5, color=INK)
