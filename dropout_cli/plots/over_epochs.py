"""All figures over the epochs of a run."""

from collections.abc import Mapping

from dropout_cli.plots.epochs import curves
from dropout_cli.plots.rates import rates, worth_drawing


def over_epochs(history: Mapping[str, list[float]], chosen_epoch: int) -> dict[str, bytes]:
    """Name -> bytes: curves, and rates where anything moved."""
    made = {"curves.png": curves(history, chosen_epoch)}
    if worth_drawing(history):
        made["rates.png"] = rates(history)
    return made
