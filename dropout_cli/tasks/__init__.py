"""Tasks: they turn network outputs into predictions, scores, tables and figures."""

from dropout_cli.data.dataset import Dataset
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.objectives import Objective
from dropout_cli.tasks.base import CombinedPasses, Prediction, Task
from dropout_cli.tasks.classification import Classification
from dropout_cli.tasks.regression import Regression

__all__ = ["TASKS", "Classification", "CombinedPasses", "Prediction", "Regression", "Task", "task_of"]

TASKS: dict[str, type[Task]] = {"classification": Classification, "regression": Regression}
"""Name in `summary.json` -> task."""


def task_of(objective: Objective, dataset: Dataset | Preprocessing) -> Task:
    """Return the task of a dataset.

    Args:
        objective: For a regression it decides whether the network predicts variances too, or which noise is given.
        dataset: The dataset, or the fitted preprocessing of one.
    """
    if dataset.targets is None:
        return Classification(dataset.classes)
    targets, precision = dataset.targets, objective.given_precision()
    if precision is not None:
        return Regression(targets, False, (precision**-0.5,) * len(targets.names), noise_is_given=True)
    return Regression(targets, objective.outputs_per_target == 2)
