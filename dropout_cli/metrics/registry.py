"""The numbers that judge predictions, by name: which way each points, its label, what it is computed from.

A file in `metrics/numbers/` registers its numbers when it is imported, and nothing else names them: the summary of a
run, `training.monitor`, the schema for editors, tables and reports all follow from what is registered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from dropout_cli.core.registry import UnknownName, did_you_mean

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
"""A column of the history that is not in a summary: the loss that the task lowers in training. Smaller is better."""
PREFIXES = ("train_", "val_")
"""The prefixes of a number's columns in the history."""


@dataclass(frozen=True)
class Metric:
    """A number that judges the predictions for one part of the data."""

    name: str
    """Its key in `summary.json`."""
    label: str
    """Its name in a report."""
    larger_is_better: bool | None
    """None where neither is better: runs are then not compared by it."""
    needs: Need
    """The part of a prediction that it is computed from, which also gives its task."""
    function: Callable[[Any], Any]
    """Of a `scored.Classes` it gives a number, of a `scored.Quantities` one per target; None where undefined."""
    shown: bool = False
    """Whether `dropout show` and `dropout eval --mc` print it."""
    share: bool = False
    """Whether it is between 0 and 1 and moves in steps of about one example: intervals of its mean stay in there."""
    counted: bool = False
    """Whether it is a count of examples over their number."""
    of_each: Callable[[Any], Any] | None = None
    """Gives (N,) what each example contributes: the number is their mean. None where it is no such mean."""
    summarized: Callable[[Any], bool] = lambda given: True
    """Whether a summary has the number for these examples. As a monitor it is always computed."""

    @property
    def task(self) -> str:
        """The task whose predictions it judges."""
        return TASKS[self.needs]

    def of(self, given: Any) -> float | None:
        """Return the number, the mean over all targets; None where it is not defined."""
        value = self.function(given)
        if isinstance(value, list):
            return None if None in value else float(np.mean(value))
        return None if value is None else float(value)


_registered: dict[tuple[str, str], Metric] = {}


def register(*metrics: Metric) -> None:
    """Add metrics. Raises ValueError for a name that a task has, or that has the other direction in another task."""
    for one in metrics:
        if (one.task, one.name) in _registered or one.name == LOSS:
            raise ValueError(f"metric '{one.name}' is registered twice for {one.task}")
        if any(o.name == one.name and o.larger_is_better != one.larger_is_better for o in _registered.values()):
            raise ValueError(f"metric '{one.name}' points another way in another task")
        _registered[one.task, one.name] = one


def metric_part(metric: str) -> str:
    """Return the part of the data in a metric's key: `test` of `test.accuracy`."""
    return metric.partition(".")[0]


def metric_name(metric: str) -> str:
    """Return the name in a metric's key: `accuracy` of `test.accuracy`, and of `accuracy`."""
    return metric.rpartition(".")[2]


def of_task(task: str) -> tuple[Metric, ...]:
    """The metrics of a task, in the order in which a summary has them."""
    return tuple(one for one in _registered.values() if one.task == task)


def shown(task: str) -> tuple[str, ...]:
    """The names of a task's metrics that are shown where there is little room."""
    return tuple(one.name for one in of_task(task) if one.shown)


def labels() -> dict[str, str]:
    """Name -> label of every metric, of whichever task."""
    found: dict[str, str] = {}
    for one in _registered.values():
        found.setdefault(one.name, one.label)
    return found


def directed(task: str | None = None) -> tuple[str, ...]:
    """The names of the metrics that runs can be compared by, of one task or of all."""
    found = [one for one in _registered.values() if one.larger_is_better is not None and task in (None, one.task)]
    return tuple(dict.fromkeys(one.name for one in found))


def larger_is_better(number: str) -> bool:
    """Return the direction of a metric, given by its name, a dotted key that ends in it, or its column of the history.

    Raises UnknownName, with a suggestion, where no such metric has a direction.
    """
    name = metric_name(number)
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    if name == LOSS:
        return False
    for one in _registered.values():
        if one.name == name and one.larger_is_better is not None:
            return one.larger_is_better
    raise UnknownName(f"unknown metric '{number}'. {suggestion(name, directed())}")


def named(number: str, task: str) -> Metric | None:
    """Return a task's metric, given by its name or a dotted key that ends in it; None where the task has none."""
    return _registered.get((task, metric_name(number)))


def is_share(number: str) -> bool:
    """Whether a metric lies between 0 and 1, a share of examples or a mean of such. Raises UnknownName."""
    return any(one.share for one in _of_name(number))


def is_counted(number: str) -> bool:
    """Whether a metric is a count of examples over their number. Raises UnknownName."""
    return any(one.counted for one in _of_name(number))


def moves_by_examples(number: str) -> bool:
    """Whether a metric follows from the predicted classes alone, in steps of about one example. Raises UnknownName."""
    return any(one.needs == "labels" for one in _of_name(number))


def _of_name(number: str) -> list[Metric]:
    """Return the metrics of that name or key, one per task that has it; raise UnknownName without any."""
    found = [one for one in _registered.values() if one.name == metric_name(number)]
    if not found:
        raise UnknownName(f"unknown metric '{number}'. {suggestion(metric_name(number), tuple(labels()))}")
    return found


def suggestion(name: str, known: tuple[str, ...]) -> str:
    """Return `Did you mean 'x'? Choose from: ...` for a name that is not among the `known`."""
    return f"{did_you_mean(name, [*known])} Choose from: {', '.join(known)}.".strip()
