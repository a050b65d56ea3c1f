"""All numbers of a regression, and the table of its residuals."""

from collections.abc import Sequence
from typing import Any

from dropout_cli.core.types import Array
from dropout_cli.metrics import registry
from dropout_cli.metrics.csv_text import csv_bytes
from dropout_cli.metrics.scored import Quantities


def regression(mean: Array, sd: Array | None, true: Array, names: Sequence[str]) -> dict[str, Any]:
    """Score `mean` (N, T) and `sd` (N, T), which may be None, against `true` (N, T), N >= 1, in their own units.

    Keys: the registered metrics, see `numbers.regression`, and `per_target`, a list of {target, every metric, support}
    in the order of `names`. The numbers are means over the targets. `r2` is None where a target never changes, `nll`
    and `coverage` where there is no `sd`. Raises ValueError if the shapes do not fit.
    """
    if len(true) == 0 or not (mean.shape == true.shape == (len(true), len(names))):
        raise ValueError(f"predictions {mean.shape} do not fit {true.shape} and {len(names)} targets")
    given = Quantities.of(mean, sd, true)
    every = registry.of_task("regression")
    columns = {one.name: one.function(given) or [None] * len(names) for one in every}
    rows = [
        {"target": name, **{key: values[t] for key, values in columns.items()}, "support": len(true)}
        for t, name in enumerate(names)
    ]
    return {one.name: one.of(given) for one in every} | {"per_target": rows}


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
