"""What runs say together: a mean with its interval per group, and each group against a baseline at equal seeds."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dropout_cli import statistics
from dropout_cli.core.errors import UsageError
from dropout_cli.metrics import METRICS, larger_is_better
from dropout_cli.runs.summary import examples
from dropout_cli.statistics import Choice, Interval, Paired, Ranks

ALPHA = 0.05
VARIANT, RATE, DATASET = "dropout.variant", "dropout.rate", "dataset.name"

Pair = tuple[int, int]
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """One complete run, as far as it counts here."""

    path: str
    """Its folder."""
    values: Values
    """Key -> value of what tells its group from others."""
    pair: Pair
    """Seed and split seed."""
    summary: Mapping[str, Any]

    @classmethod
    def of(cls, path: str, values: Values, pair: Pair, summary: Mapping[str, Any]) -> "Record":
        """The record of a run whose summary may come from a stranger. Raises UsageError where numbers are missing."""
        record = cls(path, values, pair, summary)
        try:
            if not all(math.isfinite(one) or math.isnan(one) for one in map(record.score, METRICS)):
                raise ValueError("not finite")
            if not (math.isfinite(record.split_ratio) and isinstance(summary["config"]["dataset"], dict)):
                raise ValueError("no sizes")
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            fact = f"is no summary of a run ({type(error).__name__}: {error})"
            raise UsageError(f"{path}/summary.json", fact, "The file is damaged.") from None
        return record

    @property
    def name(self) -> str:
        """The last part of its path."""
        return Path(self.path).name

    def score(self, metric: str) -> float:
        """A number such as `test.accuracy`; NaN where the run has no such part."""
        part, _, number = metric.partition(".")
        scores = self.summary.get(part)
        found = scores.get(number) if scores else None
        return math.nan if found is None else float(found)

    @property
    def split_ratio(self) -> float:
        """Test examples over training examples."""
        sizes = [examples(self.summary[part]) for part in ("test", "train")]
        return float(sizes[0] / sizes[1])


@dataclass(frozen=True)
class Group:
    """The runs that differ in their seeds alone."""

    values: Values
    records: Mapping[Pair, Record]

    def scores(self, metric: str) -> list[float]:
        """The metric's values, in the order of the runs; none where the runs lack that part."""
        found = [record.score(metric) for record in self.records.values()]
        return [one for one in found if not math.isnan(one)]

    @property
    def label(self) -> str:
        """Its values in one line."""
        return label(self.values)


@dataclass(frozen=True)
class Mean:
    """A metric over the runs of a group."""

    n: int
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
    split_varies: bool
    split_ratio: float

    def mean(self, group: Group, metric: str) -> Mean:
        """The metric over the group's runs; NaN without any."""
        values = group.scores(metric)
        ratio = self.split_ratio if self.split_varies else 0.0
        return Mean(
            n=len(values),
            mean=float(np.mean(values)) if values else math.nan,
            sd=float(np.std(values, ddof=1)) if len(values) > 1 else math.nan,
            interval=statistics.t_interval(values, split_ratio=ratio),
        )


def weigh(
    records: Sequence[Record],
    keys: Sequence[str],
    *,
    metric: str,
    baseline: Values | None = None,
    margin: float | None = None,
    test: str = "sign_flip",
) -> Evidence:
    """Group the records by `keys` and compare the groups. Raises UsageError where the baseline is none of them.

    Of regressions, the default metric is `test.rmse`.
    """
    if metric == DEFAULT_METRIC and records and all("rmse" in (one.summary.get("test") or {}) for one in records):
        metric = "test.rmse"
    gathered: dict[str, dict[Pair, Record]] = {}
    for record in records:
        gathered.setdefault(json.dumps([record.values.get(key) for key in keys]), {})[record.pair] = record
    groups = tuple(
        Group({key: next(iter(one.values())).values.get(key) for key in keys}, one) for one in gathered.values()
    )
    splits = {pair[1] for group in groups for pair in group.records}
    ratio = records[0].split_ratio if records else 0.0
    weighed = Evidence(
        tuple(keys),
        metric,
        test,
        margin,
        groups,
        (),
        _choice(groups, metric),
        _ranks(groups, metric),
        len(splits) > 1,
        ratio,
    )
    return Evidence(**vars(weighed) | {"comparisons": tuple(_comparisons(weighed, baseline))})


def label(values: Values) -> str:
    """Values in one line; what a group lacks is left out, and the names of its choices stand alone."""
    parts = []
    for key, value in values.items():
        last = key.rpartition(".")[2]
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value)
            parts.append(text if last in ("variant", "name") else f"{last} {text}")
    return ", ".join(parts) or "all"


def _comparisons(weighed: Evidence, wanted: Values | None) -> list[Comparison]:
    """Every group against its baseline, where they share a seed."""
    larger, ratio = larger_is_better(weighed.metric), weighed.split_ratio if weighed.split_varies else 0.0
    found: list[tuple[int, int, Paired]] = []
    for place, other in enumerate(baselines([group.values for group in weighed.groups], weighed.keys, wanted)):
        if other is None or other == place:
            continue
        one, base = weighed.groups[place].records, weighed.groups[other].records
        pairs = [(one[pair].score(weighed.metric), base[pair].score(weighed.metric)) for pair in one if pair in base]
        pairs = [(a, b) for a, b in pairs if not math.isnan(a + b)]
        if pairs:
            values, against = zip(*pairs, strict=True)
            settings: dict[str, Any] = {"test": weighed.test, "split_ratio": ratio, "larger_is_better": larger}
            found.append((place, other, statistics.compare(values, against, **settings)))
    adjusted = statistics.holm([paired.test.p for _, _, paired in found])
    smallest = statistics.holm([paired.test.smallest for _, _, paired in found])
    return [
        Comparison(place, other, paired, p, least, _verdict(paired, p, weighed.margin, larger))
        for (place, other, paired), p, least in zip(found, adjusted, smallest, strict=True)
    ]


def _verdict(paired: Paired, p: float, margin: float | None, larger: bool) -> str:
    """In words; never that two settings are equal."""
    if p < ALPHA:
        return "better" if (paired.mean > 0) == larger else "worse"
    if margin is not None and -margin < paired.interval.low and paired.interval.high < margin:
        return f"within {margin:g}"
    return "no difference shown"


def default_baseline(groups: Sequence[Values]) -> Values:
    """No dropout where that is among them, else rate 0, else the first group."""
    for key, value in ((VARIANT, "none"), (RATE, 0)):
        if any(group.get(key) == value and group.get(key) is not None for group in groups):
            return {key: value}
    return groups[0]


def baselines(groups: Sequence[Values], keys: Sequence[str], wanted: Values | None) -> list[int | None]:
    """For each group the one that it is compared with: as `wanted`, and in its other keys like the group.

    None where there is none for it. Raises UsageError where no group is as wanted, or several are and nothing tells
    which one is meant.
    """
    if not groups:
        return []
    wanted = default_baseline(groups) if wanted is None else wanted
    unknown = sorted(set(wanted) - set(keys))
    matching = [place for place, group in enumerate(groups) if all(_same(group.get(k), wanted[k]) for k in wanted)]
    told = ", ".join(f"{key}={value}" for key, value in wanted.items())
    if unknown or not matching:
        known = "; ".join(label(group) for group in groups[:6])
        raise UsageError("baseline", f"no group has {told}", f"The groups are: {known}.")
    found: list[int | None] = []
    for group in groups:
        like = [
            place for place in matching if all(groups[place][k] in (None, group[k]) for k in keys if k not in wanted)
        ]
        if len(like) > 1:
            names = "; ".join(label(groups[place]) for place in like[:4])
            raise UsageError(
                "baseline", f"{told} means {len(like)} groups for {label(group)} ({names})", "Give more keys."
            )
        found.append(like[0] if like else None)
    return found


def _same(found: Any, wanted: Any) -> bool:
    return (type(found) is not bool and found == wanted) or found is wanted


def _choice(groups: Sequence[Group], metric: str) -> Choice | None:
    """The group that is best on validation, over the seeds that all groups have."""
    number = metric.partition(".")[2]
    if len({group.values.get(DATASET) for group in groups}) > 1:  # what is best on which data is not a choice
        return None
    shared = [pair for pair in groups[0].records if all(pair in group.records for group in groups)] if groups else []
    val = [[group.records[pair].score(f"val.{number}") for pair in shared] for group in groups]
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
        settings[label(setting)] = setting
        cells.setdefault(label(setting), {})[group.values.get(DATASET)] = float(np.mean(scores)) if scores else math.nan
    table = [[row.get(dataset, math.nan) for row in cells.values()] for dataset in datasets]
    if len(datasets) < 2 or len(cells) < 2 or any(math.isnan(one) for row in table for one in row):
        return None
    ranks = statistics.friedman(table, larger_is_better=larger_is_better(metric))
    return list(settings.values()), datasets, ranks


DEFAULT_METRIC = "test.accuracy"
