"""Risk against coverage in selective prediction."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import BLUE, GRAY, GREEN, ORANGE, VERMILION, render, style
from dropout_cli.plots.layout import LABEL_INCHES, LineEnd, label_line_ends, titled_canvas
from dropout_cli.plots.value_axis import keep_y_label_inside, show_percent

COLORS = (BLUE, VERMILION, GREEN, ORANGE)
VISIBLE = 0.01  # share of the height of the axis above which a risk can be told from 0
FIRST_COVERAGE = 0.05  # from which the height of the axis counts; the risk of very few examples varies by chance


def risk_coverage_figure(columns: Mapping[str, Sequence[Any]], title: str, subtitle: str) -> bytes:
    """Draw a line per ranking: the risk of the most confident examples against their share.

    Args:
        columns: `ranking`, `coverage`, the risk under the name of the loss, and `accepted`, the accepted risk.
        title: The finding.
        subtitle: What the figure shows.
    """
    from matplotlib.ticker import MaxNLocator

    loss = next(name for name in columns if name not in ("ranking", "coverage", "threshold", "accepted"))
    rankings = np.array(columns["ranking"])
    coverage, risk = (np.array(columns[name], np.float64) for name in ("coverage", loss))
    accepted = float(columns["accepted"][0])
    with style():
        canvas = titled_canvas(title, subtitle, 3.0)
        axes = canvas.axes(0.72, 0.5, LABEL_INCHES + 0.1, 0.05)
        ends = []
        for number, name in enumerate(dict.fromkeys(columns["ranking"])):
            rows, color = rankings == name, COLORS[number % len(COLORS)]
            marker = "o" if rows.sum() == 1 else None
            axes.plot(coverage[rows], risk[rows], color=color, lw=1.5, marker=marker)
            ends.append(LineEnd(name, float(risk[rows][-1]), color))
        axes.axhline(accepted, color=GRAY, lw=1.1, linestyle=":", zorder=1.5)
        top = max(float(risk[coverage >= FIRST_COVERAGE].max()), min(accepted, 2 * float(risk.max())))
        axes.set_ylim(0, 1.08 * top or 1)
        first = _first_tenth(coverage, risk, top)
        axes.set_xlim(first, 1 + 0.01 * (1 - first))
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10)))
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.set_xlabel("coverage: share of examples")
        axes.set_ylabel(f"{loss} (lower is better)")
        show_percent(axes.xaxis)
        if loss == "error":
            show_percent(axes.yaxis)
        keep_y_label_inside(canvas, axes)
        label_line_ends(axes, ends, LABEL_INCHES + 0.1)
        return render(canvas.figure)


def _first_tenth(coverage: Array, risk: Array, top: float) -> float:
    """Return the largest tenth of coverage below which no line can be told from 0."""
    visible = coverage[risk > VISIBLE * top]
    return 0.0 if len(visible) == 0 else min(0.9, float(np.floor(10 * visible.min()) / 10))
