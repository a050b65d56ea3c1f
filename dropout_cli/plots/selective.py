"""Risk against coverage in selective prediction."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dropout_cli.plots.canvas import BLUE, GRAY, GREEN, ORANGE, VERMILION, render, style
from dropout_cli.plots.layout import LABEL_INCHES, LineEnd, label_line_ends, titled_canvas
from dropout_cli.plots.value_axis import keep_y_label_inside, show_percent

COLORS = (BLUE, VERMILION, GREEN, ORANGE)
FIRST_COVERAGE = 0.05  # from which the height of the axis counts; the risk of very few examples varies by chance


def risk_coverage_figure(columns: Mapping[str, Sequence[Any]], title: str, subtitle: str) -> bytes:
    """Draw a line per ranking: the risk of the most confident examples against their share.

    Args:
        columns: `ranking`, `coverage`, the risk under the name of the loss, and `accepted`, the accepted risk.
        title: The finding.
        subtitle: What the figure shows.
    """
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
        axes.set_xlim(0, 1.02)
        axes.set_xlabel("coverage: share of the most confident examples")
        axes.set_ylabel(f"{loss} (lower is better)")
        show_percent(axes.xaxis)
        if loss == "error":
            show_percent(axes.yaxis)
        keep_y_label_inside(canvas, axes)
        label_line_ends(axes, ends, LABEL_INCHES + 0.1)
        return render(canvas.figure)
