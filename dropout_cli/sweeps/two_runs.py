"""A test of two networks by their predictions for the same test examples. It says nothing of their settings.

Of classifications, McNemar's exact test of which examples each has right. Of regressions, Wilcoxon's signed-rank test
of their absolute errors, example by example; with several targets an example's error is the mean over them, each
divided by the target's standard deviation.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dropout_cli import metrics, statistics
from dropout_cli.core.errors import DropoutError, UsageError
from dropout_cli.core.types import Array
from dropout_cli.runs import Run
from dropout_cli.sweeps.records import Record
from dropout_cli.sweeps.stored_predictions import predictions

ONE_EACH = "These two networks are not tested against each other"


def tested(records: Sequence[Record]) -> str | None:
    """Return a sentence with the test of two runs, or why they cannot be tested; None where they are not two."""
    if len(records) != 2:
        return None
    try:
        first, second = (predictions(Run(Path(record.path))) for record in records)
        _must_be_the_same_examples(first, second)
        return _of_classes(first, second) if "probabilities" in first else _of_quantities(first, second)
    except DropoutError as error:
        reason = "; ".join(
            f"{problem.place}: {problem.fact}" if problem.place else problem.fact for problem in error.problems
        )
        return f"{ONE_EACH}: {reason}."


def _must_be_the_same_examples(first: Mapping[str, Array], second: Mapping[str, Array]) -> None:
    """Raise UsageError where the two predict other examples, labels, classes or targets."""
    if ("probabilities" in first) != ("probabilities" in second):
        raise UsageError("", "one is a classification, the other a regression")
    if not np.array_equal(first["rows"], second["rows"]):
        shared = len(np.intersect1d(first["rows"], second["rows"]))
        raise UsageError("", f"their test parts are different examples ({shared} of them are in both)")
    name = "probabilities" if "probabilities" in first else "mean"
    if first[name].shape != second[name].shape:
        what = "classes" if name == "probabilities" else "targets"
        raise UsageError("", f"they predict {first[name].shape[1]} and {second[name].shape[1]} {what}")
    if not np.array_equal(first["labels"], second["labels"]):
        raise UsageError("", "what is true of their test examples differs: these are other data")


def _of_classes(first: Mapping[str, Array], second: Mapping[str, Array]) -> str:
    found = statistics.mcnemar(*(metrics.predicted(one) == one["labels"] for one in (first, second)))
    return (
        f"McNemar's exact test of these two networks: only the first has {found.only_first} of {len(first['rows'])} "
        f"test examples right, only the second {found.only_second}, p = {found.p:.2g}. It says nothing of other seeds."
    )


def _of_quantities(first: Mapping[str, Array], second: Mapping[str, Array]) -> str:
    spread = first["labels"].astype(np.float64).std(axis=0)
    units = np.where((spread > 0) & (first["labels"].shape[1] > 1), spread, 1.0)
    errors = [(np.abs(one["mean"].astype(np.float64) - one["labels"]) / units).mean(axis=1) for one in (first, second)]
    found = statistics.compare(*(one.tolist() for one in errors), test="wilcoxon", larger_is_better=False)
    lost = found.n - found.won - found.tied
    return (
        "Wilcoxon's signed-rank test of these two networks' absolute errors: the first is nearer at "
        f"{found.won} of {found.n} test examples, the second at {lost}, p = {found.test.p:.2g}. It says nothing of "
        "other seeds."
    )
