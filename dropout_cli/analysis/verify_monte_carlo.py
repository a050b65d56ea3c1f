"""Check the Monte Carlo numbers of a summary.

They must follow from the predictions and contributions that the run stores. The passes themselves are drawn
again by `verify --replay`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dropout_cli.analysis.value_differences import value_differences
from dropout_cli.analysis.verify_metrics import split_known_metrics
from dropout_cli.core import npz
from dropout_cli.core.types import Array
from dropout_cli.runs import Run
from dropout_cli.tasks import CombinedPasses, Task
from dropout_cli.training.monte_carlo import LOG_DENSITIES, MONTE_CARLO_FILE, SUMMARY_KEY, pass_scores

ROUNDING = 1e-5
"""Relative and absolute tolerance of means of contributions, which are stored in float32."""


def monte_carlo_differences(run: Run, summary: Mapping[str, Any], task: Task, labels: Array) -> Iterator[str]:
    """Yield a phrase for each Monte Carlo number that does not follow from the stored arrays.

    Args:
        run: A complete run.
        summary: Its `summary.json`, with Monte Carlo numbers.
        task: The task of the run.
        labels: Labels of the test part.

    Raises:
        DataError: The file of the arrays is damaged.
        UsageError: It is missing.
        LookupError, TypeError, ValueError: Arrays or numbers are missing or do not fit.
    """
    stored = npz.read_npz(run.read(MONTE_CARLO_FILE), str(run.path / MONTE_CARLO_FILE))
    known: dict[str, dict[str, Array]] = {}
    for key, each in stored.items():
        count, name = key.split("/", 1)
        known.setdefault(count, {})[name] = each
    yield from value_differences(sorted(summary[SUMMARY_KEY]), sorted(known), "the numbers of passes")
    for count, scores in summary[SUMMARY_KEY].items():
        path = f"{SUMMARY_KEY}.{count}"
        arrays = dict(known[count])
        val = {name.removeprefix("val/"): arrays.pop(name) for name in list(arrays) if name.startswith("val/")}
        combined = CombinedPasses({"monte_carlo": arrays}, {}, arrays.pop(LOG_DENSITIES, None))
        given, expected, _ = split_known_metrics(scores["test"], pass_scores(task, combined, labels), frozenset())
        yield from value_differences(given, expected, f"{path}.test")
        if ("val" in scores) != (summary["val"] is not None) or bool(val) != ("val" in scores):
            yield f"{path}.val and val are not of the same parts as {MONTE_CARLO_FILE}"
            continue
        for name, each in val.items():
            mean = float(np.mean(each))
            if not np.isclose(scores["val"].get(name, mean), mean, ROUNDING, ROUNDING):
                yield f"{path}.val.{name} is {scores['val'][name]}, but the mean of its contributions is {mean}"
