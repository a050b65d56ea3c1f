"""Classification: the outputs are logits, and the softmax of them the probabilities of the classes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dropout_cli import metrics, plots
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part
from dropout_cli.metrics import uncertainty
from dropout_cli.nn import losses
from dropout_cli.tasks.task import Combined, Prediction, Task

UNCERTAINTIES = ("predictive_entropy", "expected_entropy", "mutual_information", "variation_ratio")


@dataclass(frozen=True)
class Classification(Task):
    """One class per example; a prediction is `probabilities` (N, classes)."""

    classes: tuple[str, ...]

    name: ClassVar[str] = "classification"
    number: ClassVar[str] = "accuracy"
    shown: ClassVar[tuple[str, ...]] = ("accuracy", "nll", "brier", "ece")
    monitors: ClassVar[tuple[str, ...]] = (
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "roc_auc",
        "average_precision",
    )

    @property
    def outputs(self) -> int:
        """A logit per class."""
        return len(self.classes)

    def judge(self, outputs: Array, labels: Array) -> dict[str, float]:
        """Cross-entropy in nats, and accuracy."""
        loss, _ = losses.cross_entropy(outputs, labels)
        return {"loss": loss, "accuracy": float((outputs.argmax(axis=1) == labels).mean())}

    def monitored(self, name: str, outputs: Array, labels: Array) -> float:
        """As in `metrics.classification`; those of the ranking whatever the sizes of the classes."""
        probs = losses.softmax(outputs)
        ranked = name in ("roc_auc", "average_precision")
        value = (metrics.ranking(probs, labels) if ranked else metrics.classification(probs, labels, self.classes))[
            name
        ]
        return float("nan") if value is None else float(value)

    def predict(self, outputs: Array) -> Prediction:
        """Softmax, in the dtype of the logits."""
        return {"probabilities": losses.softmax(outputs)}

    def combine(self, passes: Iterable[Array], labels: Array | None = None) -> Combined:
        """See `metrics.uncertainty`."""
        drawn = uncertainty.together(passes)
        return Combined(
            {
                "monte_carlo": {"probabilities": drawn.probabilities},
                "geometric_mean": {"probabilities": drawn.geometric_mean},
            },
            {name: getattr(drawn, name) for name in UNCERTAINTIES},
        )

    def scores(self, prediction: Prediction, labels: Array) -> dict[str, Any]:
        """See `metrics.classification`."""
        return metrics.classification(prediction["probabilities"], labels, self.classes)

    def tables(self, prediction: Prediction, labels: Array, rows: Array) -> dict[str, bytes]:
        """The confusion matrix and the worst mistakes."""
        probs = prediction["probabilities"]
        matrix = metrics.confusion_matrix(probs, labels, self.classes)
        mistakes = metrics.mistakes(probs, labels, rows, self.classes)
        return {
            "confusion_matrix.csv": metrics.confusion_csv(matrix, self.classes),
            "mistakes.csv": metrics.mistakes_csv(mistakes),
        }

    def figures(self, prediction: Prediction, part: Part, title: str) -> dict[str, bytes]:
        """The same, drawn; mistaken pictures as pictures."""
        probs = prediction["probabilities"]
        matrix = metrics.confusion_matrix(probs, part.labels, self.classes)
        mistakes = metrics.mistakes(probs, part.labels, part.rows, self.classes)
        made = {"confusion_matrix.png": plots.confusion(matrix, self.classes, title)}
        if part.x.ndim == 4:
            pictures = np.asarray(part.x[metrics.worst(probs, part.labels)])
            made["mistakes.png"] = plots.mistakes_pictures(pictures, [plots.caption(one) for one in mistakes])
        else:
            made["mistakes.png"] = plots.mistakes_table(mistakes)
        return made

    @classmethod
    def recalled(cls, scores: Mapping[str, Any]) -> "Classification":
        """By the classes of `per_class`."""
        return cls(tuple(str(one["class"]) for one in scores["per_class"]))
