"""What runs say together: a mean with its interval per group, and each group against a baseline at equal seeds."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dropout_cli import statistics
from dropout_cli.metrics import DEFAULT_METRIC, larger_is_better
from dropout_cli.statistics import Choice, Interval, Paired, Ranks
from dropout_cli.statistics.rules import FIRST, LATEST
from dropout_cli.sweeps.baselines import baselines
from dropout_cli.sweeps.records import Group, Record, Values, grouped, pooled_over
from dropout_cli.sweeps.replicates import Replicate

ALPHA = 0.05
DATASET = "dataset.name"


@dataclass(frozen=True)
class Mean:
    """A metric over the runs of a group."""

    n: int
    """The number of runs that have the metric."""
    averages: int
    """The number of averages over runs that share seed and split; mean, deviation and interval are taken of these."""
    mean: float
    sd: float
    interval: Interval


@dataclass(frozen=True)
class Comparison:
    """A group against its baseline."""

    group: int
    baseline: int
    paired: Paired
    p_holm: float
    smallest: float
    """What `p_holm` can be at best with these pairs; NaN where there is no bound."""
    verdict: str


@dataclass(frozen=True)
class Evidence:
    """All of it."""

    keys: tuple[str, ...]
    metric: str
    test: str
    margin: float | None
    groups: tuple[Group, ...]
    comparisons: tuple[Comparison, ...]
    chosen: Choice | None
    """On validation; None where there is nothing to choose between, or on."""
    ranks: tuple[list[Values], list[Any], Ranks] | None
    """Settings, datasets and their ranks, where several datasets were swept."""
    pooled: list[str] | None
    """The keys in which runs of one group differ; empty where runs repeat each other, None where only seeds differ."""
    baseline: Values | None
    """The baseline that was asked for."""
    rules: int
    """See `statistics.rules`."""

    @property
    def averages(self) -> bool:
        """Whether some runs share group, seed and split, and are averaged."""
        return any(len(records) > 1 for group in self.groups for records in group.records.values())

    def correction(self, *groups: Group, pairs: Sequence[Replicate] | None = None) -> float:
        """Return Nadeau and Bengio's correction for a group's mean; for a difference of two, the larger one."""
        if self.rules == FIRST:
            splits = {one.split_seed for group in self.groups for one in group.records}
            return self.groups[0].runs[0].split_ratio if len(splits) > 1 else 0.0
        return max(group.correction(pairs) for group in groups)

    def interval(self, group: Group, values: Sequence[float]) -> Interval:
        """Return the interval of the mean of values, one per seed and split of the group."""
        return statistics.t_interval(values, split_ratio=self.correction(group), rules=self.rules)

    def mean(self, group: Group, metric: str) -> Mean:
        """The metric over the group's runs; NaN without any."""
        values = group.scores(metric)
        mean, sd = statistics.moments(values, rules=self.rules) if values else (math.nan, math.nan)
        runs = sum(not math.isnan(record.score(metric)) for record in group.runs)
        return Mean(runs, len(values), mean, sd, self.interval(group, values))

    @property
    def uncompared(self) -> list[Group]:
        """The groups that are neither a baseline nor compared with one; none where there is a single group."""
        told = {place for one in self.comparisons for place in (one.group, one.baseline)}
        if not told and len(self.groups) > 1:
            found = baselines([group.values for group in self.groups], self.keys, self.baseline, self.rules)
            told = {place for place, other in enumerate(found) if place == other}
        return [group for place, group in enumerate(self.groups) if place not in told] if len(self.groups) > 1 else []


def weigh(
    records: Sequence[Record],
    keys: Sequence[str],
    *,
    metric: str,
    baseline: Values | None = None,
    margin: float | None = None,
    test: str = "sign_flip",
    rules: int = LATEST,
) -> Evidence:
    """Group the records by `keys` and compare the groups. Raises UsageError where the baseline is none of them.

    Of regressions, the default metric is `test.rmse`. For `rules`, see `statistics.rules`.
    """
    if metric == DEFAULT_METRIC and records and all("rmse" in (one.summary.get("test") or {}) for one in records):
        metric = "test.rmse"
    groups = grouped(records, keys, rules)
    weighed = Evidence(
        keys=tuple(keys),
        metric=metric,
        test=test,
        margin=margin,
        groups=groups,
        comparisons=(),
        chosen=_choice(groups, metric),
        ranks=_ranks(groups, metric),
        pooled=pooled_over(groups),
        baseline=baseline,
        rules=rules,
    )
    return replace(weighed, comparisons=tuple(_comparisons(weighed)))


def _comparisons(weighed: Evidence) -> list[Comparison]:
    """Every group against its baseline, where they share a seed."""
    larger, groups = larger_is_better(weighed.metric), weighed.groups
    found: list[tuple[int, int, Paired]] = []
    values = [group.values for group in groups]
    for place, other in enumerate(baselines(values, weighed.keys, weighed.baseline, weighed.rules)):
        if other is None or other == place:
            continue
        one, base = groups[place], groups[other]
        scores = {
            pair: (one.score(pair, weighed.metric), base.score(pair, weighed.metric))
            for pair in one.records
            if pair in base.records
        }
        pairs = [pair for pair, (a, b) in scores.items() if not math.isnan(a + b)]
        if pairs:
            settings: dict[str, Any] = {"test": weighed.test, "larger_is_better": larger, "rules": weighed.rules}
            settings["split_ratio"] = weighed.correction(one, base, pairs=pairs)
            ours, theirs = zip(*(scores[pair] for pair in pairs), strict=True)
            found.append((place, other, statistics.compare(ours, theirs, **settings)))
    adjusted = statistics.holm([paired.test.p for _, _, paired in found])
    smallest = statistics.holm([paired.test.smallest for _, _, paired in found])
    return [
        Comparison(place, other, paired, p, least, _verdict(paired, p, weighed.margin, larger, weighed.rules))
        for (place, other, paired), p, least in zip(found, adjusted, smallest, strict=True)
    ]


def _verdict(paired: Paired, p: float, margin: float | None, larger: bool, rules: int) -> str:
    """In words; never that two settings are equal."""
    small = margin is not None and -margin < paired.interval.low and paired.interval.high < margin
    if p < ALPHA and not (small and rules > FIRST):
        return "better" if (paired.mean > 0) == larger else "worse"
    return f"within {margin:g}" if small else "no difference shown"


def _choice(groups: Sequence[Group], metric: str) -> Choice | None:
    """The group that is best on validation, over the seeds that all groups have."""
    number = metric.partition(".")[2]
    if len({group.values.get(DATASET) for group in groups}) > 1:  # what is best on which data is not a choice
        return None
    shared = [pair for pair in groups[0].records if all(pair in group.records for group in groups)] if groups else []
    val = [[group.score(pair, f"val.{number}") for pair in shared] for group in groups]
    if len(groups) < 2 or not shared or any(math.isnan(one) for row in val for one in row):
        return None
    return statistics.choose(val, larger_is_better=larger_is_better(metric))


def _ranks(groups: Sequence[Group], metric: str) -> tuple[list[Values], list[Any], Ranks] | None:
    """Where several datasets were swept, and every setting on all of them."""
    datasets = list(dict.fromkeys(group.values.get(DATASET) for group in groups))
    cells: dict[str, dict[Any, float]] = {}
    settings: dict[str, Values] = {}
    for group in groups:
        setting = {key: value for key, value in group.values.items() if key != DATASET}
        scores = group.scores(metric)
        name, mean = json.dumps(setting), statistics.moments(scores)[0] if scores else math.nan
        settings[name] = setting
        cells.setdefault(name, {})[group.values.get(DATASET)] = mean
    table = [[row.get(dataset, math.nan) for row in cells.values()] for dataset in datasets]
    if len(datasets) < 2 or len(cells) < 2 or any(math.isnan(one) for row in table for one in row):
        return None
    ranks = statistics.friedman(table, larger_is_better=larger_is_better(metric))
    return list(settings.values()), datasets, ranks
