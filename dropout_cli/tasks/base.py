"""A task says what a network's outputs mean, how predictions are judged, and what is written of them."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeAlias

from dropout_cli import metrics
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part

Prediction: TypeAlias = Mapping[str, Array]
"""Name -> array with a row per example; the names are the task's own."""


@dataclass(frozen=True)
class Combined:
    """What several noisy passes say together."""

    predictions: Mapping[str, Prediction]
    """By the name of the way in which they were combined; `monte_carlo` is always there."""
    uncertainties: Mapping[str, Array]
    """Name -> a number, or one per target, for each example."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Numbers of the whole part that are computed from single passes, where labels were given."""


class Task(ABC):
    """Frozen; made from the data, or from what a finished run stored."""

    name: ClassVar[str]
    number: ClassVar[str]
    """What is shown of every epoch beside the loss."""
    shown: ClassVar[tuple[str, ...]]
    """The numbers that `dropout eval` shows."""

    @property
    def monitors(self) -> tuple[str, ...]:
        """The metrics that may choose the best epoch, beside the loss."""
        return metrics.directed(self.name)

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many numbers the network puts out for an example."""

    @abstractmethod
    def judge(self, outputs: Array, labels: Array) -> dict[str, float]:
        """Return `loss`, the mean negative log-likelihood or squared error that training lowers, and the `number`."""

    @abstractmethod
    def monitored(self, name: str, outputs: Array, labels: Array) -> float:
        """One of the `monitors`; NaN where it is not defined."""

    def number_of(self, name: str, given: metrics.Classes | metrics.Quantities) -> float:
        """Return the value of the task's metric with that name; NaN where it is not defined."""
        value = next(one for one in metrics.of_task(self.name) if one.name == name).of(given)
        return math.nan if value is None else value

    @abstractmethod
    def predict(self, outputs: Array) -> Prediction:
        """What the outputs (N, outputs) of a pass mean."""

    @abstractmethod
    def combine(self, passes: Iterable[Array], labels: Array | None = None) -> Combined:
        """Take in the outputs of one noisy pass after the other, at least one; of them only sums are kept."""

    def calibrated(self, outputs: Array, labels: Array) -> Self:
        """The task with what it must learn of the errors on examples that were held out."""
        return self

    @property
    def needs_passes(self) -> bool:
        """Whether `calibrated_with_noise` has anything to learn."""
        return False

    def calibrated_with_noise(
        self, draw: Callable[[int], Iterable[Array]], labels: Array, count: int | None = None
    ) -> Self:
        """Return the task with the noise that it estimates from noisy passes over held-out examples.

        `draw(n)` makes the outputs of n passes. `count`: how many will be combined with their labels.
        """
        return self

    def notices(self) -> list[str]:
        """Notices on what was learned of noisy passes."""
        return []

    def learned(self) -> dict[str, Any]:
        """What `calibrated` has added, for `summary.json`."""
        return {}

    @abstractmethod
    def scores(self, prediction: Prediction, labels: Array) -> dict[str, Any]:
        """The numbers of `summary.json` for one part."""

    @abstractmethod
    def tables(self, prediction: Prediction, labels: Array, rows: Array) -> dict[str, bytes]:
        """Name -> bytes of the CSV files; `rows` are the examples' row numbers in the source."""

    @abstractmethod
    def figures(self, prediction: Prediction, part: Part, title: str) -> dict[str, bytes]:
        """Name -> bytes of the pictures."""

    @classmethod
    @abstractmethod
    def recalled(cls, scores: Mapping[str, Any]) -> Self:
        """The task as far as a part's stored scores tell; it can score and write tables, and needs no data."""


def files(task: Task, prediction: Prediction, part: Part, *, title: str, figures: bool) -> dict[str, bytes]:
    """Name -> bytes: predictions and tables and, if asked for, figures."""
    from dropout_cli.core import npz

    made = {"predictions.npz": npz.write(labels=part.labels, **prediction, rows=part.rows)}
    made |= task.tables(prediction, part.labels, part.rows)
    return made | (task.figures(prediction, part, title) if figures else {})
