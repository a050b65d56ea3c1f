"""Scores of a regression, and the table of its residuals."""

from collections.abc import Sequence
from typing import Any

from dropout_cli.core.types import Array
from dropout_cli.metrics import registry
from dropout_cli.metrics.csv_text import csv_bytes
from dropout_cli.metrics.predictions import TargetPredictions


def score_targets(mean: Array, sd: Array | None, true: Array, names: Sequence[str]) -> dict[str, Any]:
    """Score the predictions of a regression, in the targets' own units.

    Args:
        mean: (N, T) predicted values, N >= 1.
        sd: (N, T) predicted standard deviations; None if unknown.
        true: (N, T) true values.
        names: T target names.

    Returns:
        The registered metrics (see `metrics.formulas.regression`), each a mean over the targets, and `per_target`, a
        list of {target, every metric, support} in the order of `names`. `r2` is None if a target is constant; `nll` and
        `coverage` are None without `sd`.

    Raises:
        ValueError: the shapes do not fit.
    """
    shape = (len(true), len(names))
    for name, array in (("mean", mean), ("sd", sd), ("true", true)):
        if array is not None and (len(true) == 0 or array.shape != shape):
            fact = f"{name} has the shape {array.shape}, but must have {shape}"
            raise ValueError(f"{fact}: a row per example (at least one) and a column per target.")
    given = TargetPredictions.of(mean, sd, true)
    every = registry.task_metrics("regression")
    columns = {metric.name: metric.values(given) or [None] * len(names) for metric in every}
    rows = [
        {"target": name, **{key: values[t] for key, values in columns.items()}, "support": len(true)}
        for t, name in enumerate(names)
    ]
    return {metric.name: metric.compute(given) for metric in every} | {"per_target": rows}


def residuals_csv(mean: Array, sd: Array | None, true: Array, rows: Array, names: Sequence[str]) -> bytes:
    """Return the residuals as CSV: one line per example and target.

    Numbers have nine significant digits.

    The columns are row, target, true, predicted, sd and residual (true - predicted).

    Args:
        mean: (N, T) predicted values.
        sd: (N, T) predicted standard deviations; None leaves the column empty.
        true: (N, T) true values.
        rows: (N,) row numbers in the source.
        names: T target names.
    """
    lines: list[list[str | int | float]] = [
        [
            int(row),
            name,
            f"{true[i, t]:.9g}",
            f"{mean[i, t]:.9g}",
            f"{sd[i, t]:.9g}" if sd is not None else "",
            f"{true[i, t] - mean[i, t]:.9g}",
        ]
        for i, row in enumerate(rows)
        for t, name in enumerate(names)
    ]
    return csv_bytes([["row", "target", "true", "predicted", "sd", "residual"], *lines])
