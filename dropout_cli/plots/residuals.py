"""Predicted against true values of a regression, and residuals."""

from collections.abc import Sequence

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import BLUE, GRAY, VERMILION, elide, empty_figure, render, style

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
    with style():
        figure = empty_figure(8.4, 0.5 + 3.5 * len(shown))
        figure.suptitle(elide(title, 7.5, 10), x=0.02, ha="left", fontsize=10)
        grid = figure.subplots(len(shown), 2, squeeze=False)
        for t, name in enumerate(shown):
            y, m = true[some, t], mean[some, t]
            bars = None if sd is None else sd[some, t]
            left, right = grid[t]
            dots = {"fmt": "o", "markersize": 2.5, "color": BLUE, "ecolor": GRAY, "elinewidth": 0.4, "alpha": 0.7}
            left.errorbar(y, m, yerr=bars, **dots)
            ends = [min(y.min(), m.min()), max(y.max(), m.max())]
            left.plot(ends, ends, color=VERMILION, linewidth=1.1)
            left.set_xlabel(f"true value of {elide(name, 2.0, 9)}")
            left.set_ylabel("predicted")
            right.errorbar(m, y - m, yerr=bars, **dots)
            right.axhline(0, color=VERMILION, linewidth=1.1)
            right.set_xlabel(f"predicted {elide(name, 2.3, 9)}")
            right.set_ylabel("residual (true - predicted)")
        figure.tight_layout(rect=(0, 0, 1, 1 - 0.3 / (0.5 + 3.5 * len(shown))))
        return render(figure)
