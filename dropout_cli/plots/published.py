"""Published and measured values of a table, a row for each setting."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from dropout_cli.plots.canvas import BLUE, INK, render, style, text_width
from dropout_cli.plots.layout import LABEL_SIZE, titled_canvas

ROW = 0.34
"""Inches per row."""


class PublishedPoint(NamedTuple):
    """A row: its name, the published and the measured value, and the interval of the measured one."""

    name: str
    published: float
    measured: float
    low: float
    high: float


def published_and_measured(points: Sequence[PublishedPoint], unit: str, title: str, subtitle: str) -> bytes:
    """Draw published values as hollow diamonds and measured ones as dots with intervals.

    Args:
        points: The rows, drawn from top to bottom; NaN draws nothing.
        unit: The words below the axis.
        title: The finding.
        subtitle: The content of the figure.
    """
    with style():
        left = 0.2 + max(text_width(point.name, LABEL_SIZE) for point in points)
        canvas = titled_canvas(title, subtitle, 0.9 + ROW * len(points))
        axes = canvas.axes(left, 0.48, 0.62)
        for place, point in enumerate(points):
            if not math.isnan(point.low):
                axes.plot([point.low, point.high], [-place, -place], color=BLUE, lw=1.6, marker="|", ms=7)
        measured = [(point.measured, -place) for place, point in enumerate(points) if not math.isnan(point.measured)]
        published = [(point.published, -place) for place, point in enumerate(points) if not math.isnan(point.published)]
        for found, marker, face, color, name in (
            (measured, "o", BLUE, BLUE, "measured here, with 95 % interval"),
            (published, "D", "none", INK, "published"),
        ):
            if found:
                values, places = zip(*found, strict=True)
                axes.scatter(
                    values, places, marker=marker, s=38, facecolors=face, edgecolors=color, label=name, zorder=3
                )
        axes.set_yticks([-place for place in range(len(points))], [point.name for point in points], fontsize=LABEL_SIZE)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(-len(points) + 0.4, 0.6)
        axes.set_xlabel(unit)
        if measured or published:
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=LABEL_SIZE, frameon=False)
        return render(canvas.figure)
