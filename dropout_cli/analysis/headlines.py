"""The result of a run in a few lines of plain words, from its summary alone."""

from collections.abc import Iterator, Mapping
from typing import Any

from dropout_cli.core import npz
from dropout_cli.core.errors import DropoutError
from dropout_cli.core.numbers import is_finite_number
from dropout_cli.core.text import counted, significant
from dropout_cli.metrics import ClassPredictions
from dropout_cli.metrics.formulas.classification import roc_auc
from dropout_cli.runs import Run
from dropout_cli.runs.summary import count_examples, positive_class

PART_NAMES = {"test": "test", "val": "validation"}
"""Parts of the data whose numbers are a result, the most important one first -> their names."""
CLASSIFICATION_WORDS = {"accuracy": "accuracy", "nll": "loss"}
UNEQUAL_CLASSES_WORDS = {"roc_auc": "ROC AUC", "balanced_accuracy": "balanced accuracy"}
REGRESSION_WORDS = {"rmse": "RMSE", "mae": "MAE", "r2": "R2"}
"""Metric -> its name, in the order of the line."""
PERCENT = ("accuracy", "balanced_accuracy")
UNEQUAL_RATIO = 1.5
"""From this ratio of the largest class to the smallest on, accuracy alone says little about the small classes."""
DAMAGED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Errors of a summary with other content than this program writes."""


def headline_lines(summary: Mapping[str, Any], run: Run | None = None) -> list[str]:
    """Return one line per part: its main metrics and its number of examples.

    Args:
        summary: The `summary.json` of a run. A damaged one gives fewer lines.
        run: The run, for metrics of the test part that the summary lacks; None: they are left out.
    """
    lines = []
    summary = summary if run is None else _with_roc_auc(summary, run)
    for part, name in PART_NAMES.items():
        scores = summary.get(part)
        if not isinstance(scores, Mapping):
            continue
        try:
            lines.append(f"{name}: {', '.join(_facts(scores))}")
        except DAMAGED:
            continue
    return lines


def monte_carlo_line(summary: Mapping[str, Any]) -> str | None:
    """Return one line with the test metrics of the largest number of noisy passes.

    It is None for a run without `training.mc_passes`.

    Args:
        summary: The `summary.json` of a run, perhaps a damaged one.
    """
    try:
        count = max(summary["monte_carlo"], key=int)
        passes = f"mean of {counted(int(count), 'noisy pass')}"
        return f"test, {passes}: {', '.join(_facts(summary['monte_carlo'][count]['test']))}"
    except DAMAGED:
        return None


def _with_roc_auc(summary: Mapping[str, Any], run: Run) -> Mapping[str, Any]:
    """Return the summary with the test ROC AUC of unequal classes, from the stored predictions."""
    # Older versions did not store it, and this one does not for classes that are only somewhat unequal.
    try:
        test = summary["test"]
        if test.get("roc_auc") is not None or not has_unequal_classes(test):
            return summary
        stored = npz.read_npz(run.read("predictions.npz"), str(run.path / "predictions.npz"))
        classes = [str(row["class"]) for row in test["per_class"]]
        given = ClassPredictions.of(stored["probabilities"], stored["labels"], classes, stored.get("log_probabilities"))
        return {**summary, "test": {**test, "roc_auc": roc_auc(given)}}
    except (*DAMAGED, DropoutError):
        return summary


def _facts(scores: Mapping[str, Any]) -> Iterator[str]:
    """Yield `accuracy 97.1 %` and the like, and the number of examples."""
    words = REGRESSION_WORDS if "per_target" in scores else CLASSIFICATION_WORDS
    if "per_class" in scores and has_unequal_classes(scores):
        words = words | UNEQUAL_CLASSES_WORDS
    for metric, word in words.items():
        if (value := _score(scores, metric)) is not None:
            positive = positive_class(scores) if metric == "roc_auc" else None
            named = "" if positive is None else f" (positive class {positive})"
            yield f"{word} {format_score(metric, value)}{named}"
    yield counted(count_examples(scores), "example")


def _score(scores: Mapping[str, Any], metric: str) -> float | None:
    """Return a finite score; None if the summary has none."""
    value = scores.get(metric)
    if value is None and metric == "balanced_accuracy":  # summaries of older versions have only its terms
        recalls = [row["recall"] for row in scores["per_class"] if row["support"]]
        value = sum(recalls) / len(recalls)
    return value if is_finite_number(value) else None


def has_unequal_classes(scores: Mapping[str, Any]) -> bool:
    """Return True if class sizes differ by more than a factor of UNEQUAL_RATIO.

    Args:
        scores: The scores of a part, with `per_class`.
    """
    sizes = [row["support"] for row in scores["per_class"]]
    return bool(max(sizes) > UNEQUAL_RATIO * min(sizes))


def format_score(metric: str, value: float) -> str:
    """Return `97.1 %` for a share of the examples, and three significant digits otherwise."""
    return f"{100 * value:.1f} %" if metric in PERCENT else significant(value, 3)
