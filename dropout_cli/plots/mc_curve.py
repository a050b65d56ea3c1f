"""Scores of Monte Carlo dropout against the number of passes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.plots.canvas import BLUE, GRAY, INK, ORANGE, VERMILION, render, style
from dropout_cli.plots.layout import LABEL_INCHES, LineEnd, label_line_ends, set_log_scale, titled_canvas
from dropout_cli.plots.value_axis import keep_y_label_inside, show_percent
from dropout_cli.plots.words import number_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_INCHES = 1.75


def score_label(name: str) -> str:
    """Return a score in words, for axes and tables: `Brier score` for `brier`."""
    return "Brier score" if name == "brier" else number_words(name)


def mc_curve_figure(columns: Mapping[str, Sequence[Any]], title: str, subtitle: str) -> bytes:
    """Draw a panel per score: the mean of T passes against T, beside no noise.

    Args:
        columns: `passes`, and for each score NAME the columns NAME, NAME_sd and NAME_weight_scaling; if known,
            NAME_predicted.
        title: The finding.
        subtitle: What the figure shows.
    """
    ending = "_weight_scaling"
    names = [name.removesuffix(ending) for name in columns if name.endswith(ending)]
    with style():
        canvas = titled_canvas(title, subtitle, 0.3 + PANEL_INCHES * len(names))
        for number, name in enumerate(names):
            bottom = 0.5 + PANEL_INCHES * (len(names) - 1 - number)
            axes = canvas.axes(0.72, bottom, LABEL_INCHES, PANEL_INCHES * number + 0.05)
            ends = [_draw_passes(axes, columns, name, "Monte Carlo", BLUE)]
            if f"{name}_predicted" in columns:
                predicted = _numbers(columns[f"{name}_predicted"])
                axes.plot(columns["passes"], predicted, color=INK, lw=1, linestyle=":", zorder=3)
                ends.append(LineEnd("predicted", float(predicted[-1]), INK))
            scaled = _numbers(columns[f"{name}{ending}"])
            if np.isfinite(scaled[0]):
                axes.axhline(scaled[0], color=VERMILION, lw=1.4, linestyle="--", zorder=1.5)
                ends.append(LineEnd("no noise", float(scaled[0]), VERMILION))
            _label_axes(axes, columns["passes"], score_label(name), last=number == len(names) - 1)
            if name == "error":
                show_percent(axes.yaxis)
            keep_y_label_inside(canvas, axes)
            label_line_ends(axes, ends)
        return render(canvas.figure)


def mutual_information_figure(columns: Mapping[str, Sequence[Any]], title: str, subtitle: str) -> bytes:
    """Draw the mean mutual information against the number of passes, plain and corrected.

    Args:
        columns: `passes`; `mutual_information` and `mutual_information_corrected`, each also with `_sd`.
        title: The finding.
        subtitle: What the figure shows.
    """
    with style():
        canvas = titled_canvas(title, subtitle, 2.6)
        axes = canvas.axes(0.72, 0.5, LABEL_INCHES, 0.05)
        ends = [
            _draw_passes(axes, columns, "mutual_information_corrected", "corrected", BLUE),
            _draw_passes(axes, columns, "mutual_information", "not corrected", ORANGE),
        ]
        axes.set_ylim(bottom=0)
        _label_axes(axes, columns["passes"], "mutual information (nats)", last=True)
        keep_y_label_inside(canvas, axes)
        label_line_ends(axes, ends)
        return render(canvas.figure)


def _draw_passes(axes: "Axes", columns: Mapping[str, Sequence[Any]], name: str, label: str, color: str) -> LineEnd:
    """Draw a score against the passes, with a band of one known standard deviation."""
    passes, values, sd = (_numbers(columns[key]) for key in ("passes", name, f"{name}_sd"))
    axes.fill_between(passes, values - sd, values + sd, color=color, alpha=0.18, lw=0)
    axes.plot(passes, values, color=color, lw=1.6, marker="o", markersize=3.5, zorder=2.5)
    return LineEnd(label, float(values[-1]), color)


def _label_axes(axes: "Axes", passes: Sequence[float], label: str, *, last: bool) -> None:
    """Set limits, ticks and labels."""
    from matplotlib.ticker import MaxNLocator

    axes.set_ylabel(label)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    set_log_scale(axes, "x", min(passes), max(passes))
    axes.set_xlim(min(passes) / 1.12, max(passes) * 1.12)
    # More than about ten numbers would overlap.
    ticks = passes if len(passes) <= 8 else [count for count in passes if f"{count:g}"[0] == "1"]
    axes.set_xticks(ticks, [f"{count:g}" for count in ticks] if last else [""] * len(ticks))
    axes.tick_params(axis="x", color=GRAY)
    if last:
        axes.set_xlabel("passes with noise, T (logarithmic)")


def _numbers(cells: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return cells as numbers; NaN for an empty cell."""
    return np.array([np.nan if cell is None else cell for cell in cells], np.float64)
