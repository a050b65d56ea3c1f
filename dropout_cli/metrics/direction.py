"""All numbers by name, and which way each of them points."""

from dropout_cli.metrics import classes, quantities

NUMBERS = (*classes.NUMBERS, *(name for name in quantities.NUMBERS if name not in classes.NUMBERS))
"""What a summary says of a part; a run has those of its task."""

LARGER = {"accuracy", "macro_f1", "balanced_accuracy", "roc_auc", "average_precision", "r2"}


def larger_is_better(number: str) -> bool:
    """Which way a number points, by its name, a dotted key that ends in it, or its column of the history."""
    return number.rpartition(".")[2].removeprefix("val_").removeprefix("train_") in LARGER
