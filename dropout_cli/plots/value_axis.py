"""Axes of the figures over a swept key: ticks at tested values, shares in per cent."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from dropout_cli.plots.canvas import text_width
from dropout_cli.plots.layout import LABEL_SIZE, MARGIN, Canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

GAP_INCHES = 0.08
"""The least space between the numbers of two ticks."""
MARKER_POINTS = 4.5
PLOT_INCHES = 2.4
"""The height of the axes of a figure over a key."""


class Spread(Protocol):
    """A value with an interval."""

    @property
    def low(self) -> float:
        """The lower end."""

    @property
    def high(self) -> float:
        """The upper end."""


def tick_tested_values(axes: "Axes", values: Collection[float]) -> None:
    """Put the ticks of the x axis at the tested values, without numbers that would overlap.

    Args:
        axes: Axes with final limits and a linear x axis.
        values: The tested values.
    """
    low, high = axes.get_xlim()
    width = axes.get_window_extent().width / axes.figure.dpi
    ticks: list[float] = []
    end = -1.0
    for value in sorted(set(values)):
        center, half = (value - low) / (high - low) * width, text_width(f"{value:g}", LABEL_SIZE) / 2
        if not ticks or center - half >= end + GAP_INCHES:
            ticks.append(value)
            end = center + half
    axes.set_xticks(ticks, [f"{value:g}" for value in ticks])


def show_percent(axis: "Axis", unit: str = " %") -> None:
    """Write the numbers of an axis in per cent.

    Args:
        axis: The axis.
        unit: Text after each number.
    """
    from matplotlib.ticker import FuncFormatter

    # PercentFormatter would write 95.0 % for ticks at whole numbers.
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.6g}{unit}".replace("-", "\N{MINUS SIGN}")))


def keep_y_label_inside(canvas: Canvas, axes: "Axes") -> None:
    """Move the left edge of the axes to the right if numbers and label of the y axis need more room."""
    box = axes.yaxis.get_tightbbox()
    if box is None:
        return
    missing = MARGIN - box.x0 / canvas.figure.dpi
    if missing > 0:
        place, part = axes.get_position(), missing / canvas.width
        axes.set_position((place.x0 + part, place.y0, place.width - part, place.height))


def hidden_intervals(series: Mapping[str, Mapping[float, Spread]]) -> Iterator[str]:
    """Yield the names of the series with intervals that are all narrower than a marker.

    Args:
        series: Name -> x -> value with interval; an interval of length 0 means that there is none.
    """
    spreads = [spread for points in series.values() for spread in points.values()]
    if not spreads:
        return
    extent = max(spread.high for spread in spreads) - min(spread.low for spread in spreads)
    marker = extent * MARKER_POINTS / 72 / PLOT_INCHES
    for name, points in series.items():
        if 0 < max(spread.high - spread.low for spread in points.values()) < marker:
            yield name
