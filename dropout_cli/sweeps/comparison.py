"""Comparisons of settings with a baseline: paired differences, intervals and verdicts.

Interval, p-value and verdict come from one t procedure, so that they cannot contradict each other. The layout of seeds
and splits (`sweeps.layouts`) decides its unit, and Bonferroni's correction is for the number of comparisons. A
permutation test of `--test` is shown in addition and does not change the verdict.
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
from dropout_cli.statistics.intervals import NO_INTERVAL
from dropout_cli.statistics.t_test import Estimate, estimate_new_examples, mean_only
from dropout_cli.sweeps.baselines import find_baselines
from dropout_cli.sweeps.layouts import Layout, find_layout
from dropout_cli.sweeps.permutation import NO_TEST, PermutationPValues, TestName, permutation_tests
from dropout_cli.sweeps.records import RunGroup, Values
from dropout_cli.sweeps.replicates import Replicate

ALPHA = 0.05
"""The significance level: 1 - 0.95, of the 95 % intervals."""
BETTER, WORSE, NOT_DECIDED = "better", "worse", "not decided"
UNEQUAL = 0.005
"""Two settings have unequal spreads if the ratio of their variances is in this tail of the F distribution."""


@dataclass(frozen=True)
class Comparison:
    """The comparison of a group with its baseline by one metric."""

    group: int
    """Index of the group."""
    baseline: int
    """Index of its baseline."""
    metric: str
    layout: Layout
    n: int
    """Number of pairs of runs."""
    estimate: Estimate
    """The mean difference, group minus baseline, with its standard error."""
    sd: float
    """Standard deviation of the units' differences; only `estimate` has the lower limit for accuracies."""
    new_data_estimate: Estimate
    """The estimate for new data, or for new examples if all runs share a test part; its se is NaN if unknown."""
    test_part_is_fixed: bool
    """True if splits vary, but not the test part."""
    ratio: float
    """Ratio of test to training examples."""
    wider: float
    """Spread of the group divided by that of the baseline; NaN unless they differ significantly."""
    won: int
    """Number of pairs in which the group is better."""
    tied: int
    """Number of pairs with equal values."""
    margin: float | None
    """Smaller differences do not matter; None: no margin."""
    family: int = 1
    """Number of comparisons that the intervals and p-values are corrected for."""
    p_holm: float = math.nan
    """The p-value with Holm's correction."""
    requested: PermutationPValues = NO_TEST
    """The p-values of the permutation test of `--test`."""

    @property
    def refused(self) -> str:
        """Return the reason why there is no verdict; empty if there is one."""
        return self.layout.refused

    @property
    def p(self) -> float:
        """Return the p-value without correction; NaN if there is no verdict."""
        return math.nan if self.refused else self.estimate.p()

    @property
    def p_bonferroni(self) -> float:
        """Return the p-value with Bonferroni's correction; NaN if there is no verdict."""
        return math.nan if self.refused else self.estimate.p(comparisons=self.family)

    @cached_property
    def interval(self) -> Interval:
        """Return the 95 % interval with Bonferroni's correction; NaN if there is no verdict."""
        return NO_INTERVAL if self.refused else self.estimate.interval(comparisons=self.family)

    @cached_property
    def new_data(self) -> Interval:
        """Return the interval for new data with the same correction; it contains `interval`."""
        if self.refused or math.isnan(self.new_data_estimate.se):
            return NO_INTERVAL
        return statistics.union_interval(self.interval, self.new_data_estimate.interval(comparisons=self.family))

    @property
    def larger_is_better(self) -> bool:
        """True if a positive difference is an improvement."""
        return larger_is_better(self.metric)

    @property
    def is_equal(self) -> bool:
        """True if the interval is completely inside the margin."""
        return self.margin is not None and -self.margin < self.interval.low and self.interval.high < self.margin

    @property
    def verdict(self) -> str:
        """Return BETTER, WORSE, `equal within M` or NOT_DECIDED, by the interval."""
        low, high = self.interval
        # The margin comes first: a difference that does not matter is equal, even if its interval excludes 0.
        if self.is_equal:
            return f"equal within {self.margin:g}"
        if low > 0 or high < 0:
            return BETTER if (low > 0) == self.larger_is_better else WORSE
        return NOT_DECIDED

    @property
    def shown_for_new_data(self) -> bool:
        """True if the interval for new data gives the same verdict; False if nothing is decided."""
        low, high = self.new_data
        if self.is_equal:
            return self.margin is not None and -self.margin < low and high < self.margin
        return (low > 0 and self.interval.low > 0) or (high < 0 and self.interval.high < 0)

    @property
    def identical(self) -> bool:
        """True if the two runs of every pair have the same value."""
        return self.tied == self.n

    @property
    def won_interval(self) -> Interval:
        """Return the Wilson interval of the fraction of pairs won; ties do not count."""
        untied = self.n - self.tied
        return statistics.wilson_interval(self.won, untied) if untied else NO_INTERVAL

    @property
    def effect(self) -> float:
        """Return Cohen's d_z of the units; NaN for crossed layouts or equal differences."""
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
    """Compare every group with its baseline by each metric.

    Args:
        groups: All groups; those without a replicate of their baseline are left out.
        keys: The keys that tell groups apart.
        metrics: The metrics; all comparisons are corrected together.
        baseline: Key -> value of the baseline; None: the default one.
        margin: Smaller differences do not matter; None: no margin.
        test: A permutation test in addition; `t`: none.

    Raises:
        UsageError: No group is the baseline.
    """
    comparisons: list[Comparison] = []
    differences: list[Mapping[Replicate, float]] = []
    for metric in metrics:
        for index, base in enumerate(find_baselines([group.values for group in groups], keys, baseline)):
            if base is None or base == index:
                continue
            by_pair = _differences(groups[index], groups[base], metric)
            if by_pair:
                comparisons.append(_compare_pair(index, base, groups, metric, by_pair, margin))
                differences.append(by_pair)
    # Comparisons without a verdict cannot be wrong, so that they do not count.
    family = max(1, sum(not math.isnan(comparison.p) for comparison in comparisons))
    holm = statistics.holm_adjust([comparison.p for comparison in comparisons])
    requested = permutation_tests(
        [(comparison.metric, comparison.baseline, comparison.layout) for comparison in comparisons], differences, test
    )
    return tuple(
        replace(comparison, family=family, p_holm=p, requested=test)
        for comparison, p, test in zip(comparisons, holm, requested, strict=True)
    )


def _differences(group: RunGroup, base: RunGroup, metric: str) -> dict[Replicate, float]:
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


def _compare_pair(
    index: int,
    base_index: int,
    groups: Sequence[RunGroup],
    metric: str,
    by_pair: Mapping[Replicate, float],
    margin: float | None,
) -> Comparison:
    group, base = groups[index], groups[base_index]
    layout = find_layout(by_pair, group.folds if group.folds == base.folds else 0)
    step = max(group.step(metric), base.step(metric))
    estimate = layout.estimate(by_pair, step=step)
    if not layout.refused:
        layout = replace(layout, refused=_unpaired(group, base, layout, metric) or _without_spread(estimate))
    fixed = layout.splits_vary and group.shares_test_part(layout.replicates)
    # The larger ratio gives the wider interval for new data.
    ratio = max(group.ratio(by_pair), base.ratio(by_pair))
    if layout.refused:
        new = mean_only(estimate.mean, estimate.n)
    elif layout.kind == "seeds" or fixed:
        new = _for_new_examples(group, base, layout, metric)
    else:
        new = layout.for_new_data(by_pair, ratio, step=step)
    above, below = (sum(1 for value in by_pair.values() if sign * value > 0) for sign in (1, -1))
    return Comparison(
        group=index,
        baseline=base_index,
        metric=metric,
        layout=layout,
        n=len(by_pair),
        estimate=estimate,
        sd=statistics.mean_and_sd(layout.per_unit(by_pair))[1] if layout.units else math.nan,
        new_data_estimate=new,
        test_part_is_fixed=fixed,
        ratio=ratio,
        wider=_wider(group, base, layout, metric, step),
        won=above if larger_is_better(metric) else below,
        tied=len(by_pair) - above - below,
        margin=margin,
    )


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


def _for_new_examples(group: RunGroup, base: RunGroup, layout: Layout, metric: str) -> Estimate:
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


def _wider(group: RunGroup, base: RunGroup, layout: Layout, metric: str, step: float) -> float:
    """Return the ratio of the two spreads; NaN unless the F test finds a difference."""
    from scipy import stats

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
