"""Calibration of predicted distributions of numbers: calibration curve and histogram of the PIT."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import BLUE, GRAY, INK, LIGHT_GRAY, ORANGE, VERMILION, elide, render, style
from dropout_cli.plots.layout import LABEL_SIZE, titled_canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_CALIBRATED = 6
"""The most targets in a figure."""
PANEL = 2.9
COLORS = (BLUE, VERMILION, ORANGE, INK)
DASHES = ("-", "--", ":", "-.")


class _Curve(NamedTuple):
    """The rows of one predictor and one target."""

    prediction: str
    numbers: dict[str, Array]
    color: str
    dashes: str


def draw_target_calibration(columns: Mapping[str, Sequence[Any]], title: str, subtitle: str) -> bytes:
    """Draw the share of true values in central intervals against the expected share.

    Args:
        columns: prediction, target, expected, observed, and the range low to high of calibrated models.
        title: The finding.
        subtitle: What the figure shows.
    """
    with style():
        panels = _panels(columns)
        legend = _legend_inches(panels)
        height = PANEL + legend
        canvas = titled_canvas(title, subtitle, height * len(panels))
        for place, (target, curves) in enumerate(panels.items()):
            axes = canvas.axes(0.62, 0.5 + height * (len(panels) - 1 - place), 0.2, height * place + legend + 0.05)
            band = curves[0].numbers
            axes.fill_between(band["expected"], band["low"], band["high"], color=LIGHT_GRAY, alpha=0.5, lw=0)
            axes.plot([0, 1], [0, 1], color=GRAY, lw=0.8)
            for one in curves:
                axes.plot(
                    one.numbers["expected"],
                    one.numbers["observed"],
                    color=one.color,
                    linestyle=one.dashes,
                    lw=1.6,
                    label=one.prediction,
                )
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1.02)
            axes.set_xlabel("expected share in the interval" + _of_target(target, len(panels)))
            axes.set_ylabel("observed share")
            _name_lines(axes, curves)
        return render(canvas.figure)


def draw_pit_histogram(columns: Mapping[str, Sequence[Any]], title: str, subtitle: str) -> bytes:
    """Draw the histogram of the probability integral transform.

    Args:
        columns: prediction, target, from, to, share, and the range low to high of calibrated models.
        title: The finding.
        subtitle: What the figure shows.
    """
    with style():
        panels = _panels(columns)
        legend = _legend_inches(panels)
        height = PANEL - 0.4 + legend
        canvas = titled_canvas(title, subtitle, height * len(panels))
        for place, (target, curves) in enumerate(panels.items()):
            axes = canvas.axes(0.62, 0.5 + height * (len(panels) - 1 - place), 0.2, height * place + legend + 0.05)
            _draw_histogram(axes, curves)
            axes.set_xlabel("PIT" + _of_target(target, len(panels)))
            axes.set_ylabel("share of examples")
        return render(canvas.figure)


def _draw_histogram(axes: "Axes", curves: Sequence[_Curve]) -> None:
    """Draw bars for a single predictor, and an outline for each of several."""
    band = curves[0].numbers
    axes.fill_between([0, 1], band["low"][0], band["high"][0], color=LIGHT_GRAY, alpha=0.5, lw=0, zorder=0.5)
    axes.axhline(1 / len(band["from"]), color=GRAY, lw=0.8)
    for one in curves:
        edges = np.append(one.numbers["from"], one.numbers["to"][-1])
        if len(curves) == 1:
            axes.bar(edges[:-1], one.numbers["share"], np.diff(edges), align="edge", color=one.color, alpha=0.75, lw=0)
            axes.vlines(edges[1:-1], 0, np.minimum(one.numbers["share"][1:], one.numbers["share"][:-1]), "white", lw=1)
        else:
            axes.stairs(
                one.numbers["share"], edges, color=one.color, linestyle=one.dashes, lw=1.6, label=one.prediction
            )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.05 * max(band["high"][0], *(one.numbers["share"].max() for one in curves)))
    _name_lines(axes, curves)


def _legend_inches(panels: Mapping[str, Sequence[_Curve]]) -> float:
    """Return the height of the names above a panel; a single line has no name."""
    count = max(len(curves) for curves in panels.values())
    return 0.2 * count if count > 1 else 0.0


def _name_lines(axes: "Axes", curves: Sequence[_Curve]) -> None:
    """Write the names of several predictors above the axes."""
    if len(curves) > 1:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            fontsize=LABEL_SIZE,
            handlelength=2.4,
            borderaxespad=0.2,
            labelspacing=0.2,
        )


def _of_target(target: str, panels: int) -> str:
    """Return the end of a label: the target, if there are several."""
    return "" if panels == 1 else f" of {elide(target, 1.6, 9)}"


def _panels(columns: Mapping[str, Sequence[Any]]) -> dict[str, list[_Curve]]:
    """Return target -> one curve per predictor."""
    predictions, targets = np.array(columns["prediction"], object), np.array(columns["target"], object)
    numbers = {key: np.array(values, float) for key, values in columns.items() if key not in ("prediction", "target")}
    order = list(dict.fromkeys(columns["prediction"]))
    found: dict[str, list[_Curve]] = {}
    for target in dict.fromkeys(columns["target"]):
        for place, prediction in enumerate(order):
            rows = (predictions == prediction) & (targets == target)
            some = {key: values[rows] for key, values in numbers.items()}
            color, dashes = COLORS[place % len(COLORS)], DASHES[place % len(DASHES)]
            found.setdefault(str(target), []).append(_Curve(str(prediction), some, color, dashes))
    return found
