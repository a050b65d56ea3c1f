"""Contributions of single validation examples to metrics that are means over examples.

They are stored in `validation.npz`. If all runs of a sweep share one validation part, the sweep estimates from them how
much better the setting chosen by validation looks than it is.
"""

from collections.abc import Mapping

import numpy as np

from dropout_cli.core import npz
from dropout_cli.core.types import Array
from dropout_cli.metrics.registry import is_counted, of_task
from dropout_cli.metrics.scored import Classes, Quantities

VALIDATION = "validation.npz"
ROWS = "rows"


def contributions(prediction: Mapping[str, Array], labels: Array) -> dict[str, Array]:
    """Return the contribution of each example to each metric that has contributions.

    Args:
        prediction: The arrays of a prediction, as in `predictions.npz`.
        labels: (N,) class ids, or (N, targets) true values.

    Returns:
        Metric -> (N,) float64, whose mean is the metric.
    """
    given = given_for(prediction, labels)
    task = "classification" if isinstance(given, Classes) else "regression"
    arrays = {metric.name: metric.of_each(given) for metric in of_task(task) if metric.of_each is not None}
    return {name: np.asarray(each, np.float64) for name, each in arrays.items() if each is not None}


def given_for(prediction: Mapping[str, Array], labels: Array) -> Classes | Quantities:
    """Return the input of the metrics for a prediction.

    Args:
        prediction: The arrays of a prediction, as in `predictions.npz`.
        labels: (N,) class ids, or (N, targets) true values.
    """
    if "probabilities" not in prediction:
        return Quantities.of(prediction["mean"], prediction.get("sd"), labels)
    classes = [str(id_) for id_ in range(prediction["probabilities"].shape[1])]  # no metric depends on the names
    return Classes.of(prediction["probabilities"], labels, classes, prediction.get("log_probabilities"))


def validation_file(prediction: Mapping[str, Array], labels: Array, rows: Array) -> bytes:
    """Return the bytes of `validation.npz`: row numbers and contributions.

    Args:
        prediction: The arrays of a prediction of the validation part.
        labels: (N,) class ids, or (N, targets) true values.
        rows: (N,) row numbers in the source.
    """
    arrays = contributions(prediction, labels)
    # A byte per example for right and wrong, four for other metrics: a sweep may keep thousands of these files.
    compact = {name: each.astype(bool if is_counted(name) else np.float32) for name, each in arrays.items()}
    return npz.write(rows=rows, **compact)
