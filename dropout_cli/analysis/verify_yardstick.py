"""Whether the simple models in a summary are those that the data give.

The dummy follows from what a run folder keeps: the labels of the test part, the sizes of the classes of the train part,
or the mean of its targets. The linear model does not, and is fitted again by `verify --replay`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dropout_cli import metrics
from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.data.preprocessing import FILE, Fitted
from dropout_cli.runs import Run
from dropout_cli.tasks import Task
from dropout_cli.training import against_dummy
from dropout_cli.training.yardstick import frequencies


def dummy(run: Run, summary: Mapping[str, Any], task: Task, labels: Array) -> dict[str, Any]:
    """Compute the test numbers of the dummy anew, those that the summary has and that follow from the folder.

    Raises UsageError or DataError where a file is missing or damaged.
    """
    if task.name == "classification":
        outputs = frequencies(np.array([one["support"] for one in summary["train"]["per_class"]]))
        anew = task.scores(task.predict(np.tile(outputs, (len(labels), 1))), labels)
    else:
        quantities = Fitted.unpack(run.read(FILE), str(run.path / FILE)).quantities
        if quantities is None:
            raise UsageError(str(run.path / FILE), "is not that of a regression")
        # Its standard deviation comes from validation labels, which a run does not keep.
        anew = metrics.regression(np.tile(quantities.mean, (len(labels), 1)), None, labels, quantities.names)
    return {key: anew[key] for key in against_dummy.of(summary, "dummy", "test") if anew.get(key) is not None}
