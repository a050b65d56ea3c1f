"""Predicted against true values of a regression, and residuals."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dropout_cli.core.text import counted, significant
from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import BLUE, GRAY, VERMILION, elide, render, single_line, style
from dropout_cli.plots.layout import titled_canvas

MAX_TARGETS = 6
MAX_POINTS = 5_000  # more are thinned evenly, since drawing a million points takes minutes


def residual_figure(mean: Array, sd: Array | None, true: Array, names: Sequence[str], title: str) -> bytes:
    """Draw predicted against true values, and residuals, for each of the first 6 targets.

    Bars are one standard deviation.

    Args:
        mean: (N, targets) predicted values in the targets' own units.
        sd: (N, targets) standard deviations; None if unknown.
        true: (N, targets) true values.
        names: Target names.
        title: Title of the figure.
    """
    shown = names[:MAX_TARGETS]
    some = np.unique(np.linspace(0, len(true) - 1, min(MAX_POINTS, len(true))).astype(np.intp))
    bars_meaning = "" if sd is None else "; bars: one standard deviation"
    subtitle = f"{single_line(title)}; line: perfect prediction{bars_meaning}"
    panel, count = 2.9, 2 * len(shown)
    with style():
        canvas = titled_canvas(_finding(mean, sd, true, names), subtitle, panel * count)
        for t, name in enumerate(shown):
            y, m = true[some, t], mean[some, t]
            bars = None if sd is None else sd[some, t]
            first, second = (
                canvas.axes(0.8, 0.5 + panel * (count - 1 - place), 0.2, panel * place) for place in (2 * t, 2 * t + 1)
            )
            dots: dict[str, Any] = {"fmt": "o", "markersize": 2.5, "color": BLUE, "alpha": 0.7}
            dots |= {"ecolor": GRAY, "elinewidth": 0.4}
            first.errorbar(y, m, yerr=bars, **dots)
            ends = [min(y.min(), m.min()), max(y.max(), m.max())]
            first.plot(ends, ends, color=VERMILION, linewidth=1.1)
            first.set_xlabel(f"true value of {elide(name, 2.0, 9)}")
            first.set_ylabel("predicted value")
            second.errorbar(m, y - m, yerr=bars, **dots)
            second.axhline(0, color=VERMILION, linewidth=1.1)
            second.set_xlabel(f"predicted value of {elide(name, 1.8, 9)}")
            second.set_ylabel("residual (true - predicted)")
        return render(canvas.figure)


def _finding(mean: Array, sd: Array | None, true: Array, names: Sequence[str]) -> str:
    """Return the error of the first target, and the coverage of one standard deviation."""
    error = true[:, 0] - mean[:, 0]
    text = f"RMSE {significant(float(np.sqrt(np.mean(error**2))))}"
    if len(names) > 1:
        text += f" for {single_line(names[0])}"
    if sd is not None:
        text += f"; {100 * np.mean(np.abs(error) <= sd[:, 0]):.0f} % of true values within one standard deviation"
    return f"{text} ({counted(len(error), 'example')})"
