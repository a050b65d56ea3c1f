"""The mean of a metric over the runs of one setting, with its intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dropout_cli import statistics
from dropout_cli.core.types import Array
from dropout_cli.metrics import is_count, is_share, metric_part
from dropout_cli.statistics import Interval, proportion
from dropout_cli.statistics.intervals import CONFIDENCE, NO_INTERVAL
from dropout_cli.statistics.t_test import Estimate, estimate_new_examples
from dropout_cli.sweeps.layouts import Layout, find_layout
from dropout_cli.sweeps.records import RunGroup
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.until_sure.levels import SequentialRule


@dataclass(frozen=True)
class GroupMean:
    """The mean of a metric over the runs of a group, with its intervals."""

    n: int
    """The number of runs that have the metric."""
    averages: int
    """The number of replicates. Runs with the same seed and split are averaged first; mean, deviation and interval use
    these averages."""
    mean: float
    sd: float
    interval: Interval
    """The 95 % interval for the same examples: for new seeds, and for new splits if splits vary."""
    new_data: Interval
    """The 95 % interval for new data, or for new examples if all runs share a test part; NaN if unknown."""


NOTHING = GroupMean(0, 0, math.nan, math.nan, NO_INTERVAL, NO_INTERVAL)


def group_mean(group: RunGroup, metric: str, rule: SequentialRule | None = None) -> GroupMean:
    """Return the mean of a metric over the group's runs; NaN if no run has the metric.

    Args:
        group: The runs of a setting.
        metric: The metric.
        rule: The rule for levels that account for several looks; None: one look.
    """
    values = group.by_replicate(metric)
    runs = sum(not math.isnan(record.score(metric)) for record in group.runs)
    if not values:
        return NOTHING
    layout, step = find_layout(values, group.folds), group.step(metric) if is_count(metric) else 0.0
    found = layout.estimate(values, step=step)
    mean, sd = statistics.mean_and_sd(list(values.values()))
    center = mean if math.isnan(found.se) else found.mean
    examples = max((record.examples(metric_part(metric)) for record in group.runs), default=0)
    confidence = _confidence(group, layout, rule)
    if math.isnan(confidence):
        return GroupMean(runs, len(values), center, sd, NO_INTERVAL, NO_INTERVAL)
    own = _around(found, metric, examples * len(values), confidence)
    new = _for_new_data(group, layout, values, metric, examples, step, confidence)
    # The interval for new data is the wider one by design; the union keeps it so in spite of rounding and floors.
    if not math.isnan(own.low + new.low):
        new = statistics.union_interval(own, new)
    return GroupMean(runs, len(values), center, sd, own, new)


def mean_interval(group: RunGroup, values: Mapping[Replicate, float], rule: SequentialRule | None = None) -> Interval:
    """Return the interval of the mean of values per replicate, such as those of one epoch.

    Args:
        group: The runs of a setting.
        values: Replicate -> value.
        rule: The rule for levels that account for several looks; None: one look.
    """
    layout = find_layout(values, group.folds)
    confidence = _confidence(group, layout, rule)
    return NO_INTERVAL if math.isnan(confidence) else layout.estimate(values).interval(confidence=confidence)


def _confidence(group: RunGroup, layout: Layout, rule: SequentialRule | None) -> float:
    """Return the level of a setting's intervals; NaN if there are none yet."""
    if rule is None:
        return CONFIDENCE
    return 1 - rule.level_of_mean([record.name for record in group.runs], len(layout.units))


def _around(found: Estimate, metric: str, judged: int, confidence: float) -> Interval:
    """Return the t interval of an estimate; for shares such as accuracies in Wilson's form.

    Args:
        found: The estimate.
        metric: The metric.
        judged: The number of examples over all runs.
        confidence: Level of the interval.
    """
    # Wilson's form keeps the interval between 0 and 1.
    if not is_share(metric):
        return found.interval(confidence=confidence)
    return NO_INTERVAL if math.isnan(found.se) else proportion.share_interval(found, judged, confidence=confidence)


def _for_new_data(
    group: RunGroup,
    layout: Layout,
    values: Mapping[Replicate, float],
    metric: str,
    examples: int,
    step: float,
    confidence: float,
) -> Interval:
    if layout.kind == "single":
        if not is_count(metric) or not examples:
            return NO_INTERVAL
        # The examples of one run are independent, so that Wilson's interval holds for new examples.
        judged = examples * len(values)  # with folds, all examples
        right = round(float(np.mean(list(values.values()))) * judged)
        return statistics.wilson_interval(min(max(right, 0), judged), judged, confidence=confidence)
    if layout.kind == "irregular":
        return NO_INTERVAL
    if layout.kind == "seeds" or group.shares_test_part(layout.replicates):
        each = _per_example(group, [run for unit in layout.units for run in unit], metric)
        if each is None:
            return NO_INTERVAL
        return (
            proportion.interval_new_examples(each, confidence=confidence)
            if is_count(metric)
            else estimate_new_examples(each, is_count=False).interval(confidence=confidence)
        )
    found = layout.for_new_data(values, group.ratio(values), step=step)
    return _around(found, metric, examples * len(values), confidence)


def _per_example(group: RunGroup, runs: Sequence[tuple[Replicate, ...]], metric: str) -> Array | None:
    """Return the scores of each example, shape (runs, examples); None if they are unknown."""
    found = [group.example_scores(run, metric) for run in runs]
    known = [one for one in found if one is not None]
    if len(known) < len(found) or any(not np.array_equal(rows, known[0][0]) for rows, _ in known):
        return None
    return np.array([values for _, values in known])
