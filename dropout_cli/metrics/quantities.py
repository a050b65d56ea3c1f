"""The numbers that judge a regression, from the mean and the standard deviation that it predicts.

With y the true value, m the predicted mean and s its standard deviation, in the target's own units:
rmse = sqrt(mean (y - m)^2); mae = mean |y - m|; R2 = 1 - sum (y - m)^2 / sum (y - mean y)^2;
nll = mean of ln s + (y - m)^2 / (2 s^2) + ln(2 pi) / 2, the negative log-likelihood of a Gaussian;
coverage = the share of y within m +- 1.96 s, which should be .95.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics.csv_text import csv_bytes

NUMBERS = ("rmse", "mae", "r2", "nll")
"""What `regression` says of a part as a whole, and runs are compared by."""

Z95 = 1.959963984540054
"""Half of the width of a Gaussian's central 95 %, in standard deviations."""


def regression(mean: Array, sd: Array | None, true: Array, names: Sequence[str]) -> dict[str, Any]:
    """Score `mean` (N, T) and `sd` (N, T), which may be None, against `true` (N, T), N >= 1, in their own units.

    Keys: NUMBERS, `coverage`, and `per_target`, a list of {target, rmse, mae, r2, nll, coverage, support} in the
    order of `names`. The numbers are means over the targets. `r2` is None where a target never changes, `nll` and
    `coverage` where there is no `sd`. Raises ValueError if the shapes do not fit.
    """
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    if len(true) == 0 or not (mean.shape == true.shape == (len(true), len(names))):
        raise ValueError(f"predictions {mean.shape} do not fit {true.shape} and {len(names)} targets")
    m, y = np.asarray(mean, np.float64), np.asarray(true, np.float64)
    rmse, mae = (
        np.atleast_1d(score(y, m, multioutput="raw_values")) for score in (root_mean_squared_error, mean_absolute_error)
    )
    changing = np.ptp(y, axis=0) > 0
    r2 = [float(r2_score(y[:, t], m[:, t])) if changing[t] else None for t in range(len(names))]
    nll: list[float | None] = [None] * len(names)
    covered = list(nll)
    if sd is not None:
        s = np.asarray(sd, np.float64)
        each = np.log(s) + ((y - m) / s) ** 2 / 2 + np.log(2 * np.pi) / 2
        nll, covered = each.mean(axis=0).tolist(), (np.abs(y - m) <= Z95 * s).mean(axis=0).tolist()
    rows = [
        {"target": name, "rmse": a, "mae": b, "r2": c, "nll": d, "coverage": e, "support": len(y)}
        for name, a, b, c, d, e in zip(names, rmse.tolist(), mae.tolist(), r2, nll, covered, strict=True)
    ]
    return {key: _mean([row[key] for row in rows]) for key in (*NUMBERS, "coverage")} | {"per_target": rows}


def residuals_csv(mean: Array, sd: Array | None, true: Array, rows: Array, names: Sequence[str]) -> bytes:
    """Write a line per example and target, nine significant digits: row, target, true, predicted, sd, residual.

    The residual is true - predicted; `sd` is empty where there is none.
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


def _mean(values: Sequence[Any]) -> float | None:
    return None if any(one is None for one in values) else float(np.mean(values))
