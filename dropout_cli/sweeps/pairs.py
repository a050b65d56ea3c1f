"""Pairs of runs of two settings: their differences, and the estimates that these allow."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics import is_count, metric_part
from dropout_cli.statistics.differences import paired_differences
from dropout_cli.statistics.t_test import Estimate, estimate_new_examples, mean_only
from dropout_cli.sweeps.layouts import Layout, find_layout
from dropout_cli.sweeps.records import RunGroup
from dropout_cli.sweeps.replicates import Replicate

UNEQUAL = 0.005
"""Two settings have unequal spreads if the ratio of their variances is in this tail of the F distribution."""


def differences_of_pairs(group: RunGroup, base: RunGroup, metric: str) -> dict[Replicate, float]:
    """Return the difference of each pair of runs that have the metric."""
    # `paired_differences` removes rounding, so that equal differences are equal floats and count as ties.
    scores = {
        replicate: (group.score(replicate, metric), base.score(replicate, metric))
        for replicate in group.records
        if replicate in base.records
    }
    pairs = {replicate: both for replicate, both in scores.items() if not math.isnan(sum(both))}
    if not pairs:
        return {}
    ours, theirs = zip(*pairs.values(), strict=True)
    return dict(zip(pairs, paired_differences(ours, theirs).tolist(), strict=True))


def paired_estimate(
    group: RunGroup, base: RunGroup, metric: str, by_pair: Mapping[Replicate, float]
) -> tuple[Layout, Estimate]:
    """Return the layout of some pairs, and their mean difference.

    The layout has the reason if there is no verdict.

    Args:
        group: A setting.
        base: Its baseline.
        metric: The metric.
        by_pair: The differences from `differences_of_pairs`, or some of them.
    """
    layout = find_layout(by_pair, group.folds if group.folds == base.folds else 0)
    estimate = layout.estimate(by_pair, step=smallest_step(group, base, metric))
    if not layout.refused:
        layout = replace(layout, refused=_unpaired(group, base, layout, metric) or _without_spread(estimate))
    return layout, estimate


def smallest_step(group: RunGroup, base: RunGroup, metric: str) -> float:
    """Return the step of a metric in both settings: 1 / N for accuracies, 0 for losses."""
    return max(group.step(metric), base.step(metric))


def _unpaired(group: RunGroup, base: RunGroup, layout: Layout, metric: str) -> str:
    """Return why runs with the same seed and split cannot be paired; empty if they can."""
    part = metric_part(metric)
    for replicate in layout.replicates if part != "train" else ():
        ours, theirs = ({run.examples(part) for run in side.records[replicate]} for side in (group, base))
        # Only sizes are compared: every run has them. On varying splits by group they may differ.
        if ours != theirs and (layout.kind == "seeds" or len(ours) != len(theirs)):
            largest = " and ".join(str(max(sizes)) for sizes in (ours, theirs))
            return f"their {part} parts contain different examples (at most {largest}), so the runs cannot be paired"
    return ""


def _without_spread(estimate: Estimate) -> str:
    """Return why equal differences are not tested; empty if they differ."""
    if estimate.se == 0 and estimate.mean != 0:
        return "all pairs differ by exactly the same number, so the role of chance cannot be estimated"
    return ""


def estimate_for_new_examples(group: RunGroup, base: RunGroup, layout: Layout, metric: str) -> Estimate:
    """Return the estimate for new examples, from the stored score of each test example.

    Its mean is NaN if the scores are not stored or belong to different test examples.
    """
    units: list[Array] = []
    rows: Array | None = None
    for unit in layout.units:
        runs = []
        for run in unit:
            ours, theirs = group.example_scores(run, metric), base.example_scores(run, metric)
            if ours is None or theirs is None:
                return mean_only(math.nan, 0)
            rows = ours[0] if rows is None else rows
            if not (np.array_equal(rows, ours[0]) and np.array_equal(rows, theirs[0])):
                return mean_only(math.nan, 0)
            runs.append(ours[1] - theirs[1])
        units.append(np.mean(runs, axis=0))
    return estimate_new_examples(np.array(units), is_count=is_count(metric))


def ratio_of_spreads(group: RunGroup, base: RunGroup, layout: Layout, metric: str) -> float:
    """Return the ratio of the two spreads; NaN unless the F test finds a difference."""
    from scipy import stats

    step = smallest_step(group, base, metric)
    if layout.refused or layout.kind == "crossed":
        return math.nan
    ours, theirs = (
        layout.estimate({replicate: side.score(replicate, metric) for replicate in layout.replicates}, step=step)
        for side in (group, base)
    )
    if not (ours.sd > 0 and theirs.sd > 0):
        return math.nan
    ratio, df = ours.sd / theirs.sd, ours.n - 1
    return ratio if float(stats.f.sf(max(ratio, 1 / ratio) ** 2, df, df)) < UNEQUAL else math.nan
