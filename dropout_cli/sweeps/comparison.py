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
from dropout_cli.metrics import larger_is_better
from dropout_cli.statistics import Interval
from dropout_cli.statistics.intervals import NO_INTERVAL
from dropout_cli.statistics.sequential_decisions import interval_at_level
from dropout_cli.statistics.t_test import Estimate, mean_only
from dropout_cli.sweeps.baselines import find_baselines
from dropout_cli.sweeps.layouts import Layout
from dropout_cli.sweeps.pairs import (
    differences_of_pairs,
    estimate_for_new_examples,
    paired_estimate,
    ratio_of_spreads,
    smallest_step,
)
from dropout_cli.sweeps.permutation import NO_TEST, PermutationPValues, TestName, permutation_tests
from dropout_cli.sweeps.records import RunGroup, Values
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.until_sure.levels import SequentialLevel, SequentialRule

ALPHA = 0.05
"""The significance level: 1 - 0.95, of the 95 % intervals."""
BETTER, WORSE, NOT_DECIDED = "better", "worse", "not decided"


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
    sequential: SequentialLevel | None = None
    """The level that accounts for several looks at the results; None: one look, which was planned."""

    @property
    def refused(self) -> str:
        """Return the reason why there is no verdict; empty if there is one."""
        return self.layout.refused

    @property
    def p(self) -> float:
        """Return the p-value without correction; NaN without a verdict, or after several looks."""
        return math.nan if self.refused or self.sequential is not None else self.estimate.p()

    @property
    def p_bonferroni(self) -> float:
        """Return the p-value with Bonferroni's correction; NaN where `p` is NaN."""
        return math.nan if math.isnan(self.p) else self.estimate.p(comparisons=self.family)

    @cached_property
    def interval(self) -> Interval:
        """Return the 95 % interval with Bonferroni's correction; NaN if there is no verdict."""
        return NO_INTERVAL if self.refused else self._interval(self.estimate)

    @cached_property
    def new_data(self) -> Interval:
        """Return the interval for new data with the same correction; it contains `interval`."""
        if self.refused or math.isnan(self.new_data_estimate.se):
            return NO_INTERVAL
        return statistics.union_interval(self.interval, self._interval(self.new_data_estimate))

    def _interval(self, estimate: Estimate) -> Interval:
        """Return the interval of an estimate at the corrected level."""
        if self.sequential is None:
            return estimate.interval(comparisons=self.family)
        # The function that decides whether a setting is trained further, so that no rounding can tell them apart.
        ends = interval_at_level(*map(np.array, (estimate.mean, estimate.se, estimate.df, self.sequential.p)))
        return Interval(*map(float, ends))

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
        """Return the Wilson interval of the fraction of pairs won; ties do not count.

        NaN after several looks, which it does not account for.
        """
        untied = self.n - self.tied
        return statistics.wilson_interval(self.won, untied) if untied and self.sequential is None else NO_INTERVAL

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
    sequential: SequentialRule | None = None,
) -> tuple[Comparison, ...]:
    """Compare every group with its baseline by each metric.

    Args:
        groups: All groups; those without a replicate of their baseline are left out.
        keys: The keys that tell groups apart.
        metrics: The metrics; all comparisons are corrected together.
        baseline: Key -> value of the baseline; None: the default one.
        margin: Smaller differences do not matter; None: no margin.
        test: A permutation test in addition; `t`: none.
        sequential: The rule for levels that account for several looks; None: one look.

    Raises:
        UsageError: No group is the baseline.
    """
    comparisons: list[Comparison] = []
    differences: list[Mapping[Replicate, float]] = []
    for metric in metrics:
        for index, base in enumerate(find_baselines([group.values for group in groups], keys, baseline)):
            if base is None or base == index:
                continue
            by_pair = differences_of_pairs(groups[index], groups[base], metric)
            if by_pair:
                comparisons.append(_compare_pair(index, base, groups, metric, by_pair, margin))
                differences.append(by_pair)
    if sequential is not None:
        count = len(comparisons)
        return tuple(_at_level(one, groups, sequential, count) for one in comparisons)
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


def _at_level(comparison: Comparison, groups: Sequence[RunGroup], rule: SequentialRule, comparisons: int) -> Comparison:
    """Return a comparison at the level that accounts for several looks."""
    names = [record.name for place in (comparison.group, comparison.baseline) for record in groups[place].runs]
    layout = comparison.layout
    level = rule.level_of_difference(names, comparison.estimate.n, layout.kind, comparisons)
    if isinstance(level, str):
        refused = replace(layout, refused=layout.refused or level)
        return replace(comparison, layout=refused, sequential=SequentialLevel(math.nan))
    return replace(comparison, family=level.comparisons, sequential=level)


def _compare_pair(
    index: int,
    base_index: int,
    groups: Sequence[RunGroup],
    metric: str,
    by_pair: Mapping[Replicate, float],
    margin: float | None,
) -> Comparison:
    group, base = groups[index], groups[base_index]
    layout, estimate = paired_estimate(group, base, metric, by_pair)
    fixed = layout.splits_vary and group.shares_test_part(layout.replicates)
    # The larger ratio gives the wider interval for new data.
    ratio = max(group.ratio(by_pair), base.ratio(by_pair))
    if layout.refused:
        new = mean_only(estimate.mean, estimate.n)
    elif layout.kind == "seeds" or fixed:
        new = estimate_for_new_examples(group, base, layout, metric)
    else:
        new = layout.for_new_data(by_pair, ratio, step=smallest_step(group, base, metric))
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
        wider=ratio_of_spreads(group, base, layout, metric),
        won=above if larger_is_better(metric) else below,
        tied=len(by_pair) - above - below,
        margin=margin,
    )
