"""Figures over many runs: means and differences with intervals, learning curves, ranks."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import BLUE, GRAY, INK, ORANGE, SKY, VERMILION, elide, empty_figure, render, style

COLORS = (BLUE, VERMILION, ORANGE, SKY, "#009E73", "#CC79A7", INK)
MARKERS = "osD^vPX"
MAX_LABEL_INCHES = 2.6  # maximum inches of a setting's name
LETTER_INCHES = 0.075  # approximate inches of a letter of a setting's name
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
) -> bytes:
    """Draw means against a swept key, with a line and its band per series.

    Settings without the key are level lines.

    A single series has no legend.

    Args:
        series: Setting -> value of the key -> mean and interval.
        lines: Setting without the key -> mean and interval.
        x_label: The swept key.
        y_label: The metric.
        note: Text after the title.
    """
    alone = len(series) + len(lines) == 1 and "" in series
    with style():
        figure = empty_figure(7.2, 4.2)
        axes = figure.add_axes((0.11, 0.13, 0.85 if alone else 0.55, 0.8))
        for number, (name, points) in enumerate(series.items()):
            color, xs = COLORS[number % len(COLORS)], sorted(points)
            axes.fill_between(
                xs, [points[x].low for x in xs], [points[x].high for x in xs], color=color, alpha=0.15, lw=0
            )
            marker = MARKERS[number % len(MARKERS)]
            axes.plot(
                xs,
                [points[x].mean for x in xs],
                color=color,
                marker=marker,
                ms=4,
                label=elide(name or x_label, MAX_LABEL_INCHES - 0.6, 8),
            )
        for number, (name, level) in enumerate(lines.items()):
            color = GRAY if number == 0 else COLORS[-number % len(COLORS)]
            axes.axhspan(level.low, level.high, color=color, alpha=0.12, lw=0)
            axes.axhline(level.mean, color=color, linestyle="--", lw=1.4, label=elide(name, MAX_LABEL_INCHES - 0.6, 8))
        axes.set_xlabel(elide(x_label, 4, 9))
        axes.set_ylabel(elide(y_label, 3, 9))
        axes.set_title(MEANS + note, loc="left")
        if not alone:
            axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))
        return render(figure)


def dot_plot(rows: Sequence[tuple[str, PlottedMean]], x_label: str, note: str = "") -> bytes:
    """Draw a mean and its interval per row.

    Args:
        rows: Setting and mean with interval, in the order of drawing.
        x_label: The metric.
        note: Text after the title.
    """
    height = 0.9 + 0.24 * max(len(rows), 3)
    with style():
        figure = empty_figure(7.2, height)
        left = _room(rows)
        axes = figure.add_axes((left, 0.5 / height, 0.97 - left, 1 - 0.82 / height))
        places = np.arange(len(rows))[::-1]
        for place, (_, estimate) in zip(places, rows, strict=True):
            axes.plot([estimate.low, estimate.high], [place, place], color=BLUE, lw=1.6)
            axes.plot(estimate.mean, place, "o", color=BLUE, ms=4.5)
        axes.set_yticks(places, [elide(name, MAX_LABEL_INCHES - 0.1, 8) for name, _ in rows], fontsize=8)
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(elide(x_label, 4.2, 9))
        axes.set_title(f"{MEANS}, the best first{note}", loc="left")
        return render(figure)


def forest_plot(
    rows: Sequence[tuple[str, PlottedMean]], x_label: str, *, larger_is_better: bool = True, note: str = ""
) -> bytes:
    """Draw a paired difference and its interval per row, and mark the better side of 0.

    Rows whose interval includes 0 are gray.

    Args:
        rows: Setting and mean difference with interval, in the order of drawing.
        x_label: The metric.
        larger_is_better: Direction of the metric.
        note: Text after the title.
    """
    height = 1.15 + 0.24 * max(len(rows), 3)
    with style():
        figure = empty_figure(7.2, height)
        left = _room(rows)
        axes = figure.add_axes((left, 0.5 / height, 0.97 - left, 1 - 1.07 / height))
        axes.set_title(f"mean difference and 95 % interval{note}; gray: not decided", loc="left", pad=18)
        places = np.arange(len(rows))[::-1]
        for place, (_, estimate) in zip(places, rows, strict=True):
            color = GRAY if estimate.low <= 0 <= estimate.high or np.isnan(estimate.low) else BLUE
            axes.plot([estimate.low, estimate.high], [place, place], color=color, lw=1.6)
            axes.plot(estimate.mean, place, "o", color=color, ms=4.5)
        axes.axvline(0, color=INK, lw=0.9, linestyle=":")
        axes.set_yticks(places, [elide(name, MAX_LABEL_INCHES - 0.1, 8) for name, _ in rows], fontsize=8)
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(elide(x_label, 4.2, 9))
        low, high = axes.get_xlim()
        # 0 stays at least a fifth of the width away from either edge, so that both words have room.
        axes.set_xlim(min(low, -0.25 * high), max(high, -0.25 * low))
        sides = ("worse", "better") if larger_is_better else ("better", "worse")
        offset, top = 4, 1.0
        for text, side, shift in ((f"← {sides[0]}", "right", -offset), (f"{sides[1]} →", "left", offset)):
            axes.annotate(
                text,
                (0, top),
                xycoords=("data", "axes fraction"),
                xytext=(shift, 3),
                textcoords="offset points",
                ha=side,
                fontsize=8,
                color=INK,
            )
        return render(figure)


def _room(rows: Sequence[tuple[str, PlottedMean]]) -> float:
    """Return the share of the width that the names of the rows need."""
    longest = max((len(name) for name, _ in rows), default=0)
    return min(MAX_LABEL_INCHES, 0.2 + LETTER_INCHES * max(longest, 5)) / 7.2 + 0.02


def curve_bands(curves: Mapping[str, CurveBand], note: str = "") -> bytes:
    """Draw learning curves, each a mean over runs with its 95 % interval.

    Args:
        curves: Setting -> curve.
        note: Text after the title.
    """
    from matplotlib.ticker import LogLocator, MaxNLocator

    with style():
        figure = empty_figure(7.2, 4.2)
        axes = figure.add_axes((0.1, 0.13, 0.56, 0.8))
        for number, (name, band) in enumerate(curves.items()):
            color, epochs = COLORS[number % len(COLORS)], np.arange(1, len(band.mean) + 1)
            axes.fill_between(epochs, band.low, band.high, color=color, alpha=0.15, lw=0)
            dashes = "-" if number < len(COLORS) else "--"
            axes.plot(
                epochs, band.mean, color=color, linestyle=dashes, lw=1.4, label=elide(name, MAX_LABEL_INCHES - 0.6, 8)
            )
        quantities = sorted({band.quantity for band in curves.values()})
        means = np.concatenate([band.mean for band in curves.values()])
        if np.all(means > 0) and means.max() >= 10 * means.min():
            axes.set_yscale("log")
            # Matplotlib labels powers of ten only, of which a narrow range has one or none.
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
            axes.yaxis.set_minor_formatter("{x:g}" if means.max() < 1000 * means.min() else "")
        axes.set_title(f"{', '.join(quantities)}: {MEANS}{note}", loc="left")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=(1, 2, 5, 10)))
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))
        return render(figure)


def critical_difference_plot(ranks: Mapping[str, float], critical: float) -> bytes:
    """Draw average ranks on a line; a bar joins ranks closer than the critical difference.

    Args:
        ranks: Setting -> average rank.
        critical: The critical difference.
    """
    named = sorted(ranks.items(), key=lambda item: item[1])
    joined = _joined([rank for _, rank in named], critical)
    height = 1.1 + 0.22 * (len(named) + len(joined))
    with style():
        figure = empty_figure(7.2, height)
        axes = figure.add_axes((0.06, 0.4 / height, 0.5, 1 - 0.8 / height))
        for place, (name, rank) in enumerate(named):
            axes.plot([rank, len(named) + 0.2], [-place, -place], color=GRAY, lw=0.7)
            axes.plot(rank, -place, "o", color=BLUE, ms=5)
            axes.text(
                len(named) + 0.3, -place, f"{elide(name, MAX_LABEL_INCHES, 8)}  {rank:.2f}", fontsize=8, va="center"
            )
        for number, (low, high) in enumerate(joined):
            axes.plot([low - 0.05, high + 0.05], [-len(named) - number] * 2, color=INK, lw=3, solid_capstyle="butt")
        axes.set_xlim(0.8, len(named) + 0.2)
        axes.set_ylim(-len(named) - len(joined) + 0.3, 0.6)
        axes.set_yticks([])
        axes.grid(visible=False, axis="y")
        axes.set_title(f"average rank (1 = best); critical difference {critical:.2f}", loc="left")
        return render(figure)


def _joined(ranks: Sequence[float], critical: float) -> list[tuple[float, float]]:
    """Return the longest ranges of sorted ranks within the critical difference.

    A range has at least two ranks.
    """
    ranges: list[tuple[float, float]] = []
    for start, low in enumerate(ranks):
        high = max(rank for rank in ranks[start:] if rank - low <= critical)
        if high > low and (not ranges or high > ranges[-1][1]):
            ranges.append((low, high))
    return ranges
