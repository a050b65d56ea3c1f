"""A test of two networks by their predictions for the same test examples.

Classifications: McNemar's exact test of the examples that only one of them classifies correctly. Regressions: a paired
bootstrap of the difference in RMSE, or in MAE if that is the metric; several targets are averaged as in the summaries.
The test is about these two networks, not about their settings, because other seeds give other networks.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dropout_cli import metrics, statistics
from dropout_cli.core.errors import DropoutError, UsageError
from dropout_cli.core.text import significant
from dropout_cli.core.types import Array
from dropout_cli.metrics import DEFAULT_METRIC
from dropout_cli.runs import Run
from dropout_cli.statistics.bootstrap import MIN_EXAMPLES
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.stored_predictions import stored_predictions

ONE_EACH = "These two networks are not tested against each other"


def test_two_runs(records: Sequence[RunRecord], metric: str = DEFAULT_METRIC) -> str | None:
    """Return a sentence with the test of two runs, or why they cannot be tested.

    Args:
        records: The runs; the result is None unless there are two.
        metric: The metric of the comparison: `mae` tests MAE instead of RMSE.
    """
    if len(records) != 2:
        return None
    try:
        first, second = (stored_predictions(Run(Path(record.path))) for record in records)
        _must_be_the_same_examples(first, second)
        if "probabilities" in first:
            return _of_classes(first, second)
        return _of_quantities(first, second, metric)
    except DropoutError as error:
        reason = "; ".join(
            f"{problem.place}: {problem.fact}" if problem.place else problem.fact for problem in error.problems
        )
        return f"{ONE_EACH}: {reason}."


def _must_be_the_same_examples(first: Mapping[str, Array], second: Mapping[str, Array]) -> None:
    """Raise UsageError if examples, labels, classes or targets of the two differ."""
    if ("probabilities" in first) != ("probabilities" in second):
        raise UsageError("", "one is a classification, the other a regression")
    if not np.array_equal(first["rows"], second["rows"]):
        shared = len(np.intersect1d(first["rows"], second["rows"]))
        raise UsageError("", f"their test parts contain different examples ({shared} are in both)")
    name = "probabilities" if "probabilities" in first else "mean"
    if first[name].shape != second[name].shape:
        what = "classes" if name == "probabilities" else "targets"
        ours, theirs = (predictions[name].shape[1] for predictions in (first, second))
        raise UsageError("", f"they predict different numbers of {what} ({ours} and {theirs})")
    if not np.array_equal(first["labels"], second["labels"]):
        raise UsageError("", "their test examples have different labels, so the data differ")


def _of_classes(first: Mapping[str, Array], second: Mapping[str, Array]) -> str:
    found = statistics.mcnemar(*(metrics.predicted_classes(one) == one["labels"] for one in (first, second)))
    return (
        f"McNemar's exact test of these two networks: of {len(first['rows'])} test examples, {found.only_first} are "
        f"correct only in the first run and {found.only_second} only in the second, p = {found.p:.2g}. "
        "This says nothing about other seeds."
    )


def _of_quantities(first: Mapping[str, Array], second: Mapping[str, Array], metric: str) -> str:
    number = "mae" if metrics.metric_name(metric) == "mae" else "rmse"
    errors = [one["mean"].astype(np.float64) - one["labels"] for one in (first, second)]
    losses = [np.abs(error) if number == "mae" else error**2 for error in errors]
    n = len(first["rows"])
    if n < MIN_EXAMPLES:
        raise UsageError("", f"the paired bootstrap needs {MIN_EXAMPLES} test examples, and there are {n}")
    found = statistics.paired_bootstrap(*losses, take_root=number == "rmse")
    low, high = found.interval
    return (
        f"Paired bootstrap of these two networks' errors on the same {n} test examples: test.{number} "
        f"{significant(found.first)} compared with {significant(found.second)}, difference "
        f"{significant(found.difference, 3)} (95 % interval {low:.3g} to {high:.3g}), p = {found.p:.2g}. This "
        "says nothing about other seeds."
    )
