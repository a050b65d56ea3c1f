"""Metrics of a network against the strength of a shift of its examples."""

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.plots.canvas import BLUE, VERMILION, render, style
from dropout_cli.plots.figure_columns import FigureColumns, rows_where
from dropout_cli.plots.layout import LABEL_SIZE, titled_canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STRENGTH_LABELS = {
    "rotation_degrees": "rotation (degrees)",
    "translation_pixels": "translation (pixels)",
    "noise_sd": "standard deviation of the noise",
    "blur_sigma": "blur: sigma (pixels)",
    "contrast_factor": "contrast (factor)",
    "missing_share": "share of missing cells",
}
"""Name of the first column -> label of the x axis."""
PANEL_LABELS = {
    "accuracy": "accuracy",
    "rmse": "RMSE",
    "nll": "NLL (nats)",
    "ece": "calibration error (ECE)",
    "entropy": "mean entropy (nats)",
    "mutual_information": "mean mutual information (nats)",
    "coverage": "cover of 95 % intervals",
    "sd": "predicted sd",
    "model_sd": "sd of the passes",
}
"""Column -> the title of its panel."""
LINES = {"weight_scaling": ("no noise", BLUE, "-"), "monte_carlo": ("Monte Carlo", VERMILION, "--")}
"""Predictor -> its name in the legend, color and style."""
SHARES = ("accuracy", "coverage")
PANEL_WIDTH, PANEL_HEIGHT = 1.55, 1.2
LEFT, GAP_X, GAP_Y = 0.48, 0.55, 0.42


def draw_shift_curves(columns: FigureColumns, title: str, subtitle: str) -> bytes:
    """Draw a panel for each metric, with a line for each predictor.

    Args:
        columns: The strength, `prediction`, and a column for each metric, which may have empty cells.
        title: The finding.
        subtitle: What the figure shows.
    """
    axis, _, *metrics = columns
    shown = [name for name in metrics if any(cell is not None for cell in columns[name])]
    names = [name for name in LINES if name in columns["prediction"]]
    rows = -(-len(shown) // 2)
    with style():
        body = 0.75 + rows * PANEL_HEIGHT + (rows - 1) * GAP_Y + 0.2
        canvas = titled_canvas(title, subtitle, body)
        for number, metric in enumerate(shown):
            row, column = divmod(number, 2)
            left = LEFT + column * (PANEL_WIDTH + GAP_X)
            top = 0.2 + row * (PANEL_HEIGHT + GAP_Y)
            axes = canvas.axes(left, body - top - PANEL_HEIGHT, canvas.width - left - PANEL_WIDTH, top)
            axes.set_title(PANEL_LABELS[metric], fontsize=LABEL_SIZE, loc="left", pad=4)
            for name in names:
                found = rows_where(columns, prediction=name)
                label, color, line = LINES[name]
                y = np.array([np.nan if cell is None else cell for cell in found[metric]], float)
                axes.plot(found[axis], y, color=color, linestyle=line, marker="o", markersize=2.5, label=label)
            _set_limits(axes, axis, metric, columns)
            if row == rows - 1 or number == len(shown) - 2:
                axes.set_xlabel(STRENGTH_LABELS[axis], fontsize=LABEL_SIZE)
        handles, labels = canvas.figure.axes[0].get_legend_handles_labels()
        if len(names) > 1:
            canvas.figure.legend(
                handles, labels, loc="lower left", ncols=2, fontsize=LABEL_SIZE, bbox_to_anchor=(LEFT / canvas.width, 0)
            )
        return render(canvas.figure)


def _set_limits(axes: "Axes", axis: str, metric: str, columns: FigureColumns) -> None:
    """Set the limits and ticks of a panel."""
    from matplotlib.ticker import MaxNLocator, NullLocator

    axes.tick_params(labelsize=8)
    if metric in SHARES:
        axes.set_ylim(0, 1.04)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    else:
        # The NLL of a regression depends on the unit of the targets and may be below 0.
        if not (metric == "nll" and "rmse" in columns):
            top = max((cell for cell in columns[metric] if cell is not None), default=0)
            axes.set_ylim(0, 1.06 * top or 1)
        axes.yaxis.set_major_locator(MaxNLocator(4))
    if axis == "contrast_factor":
        strengths = sorted(set(columns[axis]), reverse=True)
        axes.set_xscale("log")
        axes.set_xlim(strengths[0] * 1.1, strengths[-1] / 1.1)  # the shift grows to the right
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(strengths, [f"{value:g}" for value in strengths])
        return
    if axis == "rotation_degrees":
        axes.set_xticks([0, 45, 90, 135, 180])
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
