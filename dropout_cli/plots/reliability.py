"""Reliability diagrams: accuracy against confidence, and the shares of the bins."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import BLUE, GRAY, LIGHT_GRAY, SKY, render, style
from dropout_cli.plots.layout import LABEL_SIZE, LINE_SPACING, WIDTH, Canvas, titled_canvas, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEFT, GAP, RIGHT = 0.68, 0.66, 0.12  # inches
SHARES, AXIS = 0.45, 0.45
MAX_NAME_LINES = 3
TICK_SIZE = 8


def reliability_diagrams(columns: Mapping[str, Sequence[Any]], title: str, subtitle: str) -> bytes:
    """Draw a reliability diagram for each predictor; two in a row if there are several.

    Args:
        columns: Those of `reliability_columns`, after a column `predictor` with a name for each row.
        title: The finding.
        subtitle: The description of the figure.
    """
    names = list(dict.fromkeys(map(str, columns["predictor"])))
    # A decade below the smallest share, so that its bar can be seen.
    lowest = 10 ** np.floor(np.log10(min(columns["share"])) - 0.01)
    across = min(2, len(names))
    width = (WIDTH - LEFT - RIGHT - GAP * (across - 1)) / across
    tall = min(width, 2.6)
    with style():
        labels = [wrap(name, width, LABEL_SIZE, MAX_NAME_LINES) if across > 1 else [] for name in names]
        head = 0.08 + max(map(len, labels)) * LABEL_SIZE * LINE_SPACING / 72
        panel = head + tall + 0.12 + SHARES + AXIS
        rows = -(-len(names) // across)
        canvas = titled_canvas(title, subtitle, panel * rows)
        for place, name in enumerate(names):
            row, column = divmod(place, across)
            inside = [at for at, owner in enumerate(columns["predictor"]) if str(owner) == name]
            values = {
                key: np.array([cells[at] for at in inside], np.float64)
                for key, cells in columns.items()
                if key != "predictor"
            }
            left = LEFT + column * (width + GAP)
            bottom = panel * (rows - 1 - row) + AXIS
            upper = _axes(canvas, left, bottom + SHARES + 0.12, width, tall)
            lower = _axes(canvas, left, bottom, width, SHARES)
            _diagram(upper, values)
            _shares(lower, values["above"], values["up_to"], values["share"], lowest)
            upper.set_title("\n".join(labels[place]), fontsize=LABEL_SIZE, loc="left", pad=3)
            if column == 0:
                upper.set_ylabel("accuracy")
            lower.set_xlabel("mean confidence of the bin" if across == 1 else "confidence")
        return render(canvas.figure)


def _axes(canvas: Canvas, left: float, bottom: float, width: float, height: float) -> "Axes":
    """Add axes of a size in inches."""
    return canvas.axes(left, bottom, canvas.width - left - width, canvas.body - bottom - height)


def _diagram(axes: "Axes", values: Mapping[str, Array]) -> None:
    widths = values["up_to"] - values["above"]
    heights = values["band_high"] - values["band_low"]
    axes.bar(
        values["above"], heights, widths, values["band_low"], align="edge", color=LIGHT_GRAY, alpha=0.6, linewidth=0
    )
    axes.plot([0, 1], [0, 1], color=GRAY, linewidth=0.9, linestyle="--")
    accuracy = values["accuracy"]
    # Rounding may put an end of the interval on the wrong side of the accuracy.
    bars = np.maximum([accuracy - values["accuracy_low"], values["accuracy_high"] - accuracy], 0)
    axes.errorbar(
        values["confidence"], accuracy, yerr=bars, fmt="o", color=BLUE, markersize=3.5, elinewidth=1.1, zorder=3
    )
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.tick_params(labelbottom=False)


def _shares(axes: "Axes", above: Array, up_to: Array, share: Array, lowest: float) -> None:
    from matplotlib.ticker import NullLocator

    axes.bar(above, share, up_to - above, align="edge", color=SKY, edgecolor="white", linewidth=0.4)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks(np.linspace(0, 1, 6))
    # In a good classifier nearly all examples are in the last bin; a linear axis would hide the others.
    axes.set_yscale("log")
    axes.set_ylim(lowest, 1)
    axes.set_yticks([lowest, 1], [f"{100 * lowest:g} %", "100 %"])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="y", labelsize=TICK_SIZE)
