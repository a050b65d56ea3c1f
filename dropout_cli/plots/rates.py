"""Rates, noise variances and sparsity of the dropout layers over the epochs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.text import significant
from dropout_cli.plots.canvas import BLUE, GREEN, INK, ORANGE, PINK, SKY, VERMILION, render, style
from dropout_cli.plots.layout import LABEL_INCHES, LineEnd, label_line_ends, set_log_scale, titled_canvas
from dropout_cli.runs.noise_columns import NoiseColumn, Quantity, noise_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS: dict[Quantity, str] = {
    "rate": "dropout rate",
    "alpha": "noise variance alpha",
    "sparsity": "share of weights removed",
}
COLORS = (BLUE, VERMILION, ORANGE, GREEN, PINK, SKY, INK)
PANEL_INCHES = 2.6
STYLES = ("-", "--", "-.", ":")


def has_rate_changes(history: Mapping[str, Sequence[float]]) -> bool:
    """Return True if a quantity changed, or if a rate is known only from realized values.

    Args:
        history: Columns of metrics.csv.
    """
    columns = {name: column for name in history if (column := noise_column(name)) is not None}
    nominal = [name for name, column in columns.items() if column.quantity in PANELS]
    if not nominal:
        return bool(columns)
    return any(len(set(history[name])) > 1 for name in nominal)


def rate_curves(history: Mapping[str, Sequence[float]]) -> bytes:
    """Draw the columns `<location>/.../<quantity>` against the epoch, a panel per quantity.

    A realized rate, the fraction dropped in the last step, is a thin dotted line next to the nominal one.

    Args:
        history: Columns of metrics.csv.
    """
    from matplotlib.ticker import MaxNLocator

    shown = [(column, history[name]) for name in history if (column := noise_column(name)) is not None]
    quantities = [name for name in PANELS if any(_panel(column) == name for column, _ in shown)]
    units = list(dict.fromkeys(column.unit for column, _ in shown))
    with style():
        has_realized = any(column.quantity == "realized_rate" for column, _ in shown)
        body = 0.35 + PANEL_INCHES * len(quantities)
        canvas = titled_canvas(_finding(shown), "dotted: fraction dropped in the last step" * has_realized, body)
        for number, quantity in enumerate(quantities):
            panel = [(column, values) for column, values in shown if _panel(column) == quantity]
            bottom = 0.5 + PANEL_INCHES * (len(quantities) - 1 - number)
            axes = canvas.axes(0.72, bottom, LABEL_INCHES, PANEL_INCHES * number + 0.2 * (number > 0))
            ends = _draw_panel(axes, panel, units)
            axes.set_ylabel(PANELS[quantity])
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1, steps=(1, 2, 5, 10)))
            positive = [value for _, values in panel for value in values if value > 0]
            if quantity == "alpha" and positive:
                set_log_scale(axes, "y", min(positive), max(positive))
            else:
                axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
            label_line_ends(axes, ends)
        axes.set_xlabel("epoch")
        return render(canvas.figure)


def _finding(shown: Sequence[tuple[NoiseColumn, Sequence[float]]]) -> str:
    """Return the first and the last value of the column that changed most, relative to its size."""
    changes = [
        (abs(values[-1] - values[0]) / (abs(values[0]) or 1), column, values)
        for column, values in shown
        if values and column.quantity != "realized_rate"
    ]
    if not changes:
        return "Fraction dropped in each epoch"
    _, column, values = max(changes, key=lambda change: change[0])
    name, first, last = PANELS[column.quantity], significant(values[0], 3), significant(values[-1], 3)
    return f"{column.unit}: {name} from {first} to {last}"


def _draw_panel(
    axes: "Axes", columns: Sequence[tuple[NoiseColumn, Sequence[float]]], units: Sequence[str]
) -> list[LineEnd]:
    """Draw the columns of a panel, and return the names and ends of the nominal lines."""
    nominal = {column.unit for column, _ in columns if column.quantity != "realized_rate"}
    ends = []
    for (unit, quantity), values in columns:
        realized, number = quantity == "realized_rate", units.index(unit)
        color = COLORS[number % len(COLORS)]
        axes.plot(
            np.arange(1, len(values) + 1),
            values,
            color=color,
            linestyle=":" if realized else STYLES[number // len(COLORS) % len(STYLES)],
            linewidth=1.2 if realized else 1.8,
            marker="o" if len(values) == 1 else None,
        )
        if len(values) and (not realized or unit not in nominal):
            ends.append(LineEnd(unit, values[-1], color))
    return ends


def _panel(column: NoiseColumn) -> Quantity:
    return "rate" if column.quantity == "realized_rate" else column.quantity
