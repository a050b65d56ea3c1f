"""Check the numbers of the dummy model in a summary.

The dummy predicts class frequencies or the mean target of the train part, so its numbers follow from files of the run
folder. The numbers of the linear model do not: `verify --replay` fits it again.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dropout_cli import metrics
from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.data.preprocessing import PREPROCESSING_FILE, Preprocessing
from dropout_cli.runs import Run
from dropout_cli.tasks import Task
from dropout_cli.training import yardstick_messages
from dropout_cli.training.yardstick import frequency_logits


def recompute_dummy(run: Run, summary: Mapping[str, Any], task: Task, labels: Array) -> dict[str, Any]:
    """Compute the test numbers of the dummy model again.

    Args:
        run: A complete run.
        summary: Its `summary.json`.
        task: The task of the run.
        labels: Labels of the test part, shape (N,), or targets, shape (N, T).

    Returns:
        The numbers that the summary has and that follow from the run folder.

    Raises:
        UsageError: A file is missing.
        DataError: A file is damaged.
    """
    if task.name == "classification":
        outputs = frequency_logits(np.array([scores["support"] for scores in summary["train"]["per_class"]]))
        recomputed = task.scores(task.predict(np.tile(outputs, (len(labels), 1))), labels)
    else:
        quantities = Preprocessing.unpack(run.read(PREPROCESSING_FILE), str(run.path / PREPROCESSING_FILE)).targets
        if quantities is None:
            raise UsageError(str(run.path / PREPROCESSING_FILE), "does not describe a regression", "Train again.")
        # None: the standard deviation comes from validation labels, which a run folder does not have.
        recomputed = metrics.score_targets(np.tile(quantities.mean, (len(labels), 1)), None, labels, quantities.names)
    return {
        key: recomputed[key]
        for key in yardstick_messages.yardstick_scores(summary, "dummy", "test")
        if recomputed.get(key) is not None
    }
