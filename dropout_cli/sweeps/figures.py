"""The figures of a sweep: which ones are drawn, and with which series."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np

from dropout_cli import plots
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.metrics import is_count, larger_is_better, metric_name
from dropout_cli.plots.sweeps import CurveBand, PlottedMean
from dropout_cli.plots.words import better_side, key_words, metric_words, number_words
from dropout_cli.sweeps.baselines import RATE
from dropout_cli.sweeps.comparison import Comparison
from dropout_cli.sweeps.findings import figure_findings, gap_metrics
from dropout_cli.sweeps.means import mean_interval
from dropout_cli.sweeps.records import RunGroup, RunRecord, setting_label
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.until_sure.levels import SequentialRule
from dropout_cli.sweeps.wording import group_name

History: TypeAlias = Callable[[RunRecord], Mapping[str, Sequence[float]]]
"""A function that returns the columns of a run's metrics.csv."""

MOST_SERIES = 8
"""The most lines in the figure of training and validation error."""
MOST_CURVES = 8
"""The most settings in the figure of learning curves: the baselines, then the first others."""


def draw_sweep_figures(evidence: SweepComparison, history: History) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the image of each figure for which there are data.

    Args:
        evidence: The comparison of the runs.
        history: Returns the columns of a run's metrics.csv.
    """
    number = metric_name(evidence.metric)
    key, runs, bands = _axis(evidence), _runs_per_setting(evidence), learning_bands(evidence, history)
    titles, axis_label = figure_findings(evidence, bands), key_words(key or "")
    percent = is_count(evidence.metric)
    metric_label = f"{metric_words(evidence.metric)} {better_side(number)}"
    if key is not None:
        draw = partial(plots.means_by_key, x_label=axis_label, note=runs, log=key != RATE, percent=percent)
        series, lines = _along(evidence, key, lambda group: _mean(evidence, group, evidence.metric))
        if series or lines:
            yield "metric.png", draw(series, lines, y_label=metric_label, title=titles.get("metric", ""))
        parts, plotted = _parts(evidence, key, number), plotted_metric(number)
        if parts:
            label = f"{number_words(plotted)} {better_side(plotted)}"
            yield "train_val.png", draw(parts, {}, y_label=label, title=titles.get("train_val", ""))
        gaps, levels = _along(evidence, key, lambda group: _estimate(group, _gaps(group, number), evidence.sequential))
        if any(gaps.values()):
            sides = "training - validation" if larger_is_better(number) else "validation - training"
            label = f"{number_words(number)}, {sides}"
            yield "gap.png", draw(gaps, levels, y_label=label, title=titles.get("gap", ""))
    else:
        means = [
            (group_name(group), mean) for group in evidence.groups if (mean := _mean(evidence, group, evidence.metric))
        ]
        if len(means) > 1:
            best_last = sorted(means, key=lambda named: named[1].mean, reverse=not larger_is_better(number))
            title = titles.get("metric", "")
            yield "metric.png", plots.dot_plot(best_last[::-1], metric_label, runs, title, percent=percent)
    if evidence.main:
        rows = [
            (group_name(evidence.groups[comparison.group]), _difference(comparison)) for comparison in evidence.main
        ]
        bases = {group_name(evidence.groups[comparison.baseline]) for comparison in evidence.main}
        against = f" from {bases.pop()}" if len(bases) == 1 else " from the baseline"
        axis = f"difference in {metric_words(evidence.metric)}{against}{', percentage points' * percent}"
        family = evidence.main[0].family
        note = f", corrected for {family} comparisons" if family > 1 else ""
        note += ", for several looks" if evidence.sequential is not None else ""
        yield (
            "differences.png",
            plots.forest_plot(
                rows,
                axis,
                larger_is_better=larger_is_better(number),
                note=note,
                title=titles.get("differences", ""),
                percent=percent,
            ),
        )
    if bands:
        yield "curves.png", plots.curve_bands(bands, runs, titles.get("curves", ""))
    if evidence.over_datasets is not None:
        ranks = evidence.over_datasets.ranks
        named = dict(zip(evidence.over_datasets.names(), ranks.average, strict=True))
        yield "ranks.png", plots.critical_difference_plot(named, ranks.critical_difference, titles.get("ranks", ""))


def learning_bands(evidence: SweepComparison, history: History) -> dict[str, CurveBand]:
    """Return setting -> learning curve of the settings that the figure of curves shows."""
    return {
        group_name(group): band
        for group in _shown(evidence)
        if (band := _band(group, history, evidence.sequential)) is not None
    }


def _runs_per_setting(evidence: SweepComparison) -> str:
    """Return the number of runs per setting, as the end of a title."""
    sizes = {len(group.runs) for group in evidence.groups}
    least, most = min(sizes, default=0), max(sizes, default=0)
    return f", {counted(most, 'run')} per setting" if least == most else f", {least} to {most} runs per setting"


def _axis(evidence: SweepComparison) -> str | None:
    """Return the key of the x axis: the rate, else the first key with several numbers."""
    for key in (RATE, *evidence.keys):
        # Different rates of different variants are not a line: a line needs groups that differ in this key alone.
        series: dict[str, set[float]] = {}
        for group in evidence.groups:
            others = setting_label({name: value for name, value in group.values.items() if name != key})
            if _is_number(group.values.get(key)):
                series.setdefault(others, set()).add(group.values[key])
        if any(len(numbers) > 1 for numbers in series.values()):
            return key
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_PARTS = {"accuracy": "error"}
"""Metric -> the metric that the figure of training and validation shows instead."""


def plotted_metric(number: str) -> str:
    """Return the metric that the figure of training and validation shows for a metric."""
    return _PARTS.get(number, number)


def _mean(evidence: SweepComparison, group: RunGroup, metric: str) -> PlottedMean | None:
    """Return the mean with the interval of the tables, or of length 0 without one."""
    mean = evidence.mean(group, metric)
    if not mean.n:
        return None
    low, high = mean.interval
    return PlottedMean(mean.mean, mean.mean if math.isnan(low) else low, mean.mean if math.isnan(high) else high)


def _difference(comparison: Comparison) -> PlottedMean:
    """Return a difference with the interval of the tables."""
    return PlottedMean(comparison.estimate.mean, *comparison.interval)


def _parts(evidence: SweepComparison, key: str, number: str) -> dict[str, dict[float, PlottedMean]]:
    """Return training and validation error against the key, for all other settings."""
    plotted = plotted_metric(number)
    lines: dict[str, dict[float, PlottedMean]] = {}
    for part, name in (("train", "training"), ("val", "validation")):
        series, _ = _along(evidence, key, partial(_mean, evidence, metric=f"{part}.{plotted}"))
        for other, points in series.items():
            lines[f"{name} {plotted}" + (f", {other}" if len(series) > 1 and other else "")] = points
    return lines if len(lines) <= MOST_SERIES else {}


def _estimate(group: RunGroup, values: Mapping[Replicate, float], rule: SequentialRule | None) -> PlottedMean | None:
    """Return the mean of values per replicate with the interval of their layout."""
    if not values:
        return None
    low, high = mean_interval(group, values, rule)
    mean = float(np.mean(list(values.values())))
    return PlottedMean(mean, mean if math.isnan(low) else low, mean if math.isnan(high) else high)


def _gaps(group: RunGroup, number: str) -> dict[Replicate, float]:
    first, second = gap_metrics(number)
    gaps = {run: group.score(run, first) - group.score(run, second) for run in group.records}
    return {replicate: gap for replicate, gap in gaps.items() if not math.isnan(gap)}


def _along(
    evidence: SweepComparison, key: str, of: Callable[[RunGroup], PlottedMean | None]
) -> tuple[dict[str, dict[float, PlottedMean]], dict[str, PlottedMean]]:
    """Return the estimates against a key.

    Args:
        evidence: The comparison of the runs.
        key: The key of the x axis.
        of: Returns the estimate of a group; None leaves it out.

    Returns:
        Series (setting of the other keys -> x -> estimate), and horizontal lines for groups without the key.
    """
    series: dict[str, dict[float, PlottedMean]] = {}
    lines: dict[str, PlottedMean] = {}
    for group in evidence.groups:
        rest = {name: value for name, value in group.values.items() if name != key}
        others = setting_label(rest) if any(value is not None for value in rest.values()) else ""
        estimate, x = of(group), group.values.get(key)
        if estimate is None:
            continue
        if isinstance(x, int | float) and _is_number(x):
            series.setdefault(others, {})[float(x)] = estimate
        else:
            lines[group_name(group)] = estimate
    return series, lines


def _shown(evidence: SweepComparison) -> list[RunGroup]:
    """Return the groups with learning curves: the baselines, then the others."""
    bases = [evidence.groups[index] for index in sorted({comparison.baseline for comparison in evidence.main})]
    return [*bases, *(group for group in evidence.groups if group not in bases)][:MOST_CURVES]


def _band(group: RunGroup, history: History, rule: SequentialRule | None) -> CurveBand | None:
    """Return the learning curve of a group: mean and interval at each epoch.

    The curve is of val_loss if all runs have it, else of train_loss. It ends at the last epoch that all runs reached.
    """
    replicates = [replicate for replicate, pooled in group.records.items() for _ in pooled]
    columns = [history(record) for record in group.runs]
    name = "val_loss" if all(np.isfinite(run["val_loss"]).all() for run in columns) else "train_loss"
    shortest = min((len(run[name]) for run in columns), default=0)
    if not shortest:
        return None
    values = np.array([run[name][:shortest] for run in columns], np.float64)
    mean = values.mean(axis=0)
    intervals = [mean_interval(group, _averaged(replicates, epoch), rule) for epoch in values.T]
    low, high = np.array(intervals).T if len(values) > 1 else (mean, mean)
    return CurveBand("validation loss" if name == "val_loss" else "training loss", mean, low, high)


def _averaged(replicates: Sequence[Replicate], values: Array) -> dict[Replicate, float]:
    """Return the mean value of each replicate."""
    return {
        replicate: float(values[[other == replicate for other in replicates]].mean())
        for replicate in dict.fromkeys(replicates)
    }
