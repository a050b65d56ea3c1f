"""All figures over the epochs of a run."""

from collections.abc import Mapping

from dropout_cli.plots.epochs import curves
from dropout_cli.plots.rates import rates, worth_drawing


def over_epochs(history: Mapping[str, list[float]], evaluated_epoch: int, train: str = "train") -> dict[str, bytes]:
    """Return the figures as name -> bytes: `curves`, and `rates` where anything moved."""
    made = {"curves.png": curves(history, evaluated_epoch, train)}
    if worth_drawing(history):
        made["rates.png"] = rates(history)
    return made
