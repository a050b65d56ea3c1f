"""The numbers that judge predictions, and the tables that show where they are wrong."""

from dropout_cli.metrics.classes import (
    Mistake,
    classification,
    confusion_csv,
    confusion_matrix,
    mistakes,
    mistakes_csv,
    ranking,
    worst,
)
from dropout_cli.metrics.csv_text import csv_bytes, safe_text
from dropout_cli.metrics.direction import NUMBERS, larger_is_better
from dropout_cli.metrics.quantities import regression, residuals_csv

__all__ = [
    "NUMBERS",
    "Mistake",
    "classification",
    "confusion_csv",
    "confusion_matrix",
    "csv_bytes",
    "larger_is_better",
    "mistakes",
    "mistakes_csv",
    "ranking",
    "regression",
    "residuals_csv",
    "safe_text",
    "worst",
]
