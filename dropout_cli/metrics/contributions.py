"""Contributions of single validation examples to metrics that are means over examples.

They are stored in `validation.npz`. If all runs of a sweep share one validation part, the sweep estimates from them how
much better the setting chosen by validation looks than it is.
"""

from collections.abc import Mapping

import numpy as np

from dropout_cli.core import npz
from dropout_cli.core.types import Array
from dropout_cli.metrics.predictions import ClassPredictions, TargetPredictions
from dropout_cli.metrics.registry import is_count, task_metrics

VALIDATION_FILE = "validation.npz"


def contributions(prediction: Mapping[str, Array], labels: Array) -> dict[str, Array]:
    """Return the contribution of each example to each metric that has contributions.

    Args:
        prediction: The arrays of a prediction, as in `predictions.npz`.
        labels: (N,) class ids, or (N, targets) true values.

    Returns:
        Metric -> (N,) float64, whose mean is the metric.
    """
    given = metric_input(prediction, labels)
    task = "classification" if isinstance(given, ClassPredictions) else "regression"
    arrays = {metric.name: metric.per_example(given) for metric in task_metrics(task) if metric.per_example is not None}
    return {name: np.asarray(each, np.float64) for name, each in arrays.items() if each is not None}


def metric_input(prediction: Mapping[str, Array], labels: Array) -> ClassPredictions | TargetPredictions:
    """Return the input of the metrics for a prediction.

    Args:
        prediction: The arrays of a prediction, as in `predictions.npz`.
        labels: (N,) class ids, or (N, targets) true values.
    """
    if "probabilities" not in prediction:
        return TargetPredictions.of(prediction["mean"], prediction.get("sd"), labels)
    classes = [str(id_) for id_ in range(prediction["probabilities"].shape[1])]  # no metric depends on the names
    return ClassPredictions.of(prediction["probabilities"], labels, classes, prediction.get("log_probabilities"))


def compact_contributions(prediction: Mapping[str, Array], labels: Array) -> dict[str, Array]:
    """Return the contributions as they are stored, in few bytes; see `contributions`.

    Args:
        prediction: The arrays of a prediction.
        labels: (N,) class ids, or (N, targets) true values.
    """
    arrays = contributions(prediction, labels)
    # A byte per example for right and wrong, four for other metrics: a sweep may keep thousands of these files.
    return {name: each.astype(bool if is_count(name) else np.float32) for name, each in arrays.items()}


def validation_bytes(prediction: Mapping[str, Array], labels: Array, rows: Array) -> bytes:
    """Return the bytes of `validation.npz`: row numbers and contributions.

    Args:
        prediction: The arrays of a prediction of the validation part.
        labels: (N,) class ids, or (N, targets) true values.
        rows: (N,) row numbers in the source.
    """
    return npz.write_npz(rows=rows, **compact_contributions(prediction, labels))
