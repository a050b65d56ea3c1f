"""The numbers that judge predictions, and the tables that show where they are wrong."""

from dropout_cli.metrics import classes, quantities
from dropout_cli.metrics.classes import (
    Mistake,
    classification,
    confusion_csv,
    confusion_matrix,
    mistakes,
    mistakes_csv,
    ranking,
    worst,
)
from dropout_cli.metrics.csv_text import csv_bytes, safe_text
from dropout_cli.metrics.quantities import regression, residuals_csv

__all__ = [
    "NUMBERS",
    "Mistake",
    "classification",
    "confusion_csv",
    "confusion_matrix",
    "csv_bytes",
    "larger_is_better",
    "mistakes",
    "mistakes_csv",
    "ranking",
    "regression",
    "residuals_csv",
    "safe_text",
    "worst",
]

NUMBERS = (*classes.NUMBERS, *(name for name in quantities.NUMBERS if name not in classes.NUMBERS))
"""What a summary says of a part; a run has those of its task."""

LARGER = {"accuracy", "macro_f1", "balanced_accuracy", "roc_auc", "average_precision", "r2"}


def larger_is_better(number: str) -> bool:
    """Which way a number points, by its name, a dotted key that ends in it, or its column of the history."""
    return number.rpartition(".")[2].removeprefix("val_").removeprefix("train_") in LARGER
