"""The comparison of settings over several datasets: ranks, pairs and aggregates.

The datasets are the units here: each gives one mean per setting. Friedman's test asks if all settings rank alike, by
permuting the settings within each dataset. Wilcoxon's signed-rank test compares two settings, with Holm's correction
for all pairs. Interquartile mean and probability of improvement use the single runs.

References:
    Demsar 2006, JMLR 7:1-30. Agarwal et al. 2021, arXiv:2108.13264.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from dropout_cli import statistics
from dropout_cli.core.types import Array
from dropout_cli.metrics import csv_bytes, is_share, larger_is_better
from dropout_cli.statistics import Ranks, aggregate, ranks
from dropout_cli.statistics.differences import paired_differences
from dropout_cli.statistics.intervals import NO_INTERVAL, Interval
from dropout_cli.sweeps.records import RunGroup, Values, setting_label

DATASET = "dataset.name"
MIN_RUNS = 5
"""With fewer runs per dataset, bootstrap intervals of the aggregates cover too little."""
LEVEL = 0.05


class SettingPair(NamedTuple):
    """Wilcoxon's signed-rank test of two settings over the datasets."""

    first: int
    """Index of a setting."""
    second: int
    p: float
    p_holm: float
    """With Holm's correction for all pairs."""


class DatasetAggregate(NamedTuple):
    """Aggregates of a setting over all runs on all datasets."""

    iqm: float
    """Interquartile mean; NaN unless the metric is a share, which has one scale on all datasets."""
    iqm_interval: Interval
    improvement: float
    """Probability that a run is better than one of the baseline on the same dataset; NaN for the baseline."""
    improvement_interval: Interval


@dataclass(frozen=True)
class DatasetComparison:
    """Settings compared over datasets."""

    metric: str
    settings: list[Values]
    datasets: list[Any]
    ranks: Ranks
    p_permutation: float
    """p-value of Friedman's test by permutation."""
    pairs: tuple[SettingPair, ...]
    baseline: int | None
    """Index of the setting that the others are compared with; None if it differs between datasets."""
    aggregates: tuple[DatasetAggregate, ...]
    """One per setting; empty if the settings have different numbers of runs on some datasets."""
    runs: int
    """Runs per setting and dataset; the smallest number if they differ."""

    def names(self) -> list[str]:
        """Return the labels of the settings."""
        return [setting_label(setting) for setting in self.settings]

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison for JSON; NaN becomes None."""
        each = self.aggregates or [None] * len(self.settings)
        return {
            "datasets": list(self.datasets),
            "settings": [
                {
                    "values": dict(setting),
                    "rank": rank,
                    **({} if one is None else {key: _without_nan(value) for key, value in one._asdict().items()}),
                }
                for setting, rank, one in zip(self.settings, self.ranks.average, each, strict=True)
            ],
            "friedman_p": _without_nan(self.p_permutation),
            "critical_difference": self.ranks.critical_difference,
            "pairs": [pair._asdict() for pair in self.pairs],
        }


def _without_nan(value: float | Interval) -> Any:
    """Return a number, or the ends of an interval; None for NaN."""
    if isinstance(value, Interval):
        return [_without_nan(end) for end in value]
    return None if math.isnan(value) else value


def compare_over_datasets(
    groups: Sequence[RunGroup], metric: str, baselines: Sequence[tuple[int, int]]
) -> DatasetComparison | None:
    """Compare settings over several datasets.

    Args:
        groups: All groups.
        metric: The metric.
        baselines: Index of each compared group and of its baseline.

    Returns:
        The comparison; None unless there are two datasets and two settings, with runs of every setting on every one.
    """
    datasets = list(dict.fromkeys(group.values.get(DATASET) for group in groups))
    cells: dict[str, dict[Any, list[float]]] = {}
    settings: dict[str, Values] = {}
    for group in groups:
        name = _key(group)
        settings[name] = {key: value for key, value in group.values.items() if key != DATASET}
        cells.setdefault(name, {})[group.values.get(DATASET)] = group.scores(metric)
    scores = [[row.get(dataset, []) for row in cells.values()] for dataset in datasets]
    if len(datasets) < 2 or len(cells) < 2 or not all(one for row in scores for one in row):
        return None
    table: Array = np.array([[statistics.mean_and_sd(one)[0] for one in row] for row in scores])
    if np.isnan(table).any():
        return None
    sign = 1 if larger_is_better(metric) else -1
    base = _baseline(groups, list(cells), baselines)
    runs = [len(one) for row in scores for one in row]
    return DatasetComparison(
        metric,
        list(settings.values()),
        datasets,
        statistics.friedman(table.tolist(), larger_is_better=sign > 0),
        ranks.friedman_permutation_p(sign * table) if len(cells) > 2 else math.nan,
        _pairs(table),
        base,
        _aggregates(sign * np.array(scores), metric, base, sign) if len(set(runs)) == 1 else (),
        min(runs),
    )


def _key(group: RunGroup) -> str:
    """Return the values of a group without its dataset, as a text."""
    return json.dumps({key: value for key, value in group.values.items() if key != DATASET})


def _baseline(groups: Sequence[RunGroup], keys: Sequence[str], baselines: Sequence[tuple[int, int]]) -> int | None:
    """Return the index of the common baseline; None if there is not exactly one."""
    found = {_key(groups[base]) for _, base in baselines}
    return keys.index(found.pop()) if len(found) == 1 else None


def _pairs(table: Array) -> tuple[SettingPair, ...]:
    """Return Wilcoxon's test of every pair of settings.

    Args:
        table: (datasets, settings) means.
    """
    places = list(combinations(range(table.shape[1]), 2))
    p_values = [_signed_rank(paired_differences(table[:, one], table[:, other])) for one, other in places]
    holm = statistics.holm_adjust(p_values)
    return tuple(SettingPair(*pair, p, q) for pair, p, q in zip(places, p_values, holm, strict=True))


def _signed_rank(differences: Array) -> float:
    """Return the exact p-value; with many datasets the one of the normal approximation."""
    if np.count_nonzero(differences) <= ranks.MAX_SIGNS:
        return ranks.signed_rank_p(differences)
    from scipy import stats

    return float(stats.wilcoxon(differences, method="asymptotic").pvalue)


def _aggregates(scores: Array, metric: str, base: int | None, sign: int) -> tuple[DatasetAggregate, ...]:
    """Return the aggregates of each setting.

    Args:
        scores: (datasets, settings, runs), larger is better.
        metric: The metric.
        base: Index of the baseline.
        sign: -1 if the scores are negative metrics.
    """
    by_setting = [scores[:, place].T for place in range(scores.shape[1])]
    enough = scores.shape[2] >= MIN_RUNS
    found = []
    for place, one in enumerate(by_setting):
        iqm, improvement = math.nan, math.nan
        iqm_interval = improvement_interval = NO_INTERVAL
        if is_share(metric):
            iqm = sign * aggregate.interquartile_mean(one)
            if enough:
                ends = aggregate.stratified_bootstrap(aggregate.interquartile_mean, one)
                iqm_interval = ends if sign > 0 else Interval(-ends.high, -ends.low)
        if base is not None and place != base:
            improvement = aggregate.probability_of_improvement(one, by_setting[base])
            if enough:
                improvement_interval = aggregate.stratified_bootstrap(
                    aggregate.probability_of_improvement, one, by_setting[base]
                )
        found.append(DatasetAggregate(iqm, iqm_interval, improvement, improvement_interval))
    return tuple(found)


def datasets_needed(pairs: int) -> int:
    """Return the fewest datasets with which Wilcoxon's test with Holm's correction can show a difference.

    The smallest p-value of n datasets is 2^(1 - n).

    Args:
        pairs: Number of pairs of settings.
    """
    return math.floor(1 + math.log2(pairs / LEVEL)) + 1


def dataset_tables(found: DatasetComparison) -> Iterator[tuple[str, bytes]]:
    """Yield datasets.csv, a row per setting, and dataset_pairs.csv, a row per pair of settings."""
    names = found.names()
    header = ["setting", "rank", "iqm", "iqm_low", "iqm_high", "improvement", "improvement_low", "improvement_high"]
    rows: list[list[Any]] = [header]
    for place, name in enumerate(names):
        one = found.aggregates[place] if found.aggregates else DatasetAggregate(math.nan, NO_INTERVAL, *NOTHING)
        numbers = (one.iqm, *one.iqm_interval, one.improvement, *one.improvement_interval)
        rows.append([name, found.ranks.average[place], *("" if math.isnan(number) else number for number in numbers)])
    yield "datasets.csv", csv_bytes(rows)
    pairs: list[list[Any]] = [["first", "second", "p", "p_holm"]]
    pairs += [[names[pair.first], names[pair.second], pair.p, pair.p_holm] for pair in found.pairs]
    yield "dataset_pairs.csv", csv_bytes(pairs)


NOTHING = (math.nan, NO_INTERVAL)
