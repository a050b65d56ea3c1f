"""Settings against a baseline, run by run: layout, estimate, interval, p-value and verdict of each difference.

Interval, p-value and verdict are three views of one t procedure, chosen by the layout of seeds and splits
(`sweeps.layouts`), with Bonferroni's correction for the number of comparisons. A permutation test that is asked for
stands beside them and decides nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dropout_cli import statistics
from dropout_cli.core.types import Array
from dropout_cli.metrics import is_count, larger_is_better, metric_part
from dropout_cli.statistics import Interval
from dropout_cli.statistics.differences import paired_differences
from dropout_cli.statistics.estimate import Estimate, estimate_new_examples, mean_only
from dropout_cli.statistics.intervals import NO_INTERVAL
from dropout_cli.sweeps.baselines import find_baselines
from dropout_cli.sweeps.layouts import Layout, find_layout
from dropout_cli.sweeps.permutation import NO_TEST, Requested, TestName, permutation_tests
from dropout_cli.sweeps.records import RunGroup, Values
from dropout_cli.sweeps.replicates import Replicate

ALPHA = 0.05
BETTER, WORSE, NOT_DECIDED = "better", "worse", "not decided"
UNEQUAL = 0.005
"""Two arms have unequal spreads where the ratio of their variances lies in this tail of the F distribution."""


@dataclass(frozen=True)
class Comparison:
    """A group against its baseline, by one metric."""

    group: int
    baseline: int
    metric: str
    layout: Layout
    n: int
    """Pairs of runs."""
    estimate: Estimate
    """Of the mean difference, group minus baseline."""
    sd: float
    """Standard deviation of the units' differences, as they are: the floor of accuracies is in the estimate alone."""
    new_data_estimate: Estimate
    """The estimate for new data, or for new examples where all runs share a test part; its se is NaN where unknown."""
    test_part_is_fixed: bool
    """Whether splits vary and the test part does not."""
    ratio: float
    """Test examples over training examples."""
    wider: float
    """How many times the spread of the group is that of the baseline, where they differ by far; else NaN."""
    won: int
    tied: int
    margin: float | None
    family: int = 1
    """How many comparisons the intervals and p-values are corrected for."""
    p_holm: float = math.nan
    requested: Requested = NO_TEST

    @property
    def refused(self) -> str:
        """Return why there is no verdict; empty where there is one."""
        return self.layout.refused

    @property
    def p(self) -> float:
        """Return the p-value of this comparison alone; NaN where there is no verdict."""
        return math.nan if self.refused else self.estimate.p()

    @property
    def p_bonferroni(self) -> float:
        """Return the p-value, corrected for the number of comparisons."""
        return math.nan if self.refused else self.estimate.p(comparisons=self.family)

    @cached_property
    def interval(self) -> Interval:
        """Return the 95 % interval, corrected for the number of comparisons; NaN where there is no verdict."""
        return NO_INTERVAL if self.refused else self.estimate.interval(comparisons=self.family)

    @cached_property
    def new_data(self) -> Interval:
        """Return the interval for new data, corrected alike; it holds the interval for these examples."""
        if self.refused or math.isnan(self.new_data_estimate.se):
            return NO_INTERVAL
        return statistics.union_interval(self.interval, self.new_data_estimate.interval(comparisons=self.family))

    @property
    def larger_is_better(self) -> bool:
        """Whether a positive difference is an improvement."""
        return larger_is_better(self.metric)

    @property
    def is_equal(self) -> bool:
        """Whether the interval lies within the margin."""
        return self.margin is not None and -self.margin < self.interval.low and self.interval.high < self.margin

    @property
    def verdict(self) -> str:
        """Return BETTER, WORSE, `equal within M` or NOT_DECIDED, by the interval; the margin decides first."""
        low, high = self.interval
        if self.is_equal:
            return f"equal within {self.margin:g}"
        if low > 0 or high < 0:
            return BETTER if (low > 0) == self.larger_is_better else WORSE
        return NOT_DECIDED

    @property
    def shown_for_new_data(self) -> bool:
        """Whether the interval for new data gives the same verdict."""
        low, high = self.new_data
        if self.is_equal:
            return self.margin is not None and -self.margin < low and high < self.margin
        return (low > 0 and self.interval.low > 0) or (high < 0 and self.interval.high < 0)

    @property
    def identical(self) -> bool:
        """Whether the two runs of every pair have the same value."""
        return self.tied == self.n

    @property
    def won_interval(self) -> Interval:
        """Return Wilson's interval of the share of pairs won, ties left out."""
        untied = self.n - self.tied
        return statistics.wilson_interval(self.won, untied) if untied else NO_INTERVAL

    @property
    def effect(self) -> float:
        """Return Cohen's d_z of the units; NaN of crossed layouts and where all units differ by the same."""
        return self.estimate.mean / self.sd if self.sd > 0 and self.layout.kind != "crossed" else math.nan


def compare_groups(
    groups: Sequence[RunGroup],
    keys: Sequence[str],
    metrics: Sequence[str],
    *,
    baseline: Values | None,
    margin: float | None,
    test: TestName,
) -> tuple[Comparison, ...]:
    """Compare every group with its baseline, where they share a replicate, by each of the metrics.

    Raises UsageError where the baseline is none of the groups.
    """
    found: list[Comparison] = []
    differing: list[Mapping[Replicate, float]] = []
    for metric in metrics:
        for place, other in enumerate(find_baselines([group.values for group in groups], keys, baseline)):
            if other is None or other == place:
                continue
            by_pair = _differences(groups[place], groups[other], metric)
            if by_pair:
                found.append(_compared(place, other, groups, metric, by_pair, margin))
                differing.append(by_pair)
    family = max(1, sum(not math.isnan(one.p) for one in found))
    holm = statistics.holm_adjust([one.p for one in found])
    requested = permutation_tests([(one.metric, one.baseline, one.layout) for one in found], differing, test)
    return tuple(
        replace(one, family=family, p_holm=p, requested=test)
        for one, p, test in zip(found, holm, requested, strict=True)
    )


def _differences(one: RunGroup, base: RunGroup, metric: str) -> dict[Replicate, float]:
    """Return the difference of each pair of runs that have the metric; equal sizes are equal floats."""
    scores = {
        replicate: (one.score(replicate, metric), base.score(replicate, metric))
        for replicate in one.records
        if replicate in base.records
    }
    pairs = {replicate: both for replicate, both in scores.items() if not math.isnan(sum(both))}
    if not pairs:
        return {}
    ours, theirs = zip(*pairs.values(), strict=True)
    return dict(zip(pairs, paired_differences(ours, theirs).tolist(), strict=True))


def _compared(
    place: int,
    other: int,
    groups: Sequence[RunGroup],
    metric: str,
    by_pair: Mapping[Replicate, float],
    margin: float | None,
) -> Comparison:
    one, base = groups[place], groups[other]
    layout = find_layout(by_pair, one.folds if one.folds == base.folds else 0)
    step = max(one.step(metric), base.step(metric))
    found = layout.estimate(by_pair, step=step)
    if not layout.refused:
        layout = replace(layout, refused=_unpaired(one, base, layout, metric) or _without_spread(found))
    fixed = layout.splits_vary and one.shares_test_part(layout.replicates)
    ratio = max(one.ratio(by_pair), base.ratio(by_pair))
    if layout.refused:
        new = mean_only(found.mean, found.n)
    elif layout.kind == "seeds" or fixed:
        new = _for_new_examples(one, base, layout, metric)
    else:
        new = layout.for_new_data(by_pair, ratio, step=step)
    above, below = (sum(1 for value in by_pair.values() if sign * value > 0) for sign in (1, -1))
    return Comparison(
        group=place,
        baseline=other,
        metric=metric,
        layout=layout,
        n=len(by_pair),
        estimate=found,
        sd=statistics.mean_and_sd(layout.per_unit(by_pair))[1] if layout.units else math.nan,
        new_data_estimate=new,
        test_part_is_fixed=fixed,
        ratio=ratio,
        wider=_wider(one, base, layout, metric, step),
        won=above if larger_is_better(metric) else below,
        tied=len(by_pair) - above - below,
        margin=margin,
    )


def _unpaired(one: RunGroup, base: RunGroup, layout: Layout, metric: str) -> str:
    """Return why runs with the same seed and split are no pairs; empty where they are, as far as sizes tell.

    Where splits vary, test parts may differ in size: each split draws them anew.
    """
    part = metric_part(metric)
    for replicate in layout.replicates if part != "train" else ():
        ours, theirs = ({run.examples(part) for run in group.records[replicate]} for group in (one, base))
        if ours != theirs and (layout.kind == "seeds" or len(ours) != len(theirs)):
            text = " and ".join(str(max(sizes)) for sizes in (ours, theirs))
            return f"their {part} parts are not the same examples ({text} of them at most), so that runs are no pairs"
    return ""


def _without_spread(found: Estimate) -> str:
    """Return why equal differences, as where seeds change nothing, are not judged; empty where they differ."""
    if found.se == 0 and found.mean != 0:
        return "all pairs differ by exactly the same number, and without a spread chance cannot be judged"
    return ""


def _for_new_examples(one: RunGroup, base: RunGroup, layout: Layout, metric: str) -> Estimate:
    """Return the estimate for new examples, from what each test example says; without a se where that is unknown."""
    units: list[Array] = []
    rows: Array | None = None
    for unit in layout.units:
        runs = []
        for run in unit:
            ours, theirs = one.example_scores(run, metric), base.example_scores(run, metric)
            if ours is None or theirs is None:
                return mean_only(math.nan, 0)
            rows = ours[0] if rows is None else rows
            if not (np.array_equal(rows, ours[0]) and np.array_equal(rows, theirs[0])):
                return mean_only(math.nan, 0)
            runs.append(ours[1] - theirs[1])
        units.append(np.mean(runs, axis=0))
    return estimate_new_examples(np.array(units), is_count=is_count(metric))


def _wider(one: RunGroup, base: RunGroup, layout: Layout, metric: str, step: float) -> float:
    """Return how many times the spread of one is that of the baseline, where the F test tells them apart."""
    from scipy import stats

    if layout.refused or layout.kind == "crossed":
        return math.nan
    ours, theirs = (
        layout.estimate({replicate: group.score(replicate, metric) for replicate in layout.replicates}, step=step)
        for group in (one, base)
    )
    if not (ours.sd > 0 and theirs.sd > 0):
        return math.nan
    ratio, df = ours.sd / theirs.sd, ours.n - 1
    return ratio if float(stats.f.sf(max(ratio, 1 / ratio) ** 2, df, df)) < UNEQUAL else math.nan
