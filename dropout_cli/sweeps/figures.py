"""Which figures a sweep's evidence gives, and what stands in them."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from dropout_cli import plots
from dropout_cli.plots.sweeps import Band, Estimate
from dropout_cli.sweeps.baselines import RATE
from dropout_cli.sweeps.comparison import Evidence
from dropout_cli.sweeps.records import Group, Record, label

History: TypeAlias = Callable[[Record], Mapping[str, Sequence[float]]]

MOST_CURVES = 8
"""Groups whose learning curves share a figure: the best on the metric's validation part, or else the first."""


def draw(evidence: Evidence, history: History) -> Iterator[tuple[str, bytes]]:
    """Yield name and PNG of each figure that there is something to draw for."""
    number = evidence.metric.partition(".")[2]
    key = _axis(evidence)
    if key is not None:
        series, lines = _along(evidence, key, lambda group: _estimate(evidence, group, group.scores(evidence.metric)))
        if series or lines:
            yield "metric.png", plots.against(series, lines, key, evidence.metric)
        gaps, levels = _along(evidence, key, lambda group: _estimate(evidence, group, _gaps(group, number)))
        if any(gaps.values()):
            yield "gap.png", plots.against(gaps, levels, key, f"train.{number} - val.{number}")
    if evidence.comparisons:
        rows = [
            (evidence.groups[one.group].label, Estimate(one.paired.mean, *one.paired.interval))
            for one in evidence.comparisons
        ]
        bases = {evidence.groups[one.baseline].label for one in evidence.comparisons}
        against = f" from {bases.pop()}" if len(bases) == 1 else " from the baseline"
        yield "differences.png", plots.forest(rows, f"difference in {evidence.metric}{against}")
    bands = {group.label: band for group in _shown(evidence) if (band := _band(evidence, group, history)) is not None}
    if bands:
        yield "curves.png", plots.bands(bands)
    if evidence.ranks is not None:
        settings, _, ranks = evidence.ranks
        named = {label(one): rank for one, rank in zip(settings, ranks.average, strict=True)}
        yield "ranks.png", plots.critical_difference(named, ranks.critical_difference)


def _axis(evidence: Evidence) -> str | None:
    """The swept number to draw against: the rate, or the first of which there are several values."""
    for key in (RATE, *evidence.keys):
        found = {group.values.get(key) for group in evidence.groups if _is_number(group.values.get(key))}
        if len(found) > 1:
            return key
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _estimate(evidence: Evidence, group: Group, values: Sequence[float]) -> Estimate | None:
    """Return the mean with the same interval as in the tables."""
    if not values:
        return None
    low, high = evidence.interval(group, values)
    mean = float(np.mean(values))
    return Estimate(mean, mean if math.isnan(low) else low, mean if math.isnan(high) else high)


def _gaps(group: Group, number: str) -> list[float]:
    found = [group.score(pair, f"train.{number}") - group.score(pair, f"val.{number}") for pair in group.records]
    return [one for one in found if not math.isnan(one)]


def _along(
    evidence: Evidence, key: str, of: Callable[[Group], Estimate | None]
) -> tuple[dict[str, dict[float, Estimate]], dict[str, Estimate]]:
    """The estimates against a key, a series per setting of the others; and those that lack the key, as lines."""
    series: dict[str, dict[float, Estimate]] = {}
    lines: dict[str, Estimate] = {}
    for group in evidence.groups:
        others = label({name: value for name, value in group.values.items() if name != key})
        found, x = of(group), group.values.get(key)
        if found is None:
            continue
        if isinstance(x, int | float) and _is_number(x):
            series.setdefault(others, {})[float(x)] = found
        else:
            lines[group.label] = found
    return series, lines


def _shown(evidence: Evidence) -> list[Group]:
    """The baseline first, then the groups whose curves are worth a look."""
    bases = [evidence.groups[place] for place in sorted({one.baseline for one in evidence.comparisons})]
    return [*bases, *(group for group in evidence.groups if group not in bases)][:MOST_CURVES]


def _band(evidence: Evidence, group: Group, history: History) -> Band | None:
    """Mean and interval of val_loss, or else train_loss, at each epoch that all runs of the group reached."""
    columns = [history(record) for record in group.runs]
    name = "val_loss" if all(np.isfinite(one["val_loss"]).all() for one in columns) else "train_loss"
    shortest = min((len(one[name]) for one in columns), default=0)
    if not shortest:
        return None
    values = np.array([one[name][:shortest] for one in columns], np.float64)
    mean = values.mean(axis=0)
    intervals = [evidence.interval(group, epoch.tolist()) for epoch in values.T]
    low, high = np.array(intervals).T if len(values) > 1 else (mean, mean)
    return Band(name.replace("_", " "), mean, low, high)
