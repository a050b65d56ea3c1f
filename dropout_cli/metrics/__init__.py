"""Metrics of predictions, and tables that show where the predictions are wrong."""

from dropout_cli.metrics import numbers  # every file there registers its metrics
from dropout_cli.metrics.classes import (
    Mistake,
    classification,
    confusion_csv,
    confusion_matrix,
    mistakes,
    mistakes_csv,
    predicted,
    worst,
)
from dropout_cli.metrics.contributions import VALIDATION, contributions, given_for, validation_file
from dropout_cli.metrics.csv_text import csv_bytes, safe_text
from dropout_cli.metrics.quantities import regression, residuals_csv
from dropout_cli.metrics.registry import (
    Metric,
    directed,
    is_counted,
    is_share,
    labels,
    larger_is_better,
    metric_name,
    metric_part,
    moves_by_examples,
    named,
    of_task,
    shown,
    suggestion,
)
from dropout_cli.metrics.scored import Classes, Quantities

__all__ = [
    "DEFAULT_METRIC",
    "METRICS",
    "PARTS",
    "VALIDATION",
    "Classes",
    "Metric",
    "Mistake",
    "Quantities",
    "classification",
    "confusion_csv",
    "confusion_matrix",
    "contributions",
    "csv_bytes",
    "directed",
    "given_for",
    "is_counted",
    "is_share",
    "labels",
    "larger_is_better",
    "metric_name",
    "metric_part",
    "mistakes",
    "mistakes_csv",
    "moves_by_examples",
    "named",
    "numbers",
    "of_task",
    "predicted",
    "regression",
    "residuals_csv",
    "safe_text",
    "shown",
    "suggestion",
    "validation_file",
    "worst",
]

PARTS = ("train", "val", "test")
DEFAULT_METRIC = "test.accuracy"
"""The metric that compares runs by default; regressions are then compared by `test.rmse`."""
METRICS = tuple(f"{part}.{number}" for part in PARTS for number in directed())
"""Keys of a summary by which runs can be compared; a run has those of its task."""
