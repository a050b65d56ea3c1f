"""What a network's outputs mean: one file per task."""

from dropout_cli.data.dataset import Dataset
from dropout_cli.data.preprocessing import Fitted
from dropout_cli.objectives import Objective
from dropout_cli.tasks.base import Combined, Prediction, Task
from dropout_cli.tasks.classification import Classification
from dropout_cli.tasks.regression import Regression

__all__ = ["TASKS", "Classification", "Combined", "Prediction", "Regression", "Task", "of"]

TASKS: dict[str, type[Task]] = {"classification": Classification, "regression": Regression}


def of(objective: Objective, dataset: Dataset | Fitted) -> Task:
    """The task that the data set; of a regression, the objective says whether the network predicts variances too."""
    if dataset.quantities is None:
        return Classification(dataset.classes)
    return Regression(dataset.quantities, objective.outputs_each == 2)
