"""Shares of the variance of a metric: a bar with its interval for each source of randomness."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from dropout_cli.plots.canvas import BLUE, GRAY, INK, render, style, text_width
from dropout_cli.plots.layout import LABEL_SIZE, titled_canvas

ROW = 0.3
"""Inches per bar."""


class ShareBar(NamedTuple):
    """A bar: a name, a share from 0 to 1, and its interval."""

    name: str
    share: float
    low: float
    high: float
    is_source: bool = True
    """False for the interactions, which have a gray bar."""


def variance_bars(bars: Sequence[ShareBar], title: str, subtitle: str) -> bytes:
    """Draw shares of a variance as horizontal bars with their intervals.

    Args:
        bars: The shares, drawn from top to bottom; NaN draws no bar.
        title: The finding.
        subtitle: The content of the figure.
    """
    places = [-place for place in range(len(bars))]
    with style():
        from matplotlib.ticker import PercentFormatter

        left = 0.2 + max(text_width(bar.name, LABEL_SIZE) for bar in bars)
        canvas = titled_canvas(title, subtitle, 0.5 + ROW * len(bars))
        axes = canvas.axes(left, 0.48, 0.32)
        for place, bar in zip(places, bars, strict=True):
            if not math.isnan(bar.share):
                axes.barh(place, bar.share, height=0.6, color=BLUE if bar.is_source else GRAY, alpha=0.75)
                axes.plot([bar.low, bar.high], [place, place], color=INK, lw=1.4, marker="|", ms=6)
        axes.set_yticks(places, [bar.name for bar in bars], fontsize=LABEL_SIZE)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set_ylim(-len(bars) + 0.45, 0.55)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.set_xlabel("share of the variance, with 95 % interval")
        return render(canvas.figure)
