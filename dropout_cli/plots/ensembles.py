"""Figures of ensembles: the error against the number of networks, and averages over all masks."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.plots.canvas import BLUE, GRAY, INK, ORANGE, VERMILION, render, style
from dropout_cli.plots.layout import LABEL_INCHES, LineEnd, label_line_ends, set_log_scale, titled_canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = {"error": "error of the average (%)", "nll": "cross-entropy (nats)", "rmse": "RMSE of the average"}
"""Column -> label of its axis."""
COLORS = (BLUE, VERMILION)
PANEL_INCHES = 2.3
LINEAR_UP_TO = 7
"""The most networks for which the axis is linear, with a tick for each."""


def error_by_networks(columns: Mapping[str, Sequence[Any]], title: str, subtitle: str) -> bytes:
    """Draw the scores of averages against the number of networks, a panel per score.

    Args:
        columns: `networks` (a name), `size`, and for each score its mean, `_low` and `_high`. A row without a size is
            a horizontal line.
        title: The finding.
        subtitle: What the figure shows.
    """
    panels = [name for name in PANELS if name in columns]
    with style():
        canvas = titled_canvas(title, subtitle, 0.35 + PANEL_INCHES * len(panels))
        for number, name in enumerate(panels):
            bottom = 0.5 + PANEL_INCHES * (len(panels) - 1 - number)
            axes = canvas.axes(0.72, bottom, LABEL_INCHES, PANEL_INCHES * number + 0.2 * (number > 0))
            _draw_panel(axes, columns, name)
            if number == len(panels) - 1:
                axes.set_xlabel("networks in the average")
        return render(canvas.figure)


def _draw_panel(axes: "Axes", columns: Mapping[str, Sequence[Any]], name: str) -> None:
    factor = 100.0 if name == "error" else 1.0
    kinds = list(dict.fromkeys(columns["networks"]))
    ends, largest = [], 1.0
    for place, kind in enumerate(kinds):
        rows = [row for row, networks in enumerate(columns["networks"]) if networks == kind]
        middle, low, high = (
            [factor * _number(columns[column][row]) for row in rows] for column in (name, f"{name}_low", f"{name}_high")
        )
        if columns["size"][rows[0]] is None:
            axes.axhline(middle[0], color=GRAY, lw=1.2, ls="--")
            ends.append(LineEnd(str(kind), middle[0], GRAY))
            continue
        sizes = [_number(columns["size"][row]) for row in rows]
        largest, color = max(largest, *sizes), COLORS[place % len(COLORS)]
        axes.fill_between(sizes, low, high, color=color, alpha=0.18, lw=0)
        axes.plot(sizes, middle, color=color, lw=1.8, marker="o", ms=3.5)
        ends.append(LineEnd(str(kind), middle[-1], color))
    axes.set_ylabel(PANELS[name])
    _number_axis(axes, largest)
    label_line_ends(axes, ends)


def _number_axis(axes: "Axes", largest: float) -> None:
    """Number the axis of a count from 1 to `largest`."""
    from matplotlib.ticker import MultipleLocator

    if largest <= LINEAR_UP_TO:
        axes.xaxis.set_major_locator(MultipleLocator(1))
        axes.set_xlim(0.85, largest + 0.15)
    else:
        set_log_scale(axes, "x", 1, largest)
        axes.set_xlim(0.9, 1.1 * largest)


def averages_over_masks(columns: Mapping[str, Sequence[Any]], title: str, subtitle: str) -> bytes:
    """Draw both averages over all masks against weight scaling, a point per example.

    Args:
        columns: `weight_scaling` and `arithmetic_mean`; `geometric_mean` for classification.
        title: The finding.
        subtitle: What the figure shows.
    """
    with style():
        canvas = titled_canvas(title, subtitle, 3.4)
        axes = canvas.axes(0.72, 0.5, 1.3)
        scaled = _numbers(columns["weight_scaling"])
        shown = {name: _numbers(columns[name]) for name in ("arithmetic_mean", "geometric_mean") if name in columns}
        ends = [
            float(each)
            for each in (min(map(np.min, (scaled, *shown.values()))), max(map(np.max, (scaled, *shown.values()))))
        ]
        axes.plot(ends, ends, color=INK, lw=0.8, ls="--", zorder=1)
        for (name, values), color, marker in zip(shown.items(), (ORANGE, BLUE), "ox", strict=False):
            axes.scatter(
                scaled, values, s=14, color=color, marker=marker, lw=0.9, alpha=0.7, label=name.replace("_", "\n")
            )
        kind = "probability of the true class" if "geometric_mean" in columns else "prediction"
        axes.set_xlabel(f"weight scaling: {kind}")
        axes.set_ylabel("mean over all masks")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8.5, handletextpad=0.1)
        return render(canvas.figure)


def _number(cell: Any) -> float:
    return float("nan") if cell is None else float(cell)


def _numbers(cells: Sequence[Any]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    return np.array([_number(cell) for cell in cells])
