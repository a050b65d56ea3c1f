"""The comparison of a run with the simple models, with intervals over the test examples.

The network and each model are scored on the same test examples. The interval of the difference is that of Bonett and
Price for accuracies, and that of the paired bootstrap for RMSE. It holds for new examples and for this network, and
says nothing about other seeds. The verdict is read from the interval. Runs of older versions stored no predictions
of the simple models: for them, only the numbers are compared.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from dropout_cli import statistics
from dropout_cli.analysis.headlines import DAMAGED, PERCENT, format_score
from dropout_cli.core import npz
from dropout_cli.core.errors import DropoutError
from dropout_cli.core.numbers import is_finite_number
from dropout_cli.core.text import counted, decimals, significant
from dropout_cli.core.types import Array
from dropout_cli.metrics import larger_is_better, predicted_classes
from dropout_cli.runs import Run
from dropout_cli.runs.summary import count_examples
from dropout_cli.statistics import Interval
from dropout_cli.statistics.bootstrap import MIN_EXAMPLES
from dropout_cli.training import yardstick_messages
from dropout_cli.training.yardstick_messages import YARDSTICK_FILE

METRICS_OF_TASKS = {"classification": "accuracy", "regression": "rmse"}


class _Relation(NamedTuple):
    """A simple model beside the network."""

    model: str
    ours: float
    theirs: float
    interval: Interval | None
    """Of the network's score minus the model's; None if it is unknown."""


def yardstick_lines(summary: Mapping[str, Any], run: Run | None = None) -> list[str]:
    """Return one sentence per simple model, then the scope of the intervals; one line without intervals.

    The dummy is left out if it is not beaten, because `dummy_warning` says so.

    Args:
        summary: The `summary.json` of a run. A damaged one gives no lines.
        run: The run, for the predictions of its simple models; None: there are no intervals.
    """
    try:
        metric = METRICS_OF_TASKS[str(summary.get("task", "classification"))]
        relations = list(_relations(summary, metric, {} if run is None else _intervals(run, metric)))
        examples = count_examples(summary["test"]) if relations else 0
    except DAMAGED:
        return []
    if not relations:
        return []
    if any(relation.interval is None for relation in relations):
        return [_without_intervals(relations, metric)]
    scope = f"Intervals: 95 %, for new examples and this network, from {counted(examples, 'test example')}."
    return [*(_sentence(relation, metric) for relation in relations), scope]


def _relations(summary: Mapping[str, Any], metric: str, intervals: Mapping[str, Interval]) -> Iterator[_Relation]:
    task, ours = str(summary.get("task", "classification")), summary["test"][metric]
    names = {"dummy": yardstick_messages.DUMMY_DESCRIPTIONS[task]}
    if yardstick_messages.yardstick_scores(summary, "linear", "test"):
        names["linear"] = yardstick_messages.LINEAR_MODEL_LABELS[summary["yardstick"]["linear"]["kind"]]
    for model, name in names.items():
        theirs = yardstick_messages.yardstick_scores(summary, model, "test").get(metric)
        if not is_finite_number(theirs):
            continue
        if model == "dummy" and not yardstick_messages.is_better_than(metric, ours, theirs):
            continue  # a warning says so already
        yield _Relation(name, ours, theirs, intervals.get(model))


def _without_intervals(relations: list[_Relation], metric: str) -> str:
    """Return one sentence that compares the numbers alone."""
    texts: dict[str, list[str]] = {}
    for model, ours, theirs, _ in relations:
        is_better = yardstick_messages.is_better_than(metric, ours, theirs)
        verdict = "better than" if is_better else "worse than" if ours != theirs else "equal to"
        texts.setdefault(verdict, []).append(f"{model} ({format_score(metric, theirs)})")
    text = ", ".join(f"{verdict} {' and '.join(models)}" for verdict, models in texts.items())
    return f"{text[0].upper()}{text[1:]}."


def _sentence(relation: _Relation, metric: str) -> str:
    """Return a sentence whose verdict is that of the interval."""
    model, ours, theirs, interval = relation
    assert interval is not None
    sign = 1 if larger_is_better(metric) else -1
    low, high = sorted(sign * end for end in interval)
    verdict = "Better than" if low > 0 else "Worse than" if high < 0 else "Not decided whether better or worse than"

    def difference(value: float) -> str:
        if metric in PERCENT:
            return decimals(100 * value, 1, "+")
        return f"{'+' if value > 0 else ''}{significant(value, 3)}"

    unit = " points" if metric in PERCENT else ""
    ends = " to ".join(map(difference, interval))
    return f"{verdict} {model} ({format_score(metric, theirs)}): difference {difference(ours - theirs)}{unit} ({ends})."


def _intervals(run: Run, metric: str) -> dict[str, Interval]:
    """Return model -> interval of the difference; empty without stored predictions."""
    try:
        if not run.has_file(YARDSTICK_FILE):
            return {}
        stored, models = (npz.read_npz(run.read(name), name) for name in ("predictions.npz", YARDSTICK_FILE))
        if not np.array_equal(stored["rows"], models.pop("rows")):
            return {}
        return {name: _interval(stored, predicted, metric) for name, predicted in models.items()}
    except (*DAMAGED, DropoutError):
        return {}


def _interval(stored: Mapping[str, Array], predicted: Array, metric: str) -> Interval:
    """Return the interval of the network's score minus that of a simple model.

    Raises:
        ValueError: There are too few examples, or the shapes differ.
    """
    labels = stored["labels"]
    if predicted.shape != labels.shape or len(labels) < MIN_EXAMPLES:
        raise ValueError("no interval")
    if metric == "accuracy":
        return statistics.accuracy_difference_interval(predicted_classes(stored) == labels, predicted == labels)
    ours, theirs = ((values - labels) ** 2 for values in (stored["mean"].astype(np.float64), predicted))
    return statistics.rmse_difference_interval(ours, theirs)
