"""Tasks: they turn network outputs into predictions, scores, tables and figures."""

from dropout_cli.data.dataset import Dataset
from dropout_cli.data.preprocessing import Fitted
from dropout_cli.objectives import Objective
from dropout_cli.tasks.base import Combined, Prediction, Task
from dropout_cli.tasks.classification import Classification
from dropout_cli.tasks.regression import Regression

__all__ = ["TASKS", "Classification", "Combined", "Prediction", "Regression", "Task", "of"]

TASKS: dict[str, type[Task]] = {"classification": Classification, "regression": Regression}
"""Name in `summary.json` -> task."""


def of(objective: Objective, dataset: Dataset | Fitted) -> Task:
    """Return the task of a dataset.

    Args:
        objective: For a regression it decides whether the network predicts variances too.
        dataset: The dataset, or the fitted preprocessing of one.
    """
    if dataset.quantities is None:
        return Classification(dataset.classes)
    return Regression(dataset.quantities, objective.outputs_each == 2)
