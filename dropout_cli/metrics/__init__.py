"""Metrics of predictions, and tables that show where the predictions are wrong.

A metric in another package imports `Metric`, `register_metrics` and the types of predictions from here.
"""

from typing import TYPE_CHECKING

from dropout_cli.metrics import formulas  # every file there registers its metrics
from dropout_cli.metrics.classes import (
    Mistake,
    confusion_csv,
    confusion_matrix,
    mistakes_csv,
    predicted_classes,
    score_classes,
    worst_mistakes,
    worst_positions,
)
from dropout_cli.metrics.contributions import (
    VALIDATION_FILE,
    compact_contributions,
    contributions,
    metric_input,
    validation_bytes,
)
from dropout_cli.metrics.csv_text import csv_bytes, csv_text, safe_text
from dropout_cli.metrics.predictions import ClassPredictions, TargetPredictions
from dropout_cli.metrics.registry import (
    Metric,
    comparable_metrics,
    displayed_metrics,
    find_metric,
    is_count,
    is_share,
    larger_is_better,
    metric_labels,
    metric_name,
    metric_origins,
    metric_part,
    register_metrics,
    task_metrics,
    unusable_metrics,
    uses_labels_only,
)
from dropout_cli.metrics.targets import residuals_csv, score_targets

__all__ = [
    "DEFAULT_METRIC",
    "METRICS",
    "PARTS",
    "VALIDATION_FILE",
    "ClassPredictions",
    "Metric",
    "Mistake",
    "TargetPredictions",
    "compact_contributions",
    "comparable_metrics",
    "confusion_csv",
    "confusion_matrix",
    "contributions",
    "csv_bytes",
    "csv_text",
    "displayed_metrics",
    "find_metric",
    "formulas",
    "is_count",
    "is_share",
    "larger_is_better",
    "metric_input",
    "metric_labels",
    "metric_name",
    "metric_origins",
    "metric_part",
    "mistakes_csv",
    "predicted_classes",
    "register_metrics",
    "residuals_csv",
    "safe_text",
    "score_classes",
    "score_targets",
    "task_metrics",
    "unusable_metrics",
    "uses_labels_only",
    "validation_bytes",
    "worst_mistakes",
    "worst_positions",
]

PARTS = ("train", "val", "test")
DEFAULT_METRIC = "test.accuracy"
"""The metric that compares runs by default; regressions are then compared by `test.rmse`."""
METRICS: tuple[str, ...]
"""Keys of a summary by which runs can be compared; a run has those of its task."""

if not TYPE_CHECKING:  # a type checker would accept any name with it

    def __getattr__(name: str) -> tuple[str, ...]:
        """Return `METRICS` when it is asked for: metrics of other packages import this package."""
        if name != "METRICS":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return tuple(f"{part}.{number}" for part in PARTS for number in comparable_metrics())
