"""The files that say how well a network does on one part of the data."""

from collections.abc import Mapping
from typing import Any

from dropout_cli import metrics, npz, plots
from dropout_cli.arrays import Array
from dropout_cli.data.dataset import Dataset, Part


def files(probs: Array, part: Part, dataset: Dataset, *, title: str, figures: bool) -> dict[str, bytes]:
    """Name -> bytes: predictions, confusion matrix and mistakes, as data and, if asked for, as figures."""
    matrix = metrics.confusion_matrix(probs, part.labels, dataset.classes)
    mistakes = metrics.mistakes(probs, part.labels, part.rows, dataset.classes)
    made = {
        "predictions.npz": npz.write(labels=part.labels, probabilities=probs, rows=part.rows),
        "confusion_matrix.csv": metrics.confusion_csv(matrix, dataset.classes),
        "mistakes.csv": metrics.mistakes_csv(mistakes),
    }
    if figures:
        made["confusion_matrix.png"] = plots.confusion(matrix, dataset.classes, title)
        if len(dataset.shape) == 3:
            pictures = part.x[metrics.worst(probs, part.labels)]
            made["mistakes.png"] = plots.mistakes_pictures(pictures, [plots.caption(one) for one in mistakes])
        else:
            made["mistakes.png"] = plots.mistakes_table(mistakes)
    return made


def training_figures(history: Mapping[str, list[float]], chosen_epoch: int) -> dict[str, bytes]:
    """Name -> bytes of the figures over epochs: curves, and rates where anything moved."""
    made = {"curves.png": plots.curves(history, chosen_epoch)}
    if plots.worth_drawing(history):
        made["rates.png"] = plots.rates(history)
    return made


def scores(probs: Array, part: Part, dataset: Dataset) -> dict[str, Any]:
    """The numbers of `summary.json` for one part."""
    return metrics.classification(probs, part.labels, dataset.classes)


def still_moving(history: Mapping[str, list[float]]) -> list[str]:
    """The learned rates that moved by more than .01 over the last tenth of the epochs; alpha counts as its rate."""
    moving = []
    for name, values in history.items():
        if name.endswith(("/rate", "/alpha", "/sparsity")) and len(values) > 1:
            before, after = values[min(round(0.9 * len(values)), len(values) - 1) - 1], values[-1]
            if name.endswith("/alpha"):
                before, after = before / (1 + before), after / (1 + after)
            if abs(after - before) > 0.01:
                moving.append(name)
    return moving


def advice(column: str) -> str:
    """What to say of a learned rate that has not settled."""
    return f"{column}: still moving at the end of training. More epochs, or a falling learning rate, may settle it."
