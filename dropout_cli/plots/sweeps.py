"""Figures over many runs: means and differences with intervals, and learning curves."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import (
    BLUE,
    GRAY,
    GREEN,
    INK,
    ORANGE,
    PINK,
    SKY,
    VERMILION,
    elide,
    render,
    style,
    text_width,
)
from dropout_cli.plots.layout import (
    LABEL_INCHES,
    LABEL_SIZE,
    LEGEND_COLUMNS,
    WIDTH,
    Canvas,
    LineEnd,
    label_line_ends,
    legend_height,
    set_log_scale,
    titled_canvas,
    wrap,
)
from dropout_cli.plots.value_axis import (
    MARKER_POINTS,
    hidden_intervals,
    keep_y_label_inside,
    show_percent,
    tick_tested_values,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = (BLUE, VERMILION, ORANGE, GREEN, PINK, SKY, INK)
MARKERS = "osD^vPX"
MAX_LABEL_INCHES = 1.5  # maximum inches of a setting's name at its row
ROW_INCHES = 0.34
LOG_SPAN = 10  # the ratio of the largest to the smallest value of a key from which its axis is logarithmic
MEANS = "mean and 95 % interval"


class PlottedMean(NamedTuple):
    """A mean and the ends of its interval."""

    mean: float
    low: float
    high: float


class CurveBand(NamedTuple):
    """A quantity at each epoch, with its interval."""

    quantity: str
    mean: Array
    low: Array
    high: Array


def means_by_key(
    series: Mapping[str, Mapping[float, PlottedMean]],
    lines: Mapping[str, PlottedMean],
    x_label: str,
    y_label: str,
    note: str = "",
    title: str = "",
    *,
    log: bool = True,
    percent: bool = False,
) -> bytes:
    """Draw means against a swept key, with a line and its band per series.

    Settings without the key are level lines. A single series has no name. Up to 6 names are at the ends of the lines.

    Args:
        series: Setting -> value of the key -> mean and interval.
        lines: Setting without the key -> mean and interval.
        x_label: The swept key.
        y_label: The metric.
        note: Text after the description of the intervals.
        title: The finding.
        log: True for a logarithmic axis if the values of the key span a decade.
        percent: True to write the numbers of the y axis in per cent.
    """
    alone = len(series) + len(lines) == 1 and "" in series
    names = [*(name or x_label for name in series), *lines]
    below = legend_height(names)
    with style():
        canvas = titled_canvas(title, MEANS + note + _hidden(series, alone=alone), 2.9 + below)
        axes = canvas.axes(0.72, 0.5 + below, 0.15 if alone or below else LABEL_INCHES)
        ends = []
        for number, (name, points) in enumerate(series.items()):
            color, xs = COLORS[number % len(COLORS)], sorted(points)
            lows, highs, means = ([points[x][part] for x in xs] for part in (1, 2, 0))
            axes.fill_between(xs, lows, highs, color=color, alpha=0.15, lw=0)
            if len(xs) == 1:  # a band over one point has no width
                axes.plot([*xs, *xs], [*lows, *highs], color=color, lw=1.4)
            marker = MARKERS[number % len(MARKERS)]
            dashes = _dashes(number)
            label = elide(name or x_label, 1.5, LABEL_SIZE)
            axes.plot(xs, means, color=color, ls=dashes, marker=marker, ms=MARKER_POINTS, label=label)
            ends.append(LineEnd(name or x_label, means[-1], color))
        for number, (name, level) in enumerate(lines.items()):
            color = GRAY if number == 0 else COLORS[-number % len(COLORS)]
            axes.axhspan(level.low, level.high, color=color, alpha=0.12, lw=0)
            axes.axhline(level.mean, color=color, linestyle="--", lw=1.4, label=elide(name, 1.5, LABEL_SIZE))
            ends.append(LineEnd(name, level.mean, color))
        values = [x for points in series.values() for x in points]
        if percent:
            show_percent(axes.yaxis)
        axes.set_xlabel(elide(x_label, 3, 9))
        axes.set_ylabel(elide(y_label, 2.4, 9))
        keep_y_label_inside(canvas, axes)
        if log and values and min(values) > 0 and max(values) >= LOG_SPAN * min(values):
            set_log_scale(axes, "x", min(values), max(values))
        elif values:
            tick_tested_values(axes, values)
        _name_lines(canvas, axes, [] if alone else ends, below)
        return render(canvas.figure)


def _hidden(series: Mapping[str, Mapping[float, PlottedMean]], *, alone: bool) -> str:
    """Return which intervals are too narrow to be seen, as the end of the subtitle."""
    names = [*hidden_intervals(series)]
    if not names:
        return ""
    whose = "" if alone or len(names) == len(series) else f" of {' and '.join(names)}"
    return f"; the intervals{whose} are narrower than the markers"


def _dashes(number: int) -> str:
    """Return the style of a line; lines that repeat a color are dash-dotted."""
    return "-" if number < len(COLORS) else "-."


def _name_lines(canvas: Canvas, axes: "Axes", ends: Sequence[LineEnd], below: float) -> None:
    """Write names at the ends of the lines, or in a legend below the axes if there are many."""
    if below:
        place = (0.02, 0.06 / canvas.height)
        handles, names = axes.get_legend_handles_labels()
        canvas.figure.legend(
            handles, names, ncols=LEGEND_COLUMNS, fontsize=LABEL_SIZE, loc="lower left", bbox_to_anchor=place
        )
    else:
        label_line_ends(axes, ends)


def dot_plot(
    rows: Sequence[tuple[str, PlottedMean]],
    x_label: str,
    note: str = "",
    title: str = "",
    *,
    percent: bool = False,
) -> bytes:
    """Draw a mean and its interval per row.

    Args:
        rows: Setting and mean with interval, in the order of drawing.
        x_label: The metric.
        note: Text after the description of the intervals.
        title: The finding.
        percent: True to write the numbers of the x axis in per cent.
    """
    with style():
        canvas, axes, places = _row_axes(rows, x_label, title, f"{MEANS}, the best first{note}", top=0.05)
        if percent:
            show_percent(axes.xaxis)
        for place, (_, estimate) in zip(places, rows, strict=True):
            axes.plot([estimate.low, estimate.high], [place, place], color=BLUE, lw=1.8)
            axes.plot(estimate.mean, place, "o", color=BLUE, ms=5)
        return render(canvas.figure)


def forest_plot(
    rows: Sequence[tuple[str, PlottedMean]],
    x_label: str,
    *,
    larger_is_better: bool = True,
    note: str = "",
    title: str = "",
    percent: bool = False,
) -> bytes:
    """Draw a paired difference and its interval per row, and mark the better side of 0.

    Better settings are blue, worse ones orange. Rows whose interval includes 0 are gray and hollow.

    Args:
        rows: Setting and mean difference with interval, in the order of drawing.
        x_label: The metric.
        larger_is_better: Direction of the metric.
        note: Text after the description of the intervals.
        title: The finding.
        percent: True to write the numbers of the x axis in percentage points.
    """
    subtitle = f"mean difference and 95 % interval{note}; gray: not decided"
    with style():
        canvas, axes, places = _row_axes(rows, x_label, title, subtitle, top=0.25)
        for place, (_, estimate) in zip(places, rows, strict=True):
            open_question = estimate.low <= 0 <= estimate.high or np.isnan(estimate.low)
            is_better = (estimate.mean > 0) == larger_is_better
            color = GRAY if open_question else BLUE if is_better else VERMILION
            axes.plot([estimate.low, estimate.high], [place, place], color=color, lw=1.8, zorder=2)
            axes.plot(estimate.mean, place, "o", color=color, mfc="white" if open_question else color, ms=5.5)
        if percent:
            show_percent(axes.xaxis, unit="")
        axes.axvline(0, color=INK, lw=0.9, linestyle=":", zorder=1.5)
        low, high = axes.get_xlim()
        # 0 stays at least a third of the width away from either edge, so that both words have room.
        axes.set_xlim(min(low, -0.5 * high), max(high, -0.5 * low))
        sides = ("worse", "better") if larger_is_better else ("better", "worse")
        for text, side, shift in ((f"← {sides[0]}", "right", -4), (f"{sides[1]} →", "left", 4)):
            axes.annotate(
                text,
                (0, 1),
                xycoords=("data", "axes fraction"),
                xytext=(shift, 3),
                textcoords="offset points",
                ha=side,
                fontsize=LABEL_SIZE,
                color=INK,
            )
        return render(canvas.figure)


def _row_axes(
    rows: Sequence[tuple[str, PlottedMean]], x_label: str, title: str, subtitle: str, top: float
) -> tuple[Canvas, "Axes", Array]:
    """Return axes with a row per setting and its name on the left, and the places of the rows."""
    from matplotlib.ticker import MaxNLocator

    blocks = [wrap(name, MAX_LABEL_INCHES, LABEL_SIZE, 2) for name, _ in rows]
    widest = max((text_width(line, LABEL_SIZE) for block in blocks for line in block), default=0.5)
    label_lines = wrap(x_label, WIDTH - widest - 0.5, 9, 2)
    bottom = 0.35 + 0.16 * len(label_lines)
    canvas = titled_canvas(title, subtitle, bottom + top + ROW_INCHES * max(len(rows), 2))
    axes = canvas.axes(widest + 0.25, bottom, 0.2, top)
    places = np.arange(len(rows))[::-1]
    axes.set_yticks(places, ["\n".join(block) for block in blocks], fontsize=LABEL_SIZE)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("\n".join(label_lines))
    return canvas, axes, places


def curve_bands(curves: Mapping[str, CurveBand], note: str = "", title: str = "") -> bytes:
    """Draw learning curves, each a mean over runs with its 95 % interval.

    Args:
        curves: Setting -> curve.
        note: Text after the description of the intervals.
        title: The finding.
    """
    from matplotlib.ticker import MaxNLocator

    quantities = ", ".join(sorted({band.quantity for band in curves.values()}))
    below = legend_height(curves)
    with style():
        canvas = titled_canvas(title, f"{quantities}: {MEANS}{note}", 2.9 + below)
        axes = canvas.axes(0.72, 0.5 + below, 0.15 if below else LABEL_INCHES)
        ends = []
        for number, (name, band) in enumerate(curves.items()):
            color, epochs = COLORS[number % len(COLORS)], np.arange(1, len(band.mean) + 1)
            axes.fill_between(epochs, band.low, band.high, color=color, alpha=0.15, lw=0)
            dashes = _dashes(number)
            marker = "o" if len(epochs) == 1 else None
            label = elide(name, 1.5, LABEL_SIZE)
            axes.plot(epochs, band.mean, color=color, linestyle=dashes, lw=1.5, marker=marker, label=label)
            ends.append(LineEnd(name, float(band.mean[-1]), color))
        means = np.concatenate([band.mean for band in curves.values()])
        if np.all(means > 0) and means.max() >= 10 * means.min():
            set_log_scale(axes, "y", float(means.min()), float(means.max()))
        last = max(len(band.mean) for band in curves.values())
        for end, band in zip(ends, curves.values(), strict=True):
            if len(band.mean) < last and not below:  # a dotted line leads from the early end to the name
                axes.plot([len(band.mean), 2 * last], [end.y] * 2, color=end.color, linestyle=(0, (1, 3)), lw=0.9)
        axes.set_xlim(1 - 0.02 * (last - 1 or 25), last + 0.02 * (last - 1 or 25))
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"{quantities} (lower is better)")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1, steps=(1, 2, 5, 10)))
        _name_lines(canvas, axes, ends, below)
        return render(canvas.figure)
