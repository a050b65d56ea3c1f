"""Registry of metrics: name, label, direction, and the predictions that a metric needs.

A file in `metrics/formulas/` registers its metrics when it is imported, and no other file names them. The summary of a
run, `training.monitor`, the JSON schema, tables and reports all follow from the registry. Other packages add to it
through entry points of the group `dropout_cli.metrics`, which are loaded at the first look-up.
"""

import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from dropout_cli.core.errors import Problem
from dropout_cli.core.plugins import PluginGroup, PluginWarning
from dropout_cli.core.registry import UnknownName, suggest_names
from dropout_cli.metrics.predictions import ClassPredictions, TargetPredictions

Need: TypeAlias = Literal["labels", "probabilities", "log_probabilities", "mean", "sd"]
TASKS: dict[Need, str] = {
    "labels": "classification",
    "probabilities": "classification",
    "log_probabilities": "classification",
    "mean": "regression",
    "sd": "regression",
}
"""Part of a prediction -> the task whose predictions have it."""
LOSS = "loss"
"""Column of the history that is not in a summary: the loss of the task. Smaller is better."""
SCORES_OF_PASSES = ("nll_gaussian", "nll_log_mean_exp")
"""Scores of Monte Carlo passes that are no metrics of a single prediction. Smaller is better."""
PREFIXES = ("train_", "val_")
"""Prefixes of a metric's columns in the history."""


@dataclass(frozen=True)
class Metric:
    """A metric of the predictions for one part of the data."""

    name: str
    """Its key in `summary.json`."""
    label: str
    """Its name in reports."""
    larger_is_better: bool | None
    """None if neither direction is better; runs are then not compared by it."""
    needs: Need
    """The part of a prediction that it is computed from; it also determines the task."""
    function: Callable[[Any], Any]
    """Computes the metric. It takes `ClassPredictions` and returns a number or None; or it takes `TargetPredictions`
    and returns a list (not an array) with a number or None for each target, or None. None or NaN: not defined."""
    displayed: bool = False
    """True if `dropout show` and `dropout eval --mc` print it."""
    is_share: bool = False
    """True if it is a share of the examples, or a mean of such shares (accuracy, macro F1). Its values lie between 0
    and 1, and intervals of its mean are limited to this range."""
    is_count: bool = False
    """True if it is the number of examples with some property, divided by N (accuracy, error)."""
    per_example: Callable[[Any], Any] | None = None
    """Returns (N,) contributions of the examples, whose mean is the metric; None if it is no such mean."""
    in_summary: Callable[[Any], bool] = lambda given: True
    """Returns True if a summary contains the metric for these examples; a monitor always computes it."""

    @property
    def task(self) -> str:
        """The task whose predictions it scores."""
        return TASKS[self.needs]

    def values(self, given: Any) -> Any:
        """Return the number, or one per target; None, with a warning, if a metric of another package fails.

        Args:
            given: The predictions, as `ClassPredictions` or `TargetPredictions`.
        """
        try:
            return self.function(given)
        except Exception as error:
            origin = _plugins.origins.get(self.name)
            if origin is None:
                raise
            # The training before may have taken hours.
            fact = f"metric '{self.name}' is left empty: it cannot be computed ({type(error).__name__}: {error})"
            warnings.warn(str(Problem(origin, fact)), PluginWarning, stacklevel=2)
            return None

    def compute(self, given: Any) -> float | None:
        """Return the metric, averaged over all targets; None if it is undefined or not a number.

        Args:
            given: The predictions, as `ClassPredictions` or `TargetPredictions`.
        """
        value = self.values(given)
        if isinstance(value, list):
            value = None if None in value else np.mean(value)
        return None if value is None or math.isnan(value) else float(value)


_registered: dict[tuple[str, str], Metric] = {}
"""(task, name) -> metric, as the modules have registered them so far."""
_plugins = PluginGroup("metric", "dropout_cli.metrics")


def _all_metrics() -> dict[tuple[str, str], Metric]:
    """Return the table of the registered metrics, after the plugins have been loaded."""
    _plugins.load_once(
        _registered,
        name=lambda key: key[1],
        module=lambda metric: getattr(metric.function, "__module__", ""),
        unusable=_reason_unusable,
    )
    return _registered


def _reason_unusable(metric: Metric) -> str:
    """Return why a metric of another package cannot be used, or nothing.

    It is computed for a few examples.
    """
    if not re.fullmatch("[a-z][a-z0-9_]*", metric.name):
        return "its name must be lower-case letters, digits and underscores"
    if metric.larger_is_better not in (True, False, None):
        return f"larger_is_better must be True, False or None, not {metric.larger_is_better!r}"
    try:
        metric.compute(_example_predictions(metric.task))
    except Exception as error:
        return f"it cannot be computed for a few examples ({type(error).__name__}: {error})"
    return ""


def _example_predictions(task: str) -> ClassPredictions | TargetPredictions:
    """Return predictions for three examples of two classes, or of two targets."""
    if task == "classification":
        probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
        return ClassPredictions.of(probabilities, np.array([0, 1, 1]), ("a", "b"), np.log(probabilities))
    mean = np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 2.0]])
    return TargetPredictions.of(mean, np.ones_like(mean), np.add(mean, [0.5, -1.0]))


def unusable_metrics() -> dict[str, Problem]:
    """Return the names of metrics of other packages that cannot be used, sorted, and why."""
    _all_metrics()
    return dict(sorted(_plugins.left_out.items()))


def metric_origins() -> dict[str, str]:
    """Return name -> package and version of the metrics that other packages add, sorted."""
    _all_metrics()
    return dict(sorted(_plugins.origins.items()))


def register_metrics(*metrics: Metric) -> None:
    """Add metrics to the registry.

    Args:
        metrics: The metrics.

    Raises:
        ValueError: `needs` is unknown, the task has a metric of that name, or another task has one of that name with
            another direction.
    """
    for metric in metrics:
        if metric.needs not in TASKS:
            raise ValueError(f"metric '{metric.name}' needs '{metric.needs}', which is none of {', '.join(TASKS)}")
        name, better = metric.name, metric.larger_is_better
        if (metric.task, name) in _registered or name == LOSS:
            raise ValueError(f"metric '{name}' is registered twice for {metric.task}. Choose another name")
        # A column of the history has no task, so its name alone must give the direction.
        if any(other.name == name and other.larger_is_better != better for other in _registered.values()):
            raise ValueError(f"another task has a metric '{name}' with another larger_is_better. Choose another name")
        _registered[metric.task, name] = metric


def metric_part(metric: str) -> str:
    """Return the part of the data in a metric's key: `test` of `test.accuracy`."""
    return metric.partition(".")[0]


def metric_name(metric: str) -> str:
    """Return the name in a metric's key: `accuracy` of `test.accuracy`, and of `accuracy`."""
    return metric.rpartition(".")[2]


def task_metrics(task: str) -> tuple[Metric, ...]:
    """Return the metrics of a task, in the order of the summary."""
    return tuple(metric for metric in _all_metrics().values() if metric.task == task)


def displayed_metrics(task: str) -> tuple[str, ...]:
    """Return the names of a task's metrics that short tables show."""
    return tuple(metric.name for metric in task_metrics(task) if metric.displayed)


def metric_labels() -> dict[str, str]:
    """Return name -> label of every metric of all tasks."""
    by_name: dict[str, str] = {}
    for metric in _all_metrics().values():
        by_name.setdefault(metric.name, metric.label)
    return by_name


def comparable_metrics(task: str | None = None) -> tuple[str, ...]:
    """Return the names of the metrics that can compare runs.

    Args:
        task: Restricts the metrics to one task.
    """
    metrics = [metric for metric in _all_metrics().values() if task in (None, metric.task)]
    return tuple(dict.fromkeys(metric.name for metric in metrics if metric.larger_is_better is not None))


def larger_is_better(name: str) -> bool:
    """Return True if larger values of a metric are better.

    Args:
        name: The metric's name, a dotted key that ends in it, or its column of the history: `accuracy`,
            `test.accuracy` or `val_accuracy`.

    Raises:
        UnknownName: no such metric has a direction.
    """
    name = metric_name(name)
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    if name == LOSS or name in SCORES_OF_PASSES:
        return False
    for metric in _all_metrics().values():
        if metric.name == name and metric.larger_is_better is not None:
            return metric.larger_is_better
    raise UnknownName(f"unknown metric '{name}'. {suggest_names(name, comparable_metrics())}")


def find_metric(name: str, task: str) -> Metric | None:
    """Return a task's metric by name; None if the task has no such metric.

    Args:
        name: The metric's name, or a dotted key that ends in it.
        task: The task.
    """
    return _all_metrics().get((task, metric_name(name)))


def is_share(name: str) -> bool:
    """Return True if a metric is a share of examples or a mean of such shares; raise UnknownName."""
    return any(one.is_share for one in _of_name(name))


def is_count(name: str) -> bool:
    """Return True if a metric is a count of examples divided by their number; raise UnknownName."""
    return any(one.is_count for one in _of_name(name))


def uses_labels_only(name: str) -> bool:
    """Return True if a metric follows from predicted classes, in steps of about an example.

    Raises:
        UnknownName: no metric has that name.
    """
    return any(one.needs == "labels" for one in _of_name(name))


def _of_name(number: str) -> list[Metric]:
    """Return the metrics of that name, one per task; raise UnknownName if there is none."""
    found = [one for one in _all_metrics().values() if one.name == metric_name(number)]
    if not found:
        raise UnknownName(f"unknown metric '{number}'. {suggest_names(metric_name(number), tuple(metric_labels()))}")
    return found
