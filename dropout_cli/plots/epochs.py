"""Learning curves: loss and headline metric against the epoch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.text import significant
from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import BLUE, GRAY, SKY, VERMILION, render, style
from dropout_cli.plots.layout import LABEL_INCHES, LineEnd, label_line_ends, titled_canvas
from dropout_cli.plots.words import better_side, number_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    from matplotlib.ticker import MaxNLocator

    number = "rmse" if "train_rmse" in history else "accuracy"
    last = max([evaluated_epoch, *map(len, history.values())])
    margin = 0.02 * (last - 1) or 0.5
    with style():
        title = _finding(history, evaluated_epoch, number)
        subtitle = f"train and validation with dropout off; dotted: evaluated epoch {evaluated_epoch}"
        canvas = titled_canvas(title, subtitle, 5.3)
        for quantity, bottom, top in (("loss", 3.05, 0.1), (number, 0.5, 2.65)):
            axes = canvas.axes(0.72, bottom, LABEL_INCHES, top)
            ends = []
            if quantity == "loss":
                ends += _line(axes, history, "train_objective", "objective (dropout on)", color=SKY, linewidth=0.9)
            ends += _line(axes, history, f"train_{quantity}", train, color=BLUE, linewidth=1.6)
            ends += _line(
                axes, history, f"val_{quantity}", "validation", color=VERMILION, linewidth=1.6, linestyle="--"
            )
            axes.axvline(evaluated_epoch, color=GRAY, linewidth=1.1, linestyle=":", zorder=1.5)
            axes.set_ylabel(f"{number_words(quantity)} {better_side(quantity)}")
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1, steps=(1, 2, 5, 10)))
            axes.set_xlim(1 - margin, last + margin)
            if last == 1 and quantity == "accuracy":
                axes.set_ylim(0, 1)  # the automatic axis around a single point spans a hundredth
            label_line_ends(axes, ends)
        axes.set_xlabel("epoch")
        return render(canvas.figure)


def _finding(history: Mapping[str, Sequence[float]], epoch: int, number: str) -> str:
    """Return the numbers of the evaluated epoch in a sentence."""
    texts = []
    for part, name in (("train", "training"), ("val", "validation")):
        values = history.get(f"{part}_{number}", ())
        if len(values) >= epoch and np.isfinite(values[epoch - 1]):
            texts.append(f"{name} {number_words(number)} {significant(values[epoch - 1])}")
    return f"Epoch {epoch}: {', '.join(texts)}" if texts else f"Epoch {epoch}"


def _line(
    axes: "Axes",
    history: Mapping[str, Sequence[float]],
    column: str,
    label: str,
    *,
    color: str,
    linewidth: float,
    linestyle: str = "-",
) -> list[LineEnd]:
    """Draw a column and return its end; nothing if the column has no finite value."""
    y: Array = np.array(history.get(column, ()), np.float64)
    y[~(np.abs(y) < MAX_LOSS)] = np.nan
    if np.all(np.isnan(y)):
        return []
    marker = "o" if len(y) <= MAX_MARKED_EPOCHS else None
    x = np.arange(1, len(y) + 1)
    axes.plot(x, y, color=color, linewidth=linewidth, linestyle=linestyle, marker=marker, markersize=2 + linewidth)
    return [LineEnd(label, float(y[~np.isnan(y)][-1]), color)]
