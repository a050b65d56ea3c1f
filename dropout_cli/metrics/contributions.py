"""The contribution of each validation example to the metrics that are means over examples, in a file of its own.

A sweep estimates from it how much better the setting that validation chose looks than it is, where all runs share one
validation part.
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
    """Return metric -> (N,) what each example contributes, float64.

    Args:
        prediction: The arrays of a prediction, as in `predictions.npz`.
        labels: (N,) class ids, or (N, targets) true values.
    """
    given = given_for(prediction, labels)
    task = "classification" if isinstance(given, Classes) else "regression"
    found = {one.name: one.of_each(given) for one in of_task(task) if one.of_each is not None}
    return {name: np.asarray(each, np.float64) for name, each in found.items() if each is not None}


def given_for(prediction: Mapping[str, Array], labels: Array) -> Classes | Quantities:
    """Return what metrics are computed from."""
    if "probabilities" not in prediction:
        return Quantities.of(prediction["mean"], prediction.get("sd"), labels)
    classes = [str(one) for one in range(prediction["probabilities"].shape[1])]
    return Classes.of(prediction["probabilities"], labels, classes, prediction.get("log_probabilities"))


def validation_file(prediction: Mapping[str, Array], labels: Array, rows: Array) -> bytes:
    """Return the bytes of `validation.npz`: row numbers and contributions; right and wrong as bool, else float32."""
    found = contributions(prediction, labels)
    kept = {name: each.astype(bool if is_counted(name) else np.float32) for name, each in found.items()}
    return npz.write(rows=rows, **kept)
