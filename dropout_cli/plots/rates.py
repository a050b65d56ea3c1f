"""Rates, noise variances and sparsity of the dropout layers over the epochs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.plots.canvas import BLUE, INK, ORANGE, SKY, VERMILION, empty_figure, render, style
from dropout_cli.runs.noise_columns import NoiseColumn, Quantity, noise_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS: dict[Quantity, str] = {
    "rate": "dropout rate",
    "alpha": "variance of the noise, alpha",
    "sparsity": "share of weights removed",
}
COLORS = (BLUE, VERMILION, ORANGE, SKY, INK)
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

    A realized rate is a thin dotted line next to the nominal one.

    Args:
        history: Columns of metrics.csv.
    """
    from matplotlib.ticker import MaxNLocator

    shown = [(column, history[name]) for name in history if (column := noise_column(name)) is not None]
    quantities = [name for name in PANELS if any(_panel(column) == name for column, _ in shown)]
    with style():
        figure = empty_figure(4.6 * len(quantities) + 0.4, 3.7)
        axes = figure.subplots(1, len(quantities), squeeze=False)[0]
        for quantity, panel in zip(quantities, axes, strict=True):
            _panel_of(panel, [(column, values) for column, values in shown if _panel(column) == quantity])
            panel.set_title(PANELS[quantity], loc="left")
            panel.set_xlabel("epoch")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=(1, 2, 5, 10)))
            if quantity == "alpha":
                panel.set_yscale("log")
            else:
                panel.set_ylim(bottom=min(0, panel.get_ylim()[0]))
            panel.legend(fontsize=8)
        figure.tight_layout()
        return render(figure)


def _panel_of(axes: "Axes", columns: Sequence[tuple[NoiseColumn, Sequence[float]]]) -> None:
    units = list(dict.fromkeys(column.unit for column, _ in columns))
    for (unit, quantity), values in columns:
        realized, number = quantity == "realized_rate", units.index(unit)
        epochs = np.arange(1, len(values) + 1)
        axes.plot(
            epochs,
            values,
            color=COLORS[number % len(COLORS)],
            linestyle=":" if realized else STYLES[number // len(COLORS) % len(STYLES)],
            linewidth=1.0 if realized else 1.8,
            marker="o" if len(values) == 1 else None,
            label=f"{unit}, realized" if realized else unit,
        )


def _panel(column: NoiseColumn) -> Quantity:
    return "rate" if column.quantity == "realized_rate" else column.quantity
