"""The tables of sweeps in the formats 1 and 2, so that `verify` can check old folders.

These formats compared runs at equal seeds by an exact sign-flip test with Holm's correction, for every layout of seeds
and splits. `statistics.comparison_rules` describes how 1 and 2 differ. New sweeps do not use this module.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

from dropout_cli import statistics
from dropout_cli.core.dotted import last_name
from dropout_cli.metrics import DEFAULT_METRIC, METRICS, csv_bytes, larger_is_better
from dropout_cli.statistics import Interval, PairedComparison
from dropout_cli.statistics.comparison_rules import RULES_V1
from dropout_cli.sweeps.baselines import find_baselines
from dropout_cli.sweeps.comparison import ALPHA
from dropout_cli.sweeps.records import RunGroup, RunRecord, Values, group_runs
from dropout_cli.sweeps.tables import csv_number, json_value

COMPARED = ("baseline", "metric", "n", "difference", "sd", "low", "high", "effect", "p", "p_holm", "smallest_p")
COUNTED = ("won", "tied", "won_low", "won_high", "verdict")
"""The columns of comparisons.csv after the swept keys."""


def earlier_tables(
    records: Sequence[RunRecord],
    keys: Sequence[str],
    *,
    metric: str,
    baseline: Values | None,
    margin: float | None,
    rules: int,
) -> dict[str, bytes]:
    """Return summary.csv and comparisons.csv of an old format.

    Args:
        records: The complete runs.
        keys: The keys that tell groups apart.
        metric: The metric of the comparisons.
        baseline: Key -> value of the baseline; None: the default one.
        margin: Smaller differences do not matter; None: no margin.
        rules: The version of the rules, see `statistics.comparison_rules`.

    Raises:
        UsageError: No group is the baseline.
    """
    if metric == DEFAULT_METRIC and records and all("rmse" in (run.summary.get("test") or {}) for run in records):
        metric = "test.rmse"
    groups = group_runs(records, keys, rules)
    return {
        "summary.csv": _summary(groups, keys, rules),
        "comparisons.csv": _comparisons(groups, keys, metric, baseline, margin, rules),
    }


def _correction(groups: Sequence[RunGroup], compared: Sequence[RunGroup], rules: int, pairs: Any = None) -> float:
    """Return the ratio of Nadeau and Bengio's correction; 0 for a single split."""
    if rules == RULES_V1:
        # The first format used the ratio of the first run for all groups.
        splits = {replicate.split_seed for group in groups for replicate in group.records}
        return groups[0].runs[0].split_ratio if len(splits) > 1 else 0.0
    return max(group.correction(pairs) for group in compared)


def _summary(groups: Sequence[RunGroup], keys: Sequence[str], rules: int) -> bytes:
    rows: list[list[Any]] = [[*keys, "metric", "n", "mean", "sd", "low", "high"]]
    for group in groups:
        for metric in METRICS:
            runs = sum(not math.isnan(record.score(metric)) for record in group.runs)
            if not runs:
                continue
            values = group.scores(metric)
            ratio = _correction(groups, [group], rules)
            interval = statistics.t_interval(values, split_ratio=ratio, rules=rules)
            numbers = (*statistics.mean_and_sd(values, rules=rules), *interval)
            rows.append([*map(json_value, group.values.values()), metric, runs, *map(csv_number, numbers)])
    return csv_bytes(rows)


def _comparisons(
    groups: Sequence[RunGroup],
    keys: Sequence[str],
    metric: str,
    baseline: Values | None,
    margin: float | None,
    rules: int,
) -> bytes:
    larger = larger_is_better(metric)
    comparisons: list[tuple[RunGroup, RunGroup, PairedComparison]] = []
    for index, base_index in enumerate(find_baselines([group.values for group in groups], keys, baseline, rules)):
        if base_index is None or base_index == index:
            continue
        group, base = groups[index], groups[base_index]
        scores = {
            replicate: (group.score(replicate, metric), base.score(replicate, metric))
            for replicate in group.records
            if replicate in base.records
        }
        pairs = [replicate for replicate, (a, b) in scores.items() if not math.isnan(a + b)]
        if pairs:
            ratio = _correction(groups, [group, base], rules, pairs)
            ours, theirs = zip(*(scores[pair] for pair in pairs), strict=True)
            compared = statistics.compare_paired(ours, theirs, split_ratio=ratio, larger_is_better=larger, rules=rules)
            comparisons.append((group, base, compared))
    adjusted = statistics.holm_adjust([paired.test.p for *_, paired in comparisons])
    smallest = statistics.holm_adjust([paired.test.smallest for *_, paired in comparisons])
    rows: list[list[Any]] = [[*keys, *COMPARED, *COUNTED]]
    for (group, base, paired), p, least in zip(comparisons, adjusted, smallest, strict=True):
        numbers = (paired.mean, paired.sd, *paired.interval, paired.effect, paired.test.p, p, least)
        verdict = _verdict(paired.interval, paired.mean, p, margin, larger, rules)
        won = [paired.won, paired.tied, *map(csv_number, paired.won_interval)]
        named = _label(base.values, rules)
        rows.append(
            [*map(json_value, group.values.values()), named, metric, paired.n, *map(csv_number, numbers), *won, verdict]
        )
    return csv_bytes(rows)


def _verdict(interval: Interval, mean: float, p: float, margin: float | None, larger: bool, rules: int) -> str:
    small = margin is not None and -margin < interval.low and interval.high < margin
    if p < ALPHA and not (small and rules > RULES_V1):
        return "better" if (mean > 0) == larger else "worse"
    return f"within {margin:g}" if small else "no difference shown"


def _label(values: Values, rules: int) -> str:
    """Return a group's name as these formats wrote it."""
    parts = []
    for key, value in values.items():
        last = last_name(key)
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value)
            parts.append(text if last in ("variant", "name") else f"{last} {text}")
    nothing = "all" if rules == RULES_V1 else next((f"{last_name(key)} null" for key in values), "all")
    return ", ".join(parts) or nothing
