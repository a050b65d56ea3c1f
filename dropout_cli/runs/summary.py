"""Facts derived from a run's summary, and their descriptions.

Two epochs matter and may differ. The best epoch has the best value of `training.monitor`. The evaluated epoch is the
one whose weights gave the final numbers, by `training.evaluate`: the last trained epoch, or the best one.
"""

from collections.abc import Mapping
from typing import Any

MAX_SCORED = 10_000
"""At most so many training examples, always the same ones, are scored after each epoch for `metrics.csv`."""


def evaluated_epoch(summary: Mapping[str, Any]) -> int:
    """Return the epoch whose weights gave the numbers of the summary."""
    return int(summary["best_epoch"] if summary["checkpoint"] == "best" else summary["epochs"])


def count_examples(scores: Mapping[str, Any]) -> int:
    """Return the number of examples of a part.

    Args:
        scores: The scores of that part in the summary.
    """
    if "per_target" in scores:
        return int(scores["per_target"][0]["support"])
    # scikit-learn counts in floats if all examples are wrong.
    return int(sum(row["support"] for row in scores["per_class"]))


def describe_scored_train(count: int) -> str:
    """Describe the training examples behind the train columns of `metrics.csv`.

    Args:
        count: The number of training examples.
    """
    return "train" if count <= MAX_SCORED else f"train, {MAX_SCORED:,} of {count:,} examples"


def positive_class(scores: object) -> str | None:
    """Return the class that counts as positive: the second of two; None with another number of classes.

    Args:
        scores: The scores of a part in the summary.
    """
    # A summary from elsewhere may have any content.
    rows = scores.get("per_class") if isinstance(scores, Mapping) else None
    if not isinstance(rows, list) or len(rows) != 2 or not isinstance(rows[1], Mapping) or "class" not in rows[1]:
        return None
    return str(rows[1]["class"])


def epoch_words(summary: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return which epoch's weights were evaluated, and which one was best on validation.

    The second text is None without a validation part, or if both are the same epoch.
    """
    best, monitor, evaluated = summary["best_epoch"], summary["monitor"], evaluated_epoch(summary)
    if best is None:
        return f"the weights of epoch {evaluated}, the last one, were evaluated", None
    if best == evaluated:
        is_last = ", which is the last one" * (evaluated == summary["epochs"])
        return f"the weights of epoch {evaluated}, the best by {monitor}{is_last}, were evaluated", None
    evaluated_words = f"the weights of epoch {evaluated}, the last one, were evaluated"
    return evaluated_words, f"by {monitor}, epoch {best} was the best one; its weights were not evaluated"
