"""Facts that follow from a run's summary, and the words for them.

Two epochs are spoken of, and may differ. The best epoch has the best value of `training.monitor`. The evaluated epoch
is the one whose weights gave the final numbers, by `training.evaluate`: the last one that was trained, or the best one.
"""

from collections.abc import Mapping
from typing import Any

MOST_SCORED = 10_000
"""The most training examples that are scored after each epoch, for metrics.csv; they are always the same ones."""


def evaluated_epoch(summary: Mapping[str, Any]) -> int:
    """The epoch whose weights gave the numbers of the summary."""
    return int(summary["best_epoch"] if summary["checkpoint"] == "best" else summary["epochs"])


def examples(scores: Mapping[str, Any]) -> int:
    """How many examples a part had, from its scores."""
    if "per_target" in scores:
        return int(scores["per_target"][0]["support"])
    return int(sum(one["support"] for one in scores["per_class"]))  # scikit-learn counts in floats where all are wrong


def scored_train(count: int) -> str:
    """Say which of `count` training examples the train numbers of metrics.csv are of."""
    return "train" if count <= MOST_SCORED else f"train, {MOST_SCORED:,} of {count:,} examples"
