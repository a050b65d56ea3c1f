"""A rotated picture, and the softmax of many noisy passes over it at every angle."""

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import BLUE, GRAY, GREEN, INK, ORANGE, PINK, SKY, VERMILION, elide, render, style
from dropout_cli.plots.figure_columns import FigureColumns, rows_where
from dropout_cli.plots.layout import LABEL_SIZE, titled_canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CLASS_COLORS = (BLUE, VERMILION, ORANGE, GREEN, PINK, SKY, INK, GRAY)
PANEL_INCHES, PICTURE_GAP = 1.7, 0.03
LEFT_INCHES, RIGHT_INCHES = 0.55, 0.12
SPREAD = 0.6
"""Width over which the points of one angle are spread, as a share of the step between angles."""


def draw_rotated_digit(columns: FigureColumns, title: str, subtitle: str) -> bytes:
    """Draw the pictures in a row, and the softmax of every pass below them.

    Args:
        columns: `kind` (pixel, softmax input or softmax output), `degrees`, `class`, `pass`, `y`, `x`, `channel` and
            `value`.
        title: The finding.
        subtitle: What the figure shows.
    """
    pixels = rows_where(columns, kind="pixel")
    angles = sorted(set(pixels["degrees"]))
    pictures = _pictures(pixels, angles)
    names = list(dict.fromkeys(rows_where(columns, kind="softmax output")["class"]))
    with style():
        width = 4.4
        cell = (width - LEFT_INCHES - RIGHT_INCHES) / len(angles)
        tall = (cell - PICTURE_GAP) * pictures.shape[1] / pictures.shape[2]
        legend = 0.19 * -(-len(names) // 4)
        body = tall + 0.1 + 2 * PANEL_INCHES + 0.2 + 0.5 + legend
        canvas = titled_canvas(title, subtitle, body)
        for place, picture in enumerate(pictures):
            left = LEFT_INCHES + place * cell + PICTURE_GAP / 2
            axes = canvas.axes(left, body - tall, width - left - cell + PICTURE_GAP)
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1, aspect="auto")
            axes.set_axis_off()
        for number, kind in enumerate(("softmax input", "softmax output")):
            top = tall + 0.1 + number * (PANEL_INCHES + 0.2)
            axes = canvas.axes(LEFT_INCHES, body - top - PANEL_INCHES, RIGHT_INCHES, top)
            _scatter(axes, rows_where(columns, kind=kind), angles, names)
            axes.set_ylabel(kind, fontsize=LABEL_SIZE)
            if number == 1:
                axes.set_ylim(-0.04, 1.04)
                axes.set_xlabel("rotation (degrees)", fontsize=LABEL_SIZE)
            else:
                axes.tick_params(labelbottom=False)
        handles, labels = axes.get_legend_handles_labels()
        canvas.figure.legend(
            handles,
            [elide(label, 0.75, LABEL_SIZE) for label in labels],
            loc="lower left",
            ncols=4,
            fontsize=LABEL_SIZE,
            bbox_to_anchor=(0.3 / width, 0),
            markerscale=3,
            handletextpad=0.2,
            columnspacing=0.8,
        )
        return render(canvas.figure)


def _pictures(pixels: FigureColumns, angles: list[float]) -> Array:
    """Return (angles, height, width), or with 3 channels, values from 0 to 1."""
    places = {angle: place for place, angle in enumerate(angles)}
    index = [np.array([places[angle] for angle in pixels["degrees"]])]
    index += [np.array(pixels[name], np.intp) for name in ("y", "x", "channel")]
    pictures = np.zeros([int(each.max()) + 1 for each in index])
    pictures[tuple(index)] = np.clip(pixels["value"], 0, 1)
    return pictures if pictures.shape[-1] == 3 else pictures.mean(axis=-1)


def _scatter(axes: "Axes", found: FigureColumns, angles: list[float], names: list[str]) -> None:
    """Draw the values of each class, the passes side by side, at each angle."""
    step = angles[1] - angles[0] if len(angles) > 1 else 1.0
    for place, name in enumerate(names):
        rows = rows_where(found, **{"class": name})
        passes = np.array(rows["pass"], float)
        # Passes side by side, because points on top of each other look like one.
        offset = (passes / max(passes.max(), 1) - 0.5) * SPREAD * step
        axes.scatter(
            np.array(rows["degrees"]) + offset,
            rows["value"],
            s=2.5,
            color=CLASS_COLORS[place % len(CLASS_COLORS)],
            alpha=0.6,
            linewidths=0,
            rasterized=True,  # thousands of shapes would make the SVG of a report large
            label=name,
        )
    for angle in angles[1:]:
        axes.axvline(angle - step / 2, color=GRAY, lw=0.3, alpha=0.5)
    axes.grid(visible=False, axis="x")
    axes.set_xlim(angles[0] - step / 2, angles[-1] + step / 2)
    axes.set_xticks(angles[::2], [f"{angle:g}" for angle in angles[::2]])
    axes.tick_params(labelsize=8)
