"""All figures over the epochs of a run."""

from collections.abc import Mapping

from dropout_cli.plots.epochs import learning_curves
from dropout_cli.plots.rates import has_rate_changes, rate_curves


def epoch_figures(history: Mapping[str, list[float]], evaluated_epoch: int, train: str = "train") -> dict[str, bytes]:
    """Return the figures, file name -> bytes: `curves`, and `rates` if anything changed.

    Args:
        history: Columns of metrics.csv.
        evaluated_epoch: The epoch, from 1, whose weights gave the final numbers.
        train: Description of the training examples that were scored.
    """
    figures = {"curves.png": learning_curves(history, evaluated_epoch, train)}
    if has_rate_changes(history):
        figures["rates.png"] = rate_curves(history)
    return figures
