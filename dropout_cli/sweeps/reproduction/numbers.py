"""Numbers of a run's summary, by dotted path."""

import math

from dropout_cli.core.dotted import value_at
from dropout_cli.core.errors import UsageError
from dropout_cli.metrics import METRICS
from dropout_cli.sweeps.records import RunRecord

SECTIONS = (
    "monte_carlo",
    "dropout",
    "yardstick",
    "teacher",
    "noise_sd",
    "epochs",
    "best_epoch",
    "parameters",
    "seconds",
    "examples_per_second",
    "peak_bytes",
)
"""The keys of `summary.json` that have numbers, in addition to the parts of the data."""
CORRECT = "Correct `metric` of this row in the reproduction file."


def read_number(record: RunRecord, path: str, way_out: str = CORRECT) -> float:
    """Return a number of `summary.json`; NaN if it is null.

    Args:
        record: The run.
        path: A metric such as `test.error`, or the dotted path of a number.
        way_out: The user's next step if there is no such number.

    Raises:
        UsageError: The summary has no such number.
    """
    if path in METRICS:
        return record.score(path)
    found = value_at(record.summary, path)
    if found is None:
        raise UsageError(f"{record.path}/summary.json", f"has no number {path}", way_out)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise UsageError(f"{record.path}/summary.json", f"{path} is not a number", way_out)
    return float(found) if math.isfinite(found) else math.nan
