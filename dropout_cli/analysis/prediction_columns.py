"""The columns that a prediction adds to the rows of a file."""

from collections.abc import Iterator, Sequence
from typing import Any

from dropout_cli.analysis.calibration.conformal import ConformalThresholds
from dropout_cli.analysis.combine_runs import CombinedRuns
from dropout_cli.metrics import predicted_classes
from dropout_cli.tasks import Regression
from dropout_cli.training.restore import LoadedWithoutData

UNCERTAINTIES = ("predictive_entropy", "mutual_information", "model_sd", "noise_sd")
"""Uncertainties of Monte Carlo passes that become columns."""


def predicted_columns(
    model: LoadedWithoutData, combined: CombinedRuns, taken: Sequence[str], thresholds: ConformalThresholds | None
) -> Iterator[tuple[str, list[Any]]]:
    """Yield name and values of each predicted column.

    Args:
        model: The model.
        combined: Arrays of the task, one row per example, with their uncertainties.
        taken: Names of the columns of the file; a predicted column with such a name gets an underscore.
        thresholds: The thresholds of the conformal columns; None: no such columns.
    """
    classes, task = model.fitted.classes, model.task
    prediction, uncertainties, run_sd = combined.prediction, combined.uncertainties, combined.run_sd
    columns: list[tuple[str, list[Any]]] = []
    conformal = [] if thresholds is None else list(thresholds.columns(combined, classes))
    if isinstance(task, Regression):
        names = task.targets.names
        for t, name in enumerate(names):
            end = "" if len(names) == 1 else f" {name}"
            columns.append((f"predicted{end}", prediction["mean"][:, t].tolist()))
            if "sd" in prediction:
                columns.append((f"sd{end}", prediction["sd"][:, t].tolist()))
            columns += [(f"{key}{end}", values[:, t].tolist()) for key, values in uncertainties.items()]
            if run_sd is not None:
                columns.append((f"run_sd{end}", run_sd[:, t].tolist()))
            columns += [(f"{key}{end}", values) for key, target, values in conformal if target == t]
    else:
        probs = prediction["probabilities"]
        columns.append(("predicted", [classes[label] for label in predicted_classes(prediction).tolist()]))
        columns += [(f"probability {name}", probs[:, place].tolist()) for place, name in enumerate(classes)]
        columns += [(key, values.tolist()) for key, values in uncertainties.items() if key in UNCERTAINTIES]
        if run_sd is not None:
            columns += [(f"run_sd {name}", run_sd[:, place].tolist()) for place, name in enumerate(classes)]
        columns += [(key, values) for key, _, values in conformal]
    for name, values in columns:
        # Two columns of one name could not be told apart in CSV, and would replace each other in JSON.
        while name in taken:
            name += "_"
        yield name, values
