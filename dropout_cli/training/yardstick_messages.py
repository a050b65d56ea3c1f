"""Comparison of a network with the simple models, as a sentence and as a table."""

from collections.abc import Mapping
from typing import Any

from dropout_cli.core.dotted import value_at
from dropout_cli.core.numbers import is_finite_number
from dropout_cli.core.text import significant
from dropout_cli.metrics import larger_is_better, task_metrics
from dropout_cli.tasks import TASKS

DUMMY_DESCRIPTIONS = {
    "classification": "always predicting the most common class",
    "regression": "always predicting the mean",
}
"""Task -> what its dummy does."""
FREQUENCY_DUMMY = "always predicting the frequencies of the classes"
"""The dummy of classification, as metrics of probabilities see it."""
YARDSTICK_FILE = "yardstick.npz"
"""The file of a run with the simple models' predictions of the test part."""
DUMMY_LABELS = {"classification": "most common class", "regression": "mean"}
"""Task -> the name of its dummy at the top of a column."""
LINEAR_MODEL_LABELS = {"logistic": "logistic regression", "ridge": "ridge regression"}


def dummy_warning(summary: Mapping[str, Any]) -> str | None:
    """Return a warning if the network is not better than the dummy on the test part.

    It must be better by the main number of the task; a classifier by its negative log-likelihood, too.
    """
    task = str(summary.get("task", "classification"))
    if task not in TASKS:
        return None
    number = TASKS[task].headline_metric
    pair = _pair(summary, number)
    if pair is None:
        return None
    if not is_better_than(number, *pair):
        return f"This network is not better than {DUMMY_DESCRIPTIONS[task]}: test {number} {format_pair(*pair)}."
    unsure = _pair(summary, "nll") if task == "classification" else None
    if unsure is None or is_better_than("nll", *unsure):
        return None
    return (
        "The probabilities of this network are not better than the frequencies of the classes: test nll "
        f"{format_pair(*unsure)}, though its accuracy is {format_pair(*pair)}."
    )


def dummy_description(task: str, number: str) -> str:
    """Say what the dummy of a task does, as a metric sees it."""
    labels = any(one.name == number and one.needs == "labels" for one in task_metrics(task))
    return DUMMY_DESCRIPTIONS.get(task, "the simplest model") if labels or task != "classification" else FREQUENCY_DUMMY


def is_better_than(metric: str, ours: float, theirs: float) -> bool:
    """Return True if a number is better than another one; equal is not better."""
    return ours > theirs if larger_is_better(metric) else ours < theirs


def format_pair(ours: float, theirs: float) -> str:
    """Write two numbers with as many digits as tell them apart, at least four."""
    digits = next((n for n in (4, 6, 9) if f"{ours:.{n}g}" != f"{theirs:.{n}g}"), 4)
    return f"{significant(ours, digits)} compared with {significant(theirs, digits)}"


def yardstick_table(summary: Mapping[str, Any], *, every: bool = False) -> tuple[list[str], list[list[Any]]] | None:
    """Return a table of the test numbers of the network and the simple models.

    Args:
        summary: The summary of a run.
        every: True for all numbers, False for those of a short table.

    Returns:
        Headers and rows; None if the summary has no simple models.
    """
    dummy, linear = (yardstick_scores(summary, name, "test") for name in ("dummy", "linear"))
    test = summary.get("test")
    if not dummy or not isinstance(test, Mapping):
        return None
    shown = {name for task in TASKS.values() for name in task.displayed_metrics}
    names = [name for name in dummy if every or name in shown]
    columns = [test, dummy, *([linear] if linear else [])]
    kind = str(summary["yardstick"]["linear"].get("kind")) if linear else ""
    models = [DUMMY_LABELS.get(str(summary.get("task", "classification")), "simplest model")]
    models += [LINEAR_MODEL_LABELS.get(kind, kind)] if linear else []
    return ["test", "network", *models], [[name, *(one.get(name) for one in columns)] for name in names]


def yardstick_scores(summary: Mapping[str, Any], model: str, part: str) -> Mapping[str, Any]:
    """Return the numbers of `dummy` or `linear` for a part; none where the summary lacks them."""
    found = value_at(summary, f"yardstick.{model}.{part}")
    return found if isinstance(found, Mapping) else {}


def _pair(summary: Mapping[str, Any], number: str) -> tuple[float, float] | None:
    """Return the test number of the network and that of the dummy; None where one is missing."""
    test = summary.get("test")
    ours = test.get(number) if isinstance(test, Mapping) else None
    theirs = yardstick_scores(summary, "dummy", "test").get(number)
    return (float(ours), float(theirs)) if is_finite_number(ours) and is_finite_number(theirs) else None
