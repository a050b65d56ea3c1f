"""Rates, noise variances and sparsity of the dropout layers over the epochs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.plots.canvas import BLUE, INK, ORANGE, SKY, VERMILION, blank, rendered, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = {"rate": "rate of dropping", "alpha": "variance of the noise, alpha", "sparsity": "share of weights cut"}
"""Quantity -> title of its panel."""
COLORS = (BLUE, VERMILION, ORANGE, SKY, INK)
STYLES = ("-", "--", "-.", ":")


def worth_drawing(history: Mapping[str, Sequence[float]]) -> bool:
    """Return True if a quantity changed, or if a rate is known only from realized values.

    Args:
        history: Columns of metrics.csv.
    """
    nominal = [name for name in history if _quantity(name) in PANELS]
    if not nominal:
        return any(_quantity(name) == "realized_rate" for name in history)
    return any(len(set(history[name])) > 1 for name in nominal)


def rates(history: Mapping[str, Sequence[float]]) -> bytes:
    """Draw the columns `<location>/.../<quantity>` against the epoch, a panel per quantity.

    A realized rate is a thin dotted line beside the nominal one.

    Args:
        history: Columns of metrics.csv.
    """
    from matplotlib.ticker import MaxNLocator

    quantities = [name for name in PANELS if any(_panel(column) == name for column in history)]
    with style():
        figure = blank(4.6 * len(quantities) + 0.4, 3.7)
        axes = figure.subplots(1, len(quantities), squeeze=False)[0]
        for quantity, panel in zip(quantities, axes, strict=True):
            columns = {column: values for column, values in history.items() if _panel(column) == quantity}
            _panel_of(panel, columns)
            panel.set_title(PANELS[quantity], loc="left")
            panel.set_xlabel("epoch")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=(1, 2, 5, 10)))
            if quantity == "alpha":
                panel.set_yscale("log")
            else:
                panel.set_ylim(bottom=min(0, panel.get_ylim()[0]))
            panel.legend(fontsize=8)
        figure.tight_layout()
        return rendered(figure)


def _panel_of(axes: "Axes", columns: Mapping[str, Sequence[float]]) -> None:
    places = list(dict.fromkeys(column.split("/")[0] for column in columns))
    for column, values in columns.items():
        place, realized = column.split("/")[0], _quantity(column) == "realized_rate"
        number = places.index(place)
        epochs = np.arange(1, len(values) + 1)
        axes.plot(
            epochs,
            values,
            color=COLORS[number % len(COLORS)],
            linestyle=":" if realized else STYLES[number // len(COLORS) % len(STYLES)],
            linewidth=1.0 if realized else 1.8,
            marker="o" if len(values) == 1 else None,
            label=f"{place}, realized" if realized else place,
        )


def _quantity(column: str) -> str:
    return column.rsplit("/", 1)[1] if "/" in column else ""


def _panel(column: str) -> str:
    quantity = _quantity(column)
    return "rate" if quantity == "realized_rate" else quantity
