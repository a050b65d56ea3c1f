"""The findings that titles and captions of a sweep's figures state, with numbers."""

import math
from collections.abc import Mapping

import numpy as np

from dropout_cli.metrics import is_share, larger_is_better, metric_name
from dropout_cli.plots.sweeps import CurveBand
from dropout_cli.plots.words import metric_words, number_words
from dropout_cli.sweeps.answer import best_setting_sentences
from dropout_cli.sweeps.comparison import BETTER, NOT_DECIDED, WORSE
from dropout_cli.sweeps.records import RunGroup
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.wording import format_short, group_name


def figure_findings(evidence: SweepComparison, bands: Mapping[str, CurveBand]) -> dict[str, str]:
    """Return kind of figure -> sentence, without the final stop; kinds without a number are left out.

    Args:
        evidence: The comparison of the runs.
        bands: Setting -> learning curve.
    """
    number = metric_name(evidence.metric)
    error = "error" if number == "accuracy" else number
    texts = {
        "metric": _best(evidence, evidence.metric),
        "train_val": _best(evidence, f"val.{error}", f"train.{error}"),
        "gap": _gap(evidence, number),
        "differences": _verdict_counts(evidence),
        "curves": _lowest_loss(bands),
        "ranks": _best_rank(evidence),
    }
    return {kind: text for kind, text in texts.items() if text}


def _best(evidence: SweepComparison, *metrics: str) -> str:
    """Return the best setting in the words of the notes; else the verdicts, or the best mean."""
    sentences = [*best_setting_sentences(evidence, numbers=False, metrics=metrics, for_title=True)]
    known = any(not math.isnan(evidence.mean(group, metrics[0]).mean) for group in evidence.groups)
    if not known:
        return ""
    if sentences:
        # The verdict is about the main metric, so that it belongs to the figure of this metric alone.
        return " ".join(sentences if metrics == (evidence.metric,) else sentences[:1]).removesuffix(".")
    return (evidence.main and _verdict_counts(evidence)) or best_mean(evidence, metrics[0])


def best_mean(evidence: SweepComparison, metric: str) -> str:
    """Return the setting with the best mean of a metric; empty if no run has the metric."""
    means = [(evidence.mean(group, metric).mean, group) for group in evidence.groups]
    known = [(mean, group) for mean, group in means if not math.isnan(mean)]
    if not known:
        return ""
    larger = larger_is_better(metric_name(metric))
    best, group = (max if larger else min)(known, key=lambda pair: pair[0])
    start = "Mean" if len(evidence.groups) == 1 else "Highest mean" if larger else "Lowest mean"
    return f"{start} {metric_words(metric)}: {format_short(best)} with {group_name(group)}"


def gap_metrics(number: str) -> tuple[str, str]:
    """Return the two metrics whose difference, the first minus the second, grows with overfitting.

    Args:
        number: The metric without its part.
    """
    parts = (f"train.{number}", f"val.{number}")
    return parts if larger_is_better(number) else parts[::-1]


def _gap(evidence: SweepComparison, number: str) -> str:
    """Return the setting with the largest difference between the training and the validation part."""
    first, second = gap_metrics(number)

    def gap(group: RunGroup) -> float:
        return evidence.mean(group, first).mean - evidence.mean(group, second).mean

    known = [(value, group) for group in evidence.groups if not math.isnan(value := gap(group))]
    if not known:
        return ""
    value, group = max(known, key=lambda pair: abs(pair[0]))
    words = number_words(number)
    # In the units of the axis.
    size = f"{100 * value:+.2f} percentage points" if is_share(number) else format_short(value, "+")
    return f"Largest gap between training and validation {words}: {size} with {group_name(group)}"


def _verdict_counts(evidence: SweepComparison) -> str:
    """Return the number of settings with each verdict."""
    if not evidence.main:
        return ""
    verdicts = [comparison.verdict for comparison in evidence.main]
    order = [BETTER, WORSE, *sorted({verdict for verdict in verdicts if verdict.startswith("equal")}), NOT_DECIDED]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in order if verdict in verdicts)
    bases = {comparison.baseline for comparison in evidence.main}
    base = group_name(evidence.groups[bases.pop()]) if len(bases) == 1 else "the baseline of each setting"
    return f"Compared with {base}: {counts}"


def _lowest_loss(bands: Mapping[str, CurveBand]) -> str:
    """Return the setting, and the epoch, with the lowest mean loss."""
    minima = [
        (float(np.nanmin(band.mean)), int(np.nanargmin(band.mean)) + 1, name, band.quantity)
        for name, band in bands.items()
        if not np.all(np.isnan(band.mean))
    ]
    if not minima:
        return ""
    loss, epoch, name, quantity = min(minima)
    return f"Lowest mean {quantity}: {format_short(loss)} with {name} at epoch {epoch}"


def _best_rank(evidence: SweepComparison) -> str:
    found = evidence.over_datasets
    if found is None:
        return ""
    rank, name = min(zip(found.ranks.average, found.names(), strict=True), key=lambda pair: pair[0])
    return f"Best average rank over {len(found.datasets)} datasets: {rank:.2f} with {name}"
