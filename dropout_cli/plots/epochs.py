"""Learning curves: loss and headline metric against the epoch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import BLUE, GRAY, SKY, VERMILION, empty_figure, render, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

MAX_LOSS = 1e15  # larger losses are left out as infinite ones: they would flatten the curve or overflow the axis

MAX_MARKED_EPOCHS = 30  # epochs up to which each gets a marker


def learning_curves(history: Mapping[str, Sequence[float]], evaluated_epoch: int, train: str = "train") -> bytes:
    """Draw loss and headline metric over the epochs, training against validation.

    The evaluated epoch is marked.

    Args:
        history: Columns of metrics.csv: train_loss, val_loss, train_objective, train_accuracy and val_accuracy (for a
            regression train_rmse and val_rmse), a value per epoch from epoch 1. A column that is missing or has no
            finite value is left out.
        evaluated_epoch: The epoch, from 1, whose weights gave the final numbers.
        train: Description of the training examples that were scored.
    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    with style():
        figure = empty_figure(9, 3.7)
        figure.subplots_adjust(left=0.07, right=0.985, top=0.83, bottom=0.135, wspace=0.19)
        loss, other = figure.subplots(1, 2)
        number = "rmse" if "train_rmse" in history else "accuracy"
        named: dict[str, Line2D] = {}
        _line(loss, history, "train_objective", named, "training objective (dropout on)", color=SKY, linewidth=0.9)
        for axes, quantity in ((loss, "loss"), (other, number)):
            _line(axes, history, f"train_{quantity}", named, f"{train} (dropout off)", color=BLUE, linewidth=1.6)
            _line(axes, history, f"val_{quantity}", named, "validation", color=VERMILION, linewidth=1.6, linestyle="--")
            label = f"evaluated epoch {evaluated_epoch}"
            named[label] = axes.axvline(evaluated_epoch, color=GRAY, linewidth=1.1, linestyle=":", zorder=1.5)
            axes.set_title(quantity, loc="left")
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=(1, 2, 5, 10)))
            last = max([evaluated_epoch, *map(len, history.values())])
            margin = 0.02 * (last - 1) or 0.5
            axes.set_xlim(1 - margin, last + margin)
        if number == "accuracy":
            other.yaxis.set_major_formatter(PercentFormatter(1))
        if last == 1 and number == "accuracy":
            other.set_ylim(0, 1)  # the automatic axis around a single point spans a hundredth
        figure.legend(named.values(), named.keys(), loc="upper center", ncols=len(named), bbox_to_anchor=(0.5, 1.0))
        return render(figure)


def _line(
    axes: "Axes",
    history: Mapping[str, Sequence[float]],
    column: str,
    named: "dict[str, Line2D]",
    label: str,
    *,
    color: str,
    linewidth: float,
    linestyle: str = "-",
) -> None:
    """Draw a column if it has finite values, and add it to the legend under `label`."""
    y: Array = np.array(history.get(column, ()), np.float64)
    y[~(np.abs(y) < MAX_LOSS)] = np.nan
    if np.all(np.isnan(y)):
        return
    marker = "o" if len(y) <= MAX_MARKED_EPOCHS else None
    x = np.arange(1, len(y) + 1)
    (named[label],) = axes.plot(
        x, y, color=color, linewidth=linewidth, linestyle=linestyle, marker=marker, markersize=2 + linewidth
    )
