"""Which figures a sweep's evidence gives, and what stands in them."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np

from dropout_cli import plots
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.metrics import larger_is_better, metric_name
from dropout_cli.plots.sweeps import CurveBand, PlottedMean
from dropout_cli.sweeps.baselines import RATE
from dropout_cli.sweeps.comparison import Comparison
from dropout_cli.sweeps.means import mean_interval
from dropout_cli.sweeps.records import RunGroup, RunRecord, setting_label
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.wording import group_name

History: TypeAlias = Callable[[RunRecord], Mapping[str, Sequence[float]]]

MOST_SERIES = 8
"""Lines in the figure of training and validation error."""
MOST_CURVES = 8
"""Groups whose learning curves share a figure: the best on the metric's validation part, or else the first."""


def draw_sweep_figures(evidence: SweepComparison, history: History) -> Iterator[tuple[str, bytes]]:
    """Yield name and PNG of each figure that there is something to draw for."""
    number = metric_name(evidence.metric)
    key, runs = _axis(evidence), _of_runs(evidence)
    if key is not None:
        series, lines = _along(evidence, key, lambda group: _mean(evidence, group, evidence.metric))
        if series or lines:
            yield "metric.png", plots.means_by_key(series, lines, key, evidence.metric, runs)
        parts = _parts(evidence, key, number)
        if parts:
            yield "train_val.png", plots.means_by_key(parts, {}, key, plotted_metric(number), runs)
        gaps, levels = _along(evidence, key, lambda group: _estimate(group, _gaps(group, number)))
        if any(gaps.values()):
            yield "gap.png", plots.means_by_key(gaps, levels, key, f"train.{number} - val.{number}", runs)
    else:
        means = [
            (group_name(group), found)
            for group in evidence.groups
            if (found := _mean(evidence, group, evidence.metric))
        ]
        if len(means) > 1:
            best_last = sorted(means, key=lambda one: one[1].mean, reverse=not larger_is_better(number))
            yield "metric.png", plots.dot_plot(best_last[::-1], evidence.metric, runs)
    if evidence.main:
        rows = [(group_name(evidence.groups[one.group]), _difference(one)) for one in evidence.main]
        bases = {group_name(evidence.groups[one.baseline]) for one in evidence.main}
        against = f" from {bases.pop()}" if len(bases) == 1 else " from the baseline"
        axis = f"difference in {evidence.metric}{against}"
        family = evidence.main[0].family
        note = f", corrected for {family} comparisons" if family > 1 else ""
        yield "differences.png", plots.forest_plot(rows, axis, larger_is_better=larger_is_better(number), note=note)
    bands = {group_name(group): band for group in _shown(evidence) if (band := _band(group, history)) is not None}
    if bands:
        yield "curves.png", plots.curve_bands(bands, runs)
    if evidence.ranks is not None:
        settings, _, ranks = evidence.ranks
        named = {setting_label(one): rank for one, rank in zip(settings, ranks.average, strict=True)}
        yield "ranks.png", plots.critical_difference_plot(named, ranks.critical_difference)


def _of_runs(evidence: SweepComparison) -> str:
    """Return how many runs a setting has, to stand behind a title."""
    found = {len(group.runs) for group in evidence.groups}
    least, most = min(found, default=0), max(found, default=0)
    return f", {counted(most, 'run')} per setting" if least == most else f", {least} to {most} runs per setting"


def _axis(evidence: SweepComparison) -> str | None:
    """The swept number to draw against: the rate, or the first of which there are several values."""
    for key in (RATE, *evidence.keys):
        found = {group.values.get(key) for group in evidence.groups if _is_number(group.values.get(key))}
        if len(found) > 1:
            return key
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_PARTS = {"accuracy": "error"}
"""Number -> the one that the figure of training and validation shows in its place."""


def plotted_metric(number: str) -> str:
    """Return the number that the figure of training and validation shows."""
    return _PARTS.get(number, number)


def _mean(evidence: SweepComparison, group: RunGroup, metric: str) -> PlottedMean | None:
    """Return the mean with the interval that the tables have."""
    found = evidence.mean(group, metric)
    if not found.n:
        return None
    low, high = found.interval
    return PlottedMean(found.mean, found.mean if math.isnan(low) else low, found.mean if math.isnan(high) else high)


def _difference(one: Comparison) -> PlottedMean:
    """Return a difference with the interval that the tables have."""
    return PlottedMean(one.estimate.mean, *one.interval)


def _parts(evidence: SweepComparison, key: str, number: str) -> dict[str, dict[float, PlottedMean]]:
    """Return training and validation error against the key, where the others of a sweep's keys do not vary."""
    shown = plotted_metric(number)
    found: dict[str, dict[float, PlottedMean]] = {}
    for part, name in (("train", "training"), ("val", "validation")):
        series, _ = _along(evidence, key, partial(_mean, evidence, metric=f"{part}.{shown}"))
        for other, points in series.items():
            found[f"{name} {shown}" + (f", {other}" if len(series) > 1 and other else "")] = points
    return found if len(found) <= MOST_SERIES else {}


def _estimate(group: RunGroup, values: Mapping[Replicate, float]) -> PlottedMean | None:
    """Return the mean of values per replicate with the interval that their layout gives."""
    if not values:
        return None
    low, high = mean_interval(group, values)
    mean = float(np.mean(list(values.values())))
    return PlottedMean(mean, mean if math.isnan(low) else low, mean if math.isnan(high) else high)


def _gaps(group: RunGroup, number: str) -> dict[Replicate, float]:
    found = {one: group.score(one, f"train.{number}") - group.score(one, f"val.{number}") for one in group.records}
    return {one: value for one, value in found.items() if not math.isnan(value)}


def _along(
    evidence: SweepComparison, key: str, of: Callable[[RunGroup], PlottedMean | None]
) -> tuple[dict[str, dict[float, PlottedMean]], dict[str, PlottedMean]]:
    """The estimates against a key, a series per setting of the others; and those that lack the key, as lines."""
    series: dict[str, dict[float, PlottedMean]] = {}
    lines: dict[str, PlottedMean] = {}
    for group in evidence.groups:
        rest = {name: value for name, value in group.values.items() if name != key}
        others = setting_label(rest) if any(value is not None for value in rest.values()) else ""
        found, x = of(group), group.values.get(key)
        if found is None:
            continue
        if isinstance(x, int | float) and _is_number(x):
            series.setdefault(others, {})[float(x)] = found
        else:
            lines[group_name(group)] = found
    return series, lines


def _shown(evidence: SweepComparison) -> list[RunGroup]:
    """The baseline first, then the groups whose curves are worth a look."""
    bases = [evidence.groups[place] for place in sorted({one.baseline for one in evidence.main})]
    return [*bases, *(group for group in evidence.groups if group not in bases)][:MOST_CURVES]


def _band(group: RunGroup, history: History) -> CurveBand | None:
    """Mean and interval of val_loss, or else train_loss, at each epoch that all runs of the group reached."""
    replicates = [replicate for replicate, pooled in group.records.items() for _ in pooled]
    columns = [history(record) for record in group.runs]
    name = "val_loss" if all(np.isfinite(one["val_loss"]).all() for one in columns) else "train_loss"
    shortest = min((len(one[name]) for one in columns), default=0)
    if not shortest:
        return None
    values = np.array([one[name][:shortest] for one in columns], np.float64)
    mean = values.mean(axis=0)
    intervals = [mean_interval(group, _averaged(replicates, epoch)) for epoch in values.T]
    low, high = np.array(intervals).T if len(values) > 1 else (mean, mean)
    return CurveBand(name.replace("_", " "), mean, low, high)


def _averaged(replicates: Sequence[Replicate], values: Array) -> dict[Replicate, float]:
    """Return the mean value of each replicate."""
    return {one: float(values[[other == one for other in replicates]].mean()) for one in dict.fromkeys(replicates)}
