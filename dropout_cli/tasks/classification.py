"""Classification: the outputs are logits, and their softmax the class probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dropout_cli import metrics, plots
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part
from dropout_cli.metrics.monte_carlo import ClassPasses
from dropout_cli.nn import losses
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.tasks.base import CombinedPasses, Prediction, Task

UNCERTAINTIES = ("predictive_entropy", "expected_entropy", "mutual_information", "variation_ratio")


@dataclass(frozen=True)
class Classification(Task):
    """One class per example.

    A prediction has `probabilities` (N, classes) and `log_probabilities`.
    """

    classes: tuple[str, ...]

    name: ClassVar[str] = "classification"
    headline_metric: ClassVar[str] = "accuracy"
    displayed_metrics: ClassVar[tuple[str, ...]] = metrics.displayed_metrics("classification")

    @property
    def outputs(self) -> int:
        """One logit per class."""
        return len(self.classes)

    def evaluate(self, outputs: Array, labels: Array) -> dict[str, float]:
        """Return the cross-entropy in nats, and the accuracy."""
        # Through the same metrics as summary.json, so that nll is one number in all files.
        given = self._given(self.predict(outputs), labels)
        return {"loss": self.metric_value("nll", given), "accuracy": self.metric_value("accuracy", given)}

    def score_of(self, name: str, outputs: Array, labels: Array) -> float:
        """Return a metric; ROC AUC and average precision also if a summary would omit them."""
        return self.metric_value(name, self._given(self.predict(outputs), labels))

    def predict(self, outputs: Array) -> Prediction:
        """Return the softmax in the dtype of the logits, and its logarithm in float64.

        In float64 no class gets an infinite loss.
        """
        return {
            "probabilities": losses.softmax(outputs),
            "log_probabilities": losses.log_softmax(outputs.astype(np.float64)),
        }

    def describe_prediction(self, graph: OperationGraph, outputs: GraphValue) -> dict[str, GraphValue]:
        """Return `label`, the index of the likeliest class, and `probabilities`."""
        return {
            "label": graph.reshape("argmax", outputs),
            "probabilities": graph.elementwise("softmax", outputs),
        }

    def start_passes(self) -> ClassPasses:
        """Return empty sums."""
        return ClassPasses()

    def add_pass(self, sums: ClassPasses, outputs: Array, labels: Array | None = None) -> None:
        """Add the logits of a pass; labels are not used."""
        sums.add(outputs)

    def combine_sums(self, sums: ClassPasses) -> CombinedPasses:
        """Combine the passes of sums; see `metrics.monte_carlo`."""
        drawn = sums.combine()
        return CombinedPasses(
            {
                "monte_carlo": {
                    "probabilities": drawn.probabilities,
                    "log_probabilities": drawn.log_probabilities,
                },
                "geometric_mean": {
                    "probabilities": drawn.geometric_mean,
                    "log_probabilities": drawn.log_geometric_mean,
                },
            },
            {name: getattr(drawn, name) for name in UNCERTAINTIES},
        )

    def scores(self, prediction: Prediction, labels: Array) -> dict[str, Any]:
        """Score a prediction; see `metrics.score_classes`."""
        probs, log_probs = prediction["probabilities"], prediction.get("log_probabilities")
        return metrics.score_classes(probs, labels, self.classes, log_probs)

    def tables(self, prediction: Prediction, labels: Array, rows: Array) -> dict[str, bytes]:
        """Return the confusion matrix and the worst mistakes as CSV."""
        probs, log_probs = prediction["probabilities"], prediction.get("log_probabilities")
        matrix = metrics.confusion_matrix(probs, labels, self.classes, log_probs)
        mistakes = metrics.worst_mistakes(probs, labels, rows, self.classes, log_probs=log_probs)
        return {
            "confusion_matrix.csv": metrics.confusion_csv(matrix, self.classes),
            "mistakes.csv": metrics.mistakes_csv(mistakes),
        }

    def figures(self, prediction: Prediction, part: Part, title: str) -> dict[str, bytes]:
        """Draw the confusion matrix and the worst mistakes; image data as images."""
        probs, log_probs = prediction["probabilities"], prediction.get("log_probabilities")
        matrix = metrics.confusion_matrix(probs, part.labels, self.classes, log_probs)
        mistakes = metrics.worst_mistakes(probs, part.labels, part.rows, self.classes, log_probs=log_probs)
        drawings = {"confusion_matrix.png": plots.confusion_figure(matrix, self.classes, title)}
        wrong = len(part.labels) - int(np.trace(matrix))
        finding = plots.mistakes_title(wrong, len(part.labels), mistakes)
        if part.x.ndim == 4:
            pictures = np.asarray(part.x[metrics.worst_positions(probs, part.labels, log_probs=log_probs)])
            drawings["mistakes.png"] = plots.mistake_images(
                pictures, [plots.mistake_caption(mistake) for mistake in mistakes], finding
            )
        else:
            drawings["mistakes.png"] = plots.mistake_bars(mistakes, finding)
        return drawings

    def _given(self, prediction: Prediction, labels: Array) -> metrics.ClassPredictions:
        """Return the input of the metrics."""
        probs, log_probs = prediction["probabilities"], prediction.get("log_probabilities")
        return metrics.ClassPredictions.of(probs, labels, self.classes, log_probs)

    @classmethod
    def from_scores(cls, scores: Mapping[str, Any]) -> "Classification":
        """Return the task with the classes of `per_class`."""
        return cls(tuple(str(row["class"]) for row in scores["per_class"]))
