"""The stored metrics of a run beside those that this installation computes.

A package can add a metric. A run then has a number that another installation does not know, or lacks one that it knows.
"""

from collections.abc import Collection, Mapping
from typing import Any


def split_known_metrics(
    stored: Mapping[str, Any], recomputed: Mapping[str, Any], required: Collection[str]
) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Leave out metrics that only one side has, also in rows per class or target.

    Args:
        stored: The scores in `summary.json`.
        recomputed: The scores, computed again with the metrics that are installed.
        required: Names that every summary has; these stay among the recomputed scores.

    Returns:
        The stored and the recomputed scores without them, and the names of stored metrics that are not installed,
        with commas between them.
    """
    unknown = {name for name, value in stored.items() if name not in recomputed and not isinstance(value, list | dict)}
    new = {name for name in recomputed if name not in stored and name not in required}
    return _without_names(stored, unknown), _without_names(recomputed, new), ", ".join(sorted(unknown))


def _without_names(scores: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    kept = {name: value for name, value in scores.items() if name not in names}
    for name, value in kept.items():
        if isinstance(value, list):
            kept[name] = [
                {key: row[key] for key in row if key not in names} if isinstance(row, dict) else row for row in value
            ]
    return kept
