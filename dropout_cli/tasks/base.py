"""Base class of tasks: the meaning of network outputs, their scores, tables and figures."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

from dropout_cli import metrics
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part
from dropout_cli.nn.operations import GraphValue, OperationGraph

Prediction: TypeAlias = Mapping[str, Array]
"""Name -> array with a row per example; each task has its own names."""


@dataclass(frozen=True)
class CombinedPasses:
    """Combined result of several noisy passes."""

    predictions: Mapping[str, Prediction]
    """Name of the way of combining -> prediction; `monte_carlo` is always present."""
    uncertainties: Mapping[str, Array]
    """Name -> array with a number, or one per target, for each example."""
    log_mean_densities: Array | None = None
    """(N, targets): ln mean_t p_t(y) of a regression, if labels were given."""

    @property
    def scores(self) -> dict[str, float]:
        """Scores of the whole part computed from single passes, if labels were given."""
        logs = self.log_mean_densities
        return {} if logs is None else {"nll_log_mean_exp": -float(logs.mean())}


class Task(ABC):
    """A frozen description of a network's outputs, made from the data or from a finished run."""

    name: ClassVar[str]
    headline_metric: ClassVar[str]
    """The headline metric that is logged with the loss after every epoch."""
    displayed_metrics: ClassVar[tuple[str, ...]]
    """The metrics that `dropout eval` shows."""

    @property
    def monitors(self) -> tuple[str, ...]:
        """The metrics that `training.monitor` accepts besides the loss."""
        return metrics.comparable_metrics(self.name)

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Number of network outputs per example."""

    @abstractmethod
    def evaluate(self, outputs: Array, labels: Array) -> dict[str, float]:
        """Return the `loss` that training lowers, and the headline metric.

        Args:
            outputs: (N, outputs) of the network.
            labels: (N,) class ids, or (N, targets) true values in their own units.
        """

    @abstractmethod
    def score_of(self, name: str, outputs: Array, labels: Array) -> float:
        """Return one of the `monitors`; NaN if it is undefined.

        Args:
            name: The name of the metric.
            outputs: (N, outputs) of the network.
            labels: (N,) class ids, or (N, targets) true values in their own units.
        """

    def metric_value(self, name: str, given: metrics.ClassPredictions | metrics.TargetPredictions) -> float:
        """Return the value of a metric of the task; NaN if it is undefined.

        Args:
            name: The name of the metric.
            given: The input of the metrics.
        """
        value = next(metric for metric in metrics.task_metrics(self.name) if metric.name == name).compute(given)
        return math.nan if value is None else value

    @abstractmethod
    def predict(self, outputs: Array) -> Prediction:
        """Turn the outputs of a pass into a prediction.

        Args:
            outputs: (N, outputs) of the network.
        """

    @abstractmethod
    def describe_prediction(self, graph: OperationGraph, outputs: GraphValue) -> dict[str, GraphValue]:
        """Return the values of a prediction by name, after adding their operations, for `dropout export`.

        Args:
            graph: The graph that collects the operations.
            outputs: The outputs of the network.
        """

    def combine_passes(self, passes: Iterable[Array], labels: Array | None = None) -> CombinedPasses:
        """Combine the outputs of noisy passes; only sums are kept in memory.

        Args:
            passes: (N, outputs) of one pass after the other, at least one pass.
            labels: True values, for scores that are computed from single passes.
        """
        sums = self.start_passes()
        for outputs in passes:
            self.add_pass(sums, outputs, labels)
        return self.combine_sums(sums)

    @abstractmethod
    def start_passes(self) -> Any:
        """Return empty sums of passes; each task has its own type."""

    @abstractmethod
    def add_pass(self, sums: Any, outputs: Array, labels: Array | None = None) -> None:
        """Add the outputs of a pass to sums.

        Args:
            sums: Sums from `start_passes`, which are changed.
            outputs: (N, outputs) of the network.
            labels: True values, for scores that are computed from single passes; for every pass of the sums or none.
        """

    @abstractmethod
    def combine_sums(self, sums: Any) -> CombinedPasses:
        """Combine the passes that were added to sums, at least one; more can be added afterwards."""

    def fit_error(self, outputs: Array, labels: Array) -> Self:
        """Return the task with the error that it estimates from held-out examples.

        Args:
            outputs: (N, outputs) of the network.
            labels: (N, targets) true values in their own units.
        """
        return self

    @property
    def needs_passes(self) -> bool:
        """True if `fit_noise` estimates something."""
        return False

    def fit_noise(self, draw: Callable[[int], Iterable[Array]], labels: Array, count: int | None = None) -> Self:
        """Return the task with the noise that it estimates from passes over held-out examples.

        Args:
            draw: Makes the outputs of n passes.
            labels: (N, targets) true values in their own units.
            count: Number of passes that will be combined with their labels; None if none will.
        """
        return self

    def notices(self) -> list[str]:
        """Return notices about the noise estimated from passes."""
        return []

    def fitted_state(self) -> dict[str, Any]:
        """Return the values estimated by `fit_error` and `fit_noise`, for `summary.json`."""
        return {}

    @abstractmethod
    def scores(self, prediction: Prediction, labels: Array) -> dict[str, Any]:
        """Return the numbers of `summary.json` for one part.

        Args:
            prediction: The prediction of the part.
            labels: (N,) class ids, or (N, targets) true values in their own units.
        """

    @abstractmethod
    def tables(self, prediction: Prediction, labels: Array, rows: Array) -> dict[str, bytes]:
        """Return the CSV files of a part, file name -> bytes.

        Args:
            prediction: The prediction of the part.
            labels: (N,) class ids, or (N, targets) true values in their own units.
            rows: (N,) row numbers in the source.
        """

    @abstractmethod
    def figures(self, prediction: Prediction, part: Part, title: str) -> dict[str, bytes]:
        """Return the figures of a part, file name -> bytes.

        Args:
            prediction: The prediction of the part.
            part: The examples.
            title: Title of the figures.
        """

    @classmethod
    @abstractmethod
    def from_scores(cls, scores: Mapping[str, Any]) -> Self:
        """Return a task from the stored scores of a part.

        It can score and write tables without the data, but knows nothing about scaling.

        Args:
            scores: The scores of a part in `summary.json`.
        """


def task_files(task: Task, prediction: Prediction, part: Part, *, title: str, figures: bool) -> dict[str, bytes]:
    """Return predictions, tables and figures of a part, file name -> bytes.

    Args:
        task: The task.
        prediction: The prediction of the part.
        part: The examples.
        title: Title of the figures.
        figures: True to include the figures, which take most of the time.
    """
    from dropout_cli.core import npz

    contents = {"predictions.npz": npz.write_npz(labels=part.labels, **prediction, rows=part.rows)}
    contents |= task.tables(prediction, part.labels, part.rows)
    return contents | (task.figures(prediction, part, title) if figures else {})
