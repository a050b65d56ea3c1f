"""The comparison of many runs.

It has the mean of each setting, its comparison with a baseline, and the setting that is best on validation.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from dropout_cli import statistics
from dropout_cli.core.types import Array
from dropout_cli.metrics import DEFAULT_METRIC, larger_is_better, metric_name
from dropout_cli.statistics import Ranks, argbest, selection_bias
from dropout_cli.statistics.t_test import MIN_UNITS
from dropout_cli.sweeps.baselines import find_baselines
from dropout_cli.sweeps.comparison import Comparison, compare_groups
from dropout_cli.sweeps.layouts import Layout, find_layout
from dropout_cli.sweeps.means import GroupMean, group_mean
from dropout_cli.sweeps.permutation import TestName
from dropout_cli.sweeps.records import RunGroup, RunRecord, Values, group_runs, keys_averaged_over
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.until_sure.levels import SequentialRule

DATASET = "dataset.name"


class IncompleteSetting(NamedTuple):
    """A setting of which some planned runs are not complete."""

    values: Values
    complete: int
    planned: int
    failed: int = 0

    @property
    def untrained(self) -> int:
        """The number of runs that are neither complete nor failed."""
        return self.planned - self.complete - self.failed


@dataclass(frozen=True)
class ValidationChoice:
    """The group that is best on validation."""

    best: int
    layout: Layout
    """The layout of the replicates that all groups have; the choice uses only these."""
    optimism: float
    """The selection bias: how much too good its validation mean is on average; NaN if it cannot be estimated."""
    how: str
    """How the optimism was estimated."""
    is_lower_bound: bool = False
    """True if runs share one validation part and scores of examples are not stored: the estimate is then too small."""


@dataclass(frozen=True)
class SweepComparison:
    """All results of comparing the runs of a sweep, or the runs of `dropout compare`."""

    keys: tuple[str, ...]
    metrics: tuple[str, ...]
    """The metrics by which runs are compared, the main one first."""
    test: TestName
    margin: float | None
    groups: tuple[RunGroup, ...]
    comparisons: tuple[Comparison, ...]
    """The comparisons by all metrics; `comparisons_by` returns those by one."""
    chosen: ValidationChoice | None
    """The best setting on validation.

    None without several settings or a validation part, and if `too_few_pairs`.
    """
    ranks: tuple[list[Values], list[Any], Ranks] | None
    """Settings, datasets and ranks, if several datasets were swept; else None."""
    pooled: list[str] | None
    """The keys in which runs of one group differ; empty if runs only repeat each other, None if only seeds differ."""
    baseline: Values | None
    """Key -> value of the chosen baseline; None: the default one."""
    looks: tuple[int, ...]
    """The number of runs at each earlier look at the tables."""
    judged_by: tuple[str, ...]
    """Other metrics by which the tables were written before."""
    lacking: tuple[IncompleteSetting, ...] = ()
    """The settings without some of their runs."""
    too_few_pairs: bool = False
    """True if runs are missing, and the settings have too few pairs of seed and split in common to name a best one."""
    sequential: SequentialRule | None = None
    """The rule for levels that account for several looks; None: one look, which was planned."""

    @property
    def records(self) -> list[RunRecord]:
        """All runs."""
        return [record for group in self.groups for record in group.runs]

    @property
    def metric(self) -> str:
        """The main metric."""
        return self.metrics[0]

    @cached_property
    def main(self) -> tuple[Comparison, ...]:
        """The comparisons by the main metric."""
        return self.comparisons_by(self.metric)

    def comparisons_by(self, metric: str) -> tuple[Comparison, ...]:
        """Return the comparisons by one metric."""
        return tuple(comparison for comparison in self.comparisons if comparison.metric == metric)

    def comparison_of(self, place: int) -> Comparison | None:
        """Return the comparison of the group with this index by the main metric; None without one."""
        return next((comparison for comparison in self.main if comparison.group == place), None)

    @property
    def averages(self) -> bool:
        """True if some runs have the same setting, seed and split, so that they are averaged."""
        return any(len(records) > 1 for group in self.groups for records in group.records.values())

    def mean(self, group: RunGroup, metric: str) -> GroupMean:
        """Return the mean of a metric over the group's runs; NaN if no run has it."""
        place = next(place for place, one in enumerate(self.groups) if one is group)
        if (place, metric) not in self._means:
            self._means[place, metric] = group_mean(group, metric, self.sequential)
        return self._means[place, metric]

    @property
    def common_pairs(self) -> int:
        """The number of pairs of seed and split that all settings have."""
        return len(_common(self.groups))

    @property
    def choice_leaves_out(self) -> bool:
        """True if the choice of the best setting leaves out runs, because not all settings have their pair."""
        used = 0 if self.chosen is None else len(self.chosen.layout.replicates)
        return self.chosen is not None and any(len(group.records) != used for group in self.groups)

    def chosen_mean(self, group: RunGroup, metric: str) -> GroupMean:
        """Return the mean of a metric over the runs by which the best setting was chosen."""
        if self.chosen is None or not self.choice_leaves_out:
            return self.mean(group, metric)
        used = {one: group.records[one] for one in self.chosen.layout.replicates}
        return group_mean(RunGroup(group.values, used), metric, self.sequential)

    @cached_property
    def _means(self) -> dict[tuple[int, str], GroupMean]:
        """The means that `mean` has computed, by index of the group and metric."""
        return {}

    @cached_property
    def uncompared(self) -> list[RunGroup]:
        """The groups that are neither a baseline nor compared with one."""
        known = {place for comparison in self.main for place in (comparison.group, comparison.baseline)}
        if not known and len(self.groups) > 1:
            found = find_baselines([group.values for group in self.groups], self.keys, self.baseline)
            known = {place for place, other in enumerate(found) if place == other}
        return [group for place, group in enumerate(self.groups) if place not in known] if len(self.groups) > 1 else []


def compare_runs(
    records: Sequence[RunRecord],
    keys: Sequence[str],
    settings: ComparisonSettings,
    *,
    looks: Sequence[int] = (),
    judged_by: Sequence[str] = (),
    lacking: Sequence[IncompleteSetting] = (),
    sequential: SequentialRule | None = None,
) -> SweepComparison:
    """Group runs by the values of `keys`, and compare the groups.

    Args:
        records: Complete runs.
        keys: The keys that tell groups apart.
        settings: How the groups are compared.
        looks: The number of runs at each earlier look.
        judged_by: The metrics by which the runs were compared before.
        lacking: The settings without some of their runs.
        sequential: The rule for levels that account for several looks; None: one look.

    Raises:
        UsageError: No group is the baseline, or several are.
    """
    settings = replace(settings, metric=metric_of_task(settings.metric, records))
    judged_by = [metric_of_task(one, records) for one in judged_by]
    groups, metrics = group_runs(records, keys), settings.metrics
    chosen, common = _choose_on_validation(groups, settings.metric), len(_common(groups))
    # A complete sweep with one or two seeds names its best setting. While runs are missing, a setting could seem the
    # best one only because of the pairs that happen to be complete.
    is_partial = bool(lacking) or any(len(group.records) != common for group in groups)
    too_few = is_partial and common < MIN_UNITS and _may_choose(groups, settings.metric)
    return SweepComparison(
        keys=tuple(keys),
        metrics=metrics,
        test=settings.test,
        margin=settings.margin,
        groups=groups,
        comparisons=compare_groups(
            groups,
            keys,
            metrics,
            baseline=settings.baseline,
            margin=settings.margin,
            test=settings.test,
            sequential=sequential,
        ),
        chosen=None if too_few else chosen,
        ranks=_ranks(groups, settings.metric),
        pooled=keys_averaged_over(groups),
        baseline=settings.baseline,
        looks=tuple(looks),
        judged_by=tuple(one for one in judged_by if one not in metrics),
        lacking=tuple(lacking),
        too_few_pairs=too_few,
        sequential=sequential,
    )


def metric_of_task(metric: str, records: Sequence[RunRecord]) -> str:
    """Return the metric; for the default one test.rmse if all runs are regressions."""
    regression = bool(records) and all("rmse" in (one.summary.get("test") or {}) for one in records)
    return "test.rmse" if regression and metric == DEFAULT_METRIC else metric


def _common(groups: Sequence[RunGroup]) -> list[Replicate]:
    """Return the replicates that all groups have."""
    return [one for one in groups[0].records if all(one in group.records for group in groups)] if groups else []


def _may_choose(groups: Sequence[RunGroup], metric: str) -> bool:
    """Return True if more runs could choose a best setting among several, by validation."""
    val = f"val.{metric_name(metric)}"
    one_dataset = len({group.values.get(DATASET) for group in groups}) == 1
    return len(groups) > 1 and one_dataset and all(group.scores(val) for group in groups)


def _choose_on_validation(groups: Sequence[RunGroup], metric: str) -> ValidationChoice | None:
    """Return the group that is best on validation, over the replicates that all groups have."""
    val = f"val.{metric_name(metric)}"
    if len(groups) < 2 or len({group.values.get(DATASET) for group in groups}) > 1:
        return None  # metrics of different datasets are not comparable, so there is no best setting
    shared = _common(groups)
    values = [{one: group.score(one, val) for one in shared} for group in groups]
    if not shared or any(math.isnan(one) for row in values for one in row.values()):
        return None
    folds = {group.folds for group in groups}
    layout = find_layout(shared, folds.pop() if len(folds) == 1 else 0)
    larger = larger_is_better(metric)
    units: Array = np.array([layout.per_unit(row) for row in values]) * (1 if larger else -1)
    # From here on, larger values are better.
    best = argbest(units.mean(axis=1).tolist())
    # Leaving out one unit needs independent units.
    if layout.kind not in ("seeds", "splits", "nested"):
        return ValidationChoice(best, layout, math.nan, "")
    by_example = _by_example(groups, layout, val) if layout.kind == "seeds" else None
    if by_example is not None:
        optimism = selection_bias.optimism_crossed(by_example * (1 if larger else -1))
        return ValidationChoice(
            best, layout, optimism, "leaving out one seed and a fifth of the validation examples at a time"
        )
    unit = "seed" if layout.kind == "seeds" else "division" if layout.folds else "split"
    how = f"leaving out one {unit} at a time"
    return ValidationChoice(best, layout, selection_bias.optimism_leave_one_out(units), how, layout.kind == "seeds")


def _by_example(groups: Sequence[RunGroup], layout: Layout, val: str) -> Array | None:
    """Return the score of each validation example; None if they are not stored.

    The shape is (settings, seeds, examples).
    """
    found = [[group.example_scores(run, val) for unit in layout.units for run in unit] for group in groups]
    known = [one for row in found for one in row if one is not None]
    if len(known) < sum(map(len, found)) or any(not np.array_equal(rows, known[0][0]) for rows, _ in known):
        return None
    return np.array([[one[1] for one in row if one is not None] for row in found])


def _ranks(groups: Sequence[RunGroup], metric: str) -> tuple[list[Values], list[Any], Ranks] | None:
    """Return the ranks of settings over datasets; None unless every setting has all datasets."""
    datasets = list(dict.fromkeys(group.values.get(DATASET) for group in groups))
    cells: dict[str, dict[Any, float]] = {}
    settings: dict[str, Values] = {}
    for group in groups:
        setting = {key: value for key, value in group.values.items() if key != DATASET}
        scores = group.scores(metric)
        name, mean = json.dumps(setting), statistics.mean_and_sd(scores)[0] if scores else math.nan
        settings[name] = setting
        cells.setdefault(name, {})[group.values.get(DATASET)] = mean
    table = [[row.get(dataset, math.nan) for row in cells.values()] for dataset in datasets]
    if len(datasets) < 2 or len(cells) < 2 or any(math.isnan(one) for row in table for one in row):
        return None
    ranks = statistics.friedman(table, larger_is_better=larger_is_better(metric))
    return list(settings.values()), datasets, ranks
