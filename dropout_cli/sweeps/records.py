"""Complete runs as records, and groups of records with one setting."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dropout_cli.config import flatten
from dropout_cli.core.dotted import last_name, value_at
from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.metrics import METRICS, PARTS, metric_name, metric_part, uses_labels_only
from dropout_cli.runs.summary import count_examples
from dropout_cli.statistics.comparison_rules import RULES_LATEST, RULES_V1
from dropout_cli.sweeps.replicates import FOLD, REPLICATES, SPLIT_SEED, Replicate
from dropout_cli.sweeps.stored_predictions import example_metric, test_part_digest

LENGTHENED = "lengthened"
"""A key of runs in addition to those of their configs: how `resume --epochs` changed the schedule of past epochs."""
CLASS_WEIGHTS = "objective.class_weights"
IGNORED_KEYS = {
    *REPLICATES,
    "training.threads",
    "training.save_every",
    "training.evaluation_batch",
    "objective.fingerprint",
    "yardstick",
}
"""Keys in which the runs of one group may differ."""

MOST_EXAMPLES = 1 << 48
"""More examples than any dataset has: a summary with a larger number is damaged."""

Values = Mapping[str, Any]


@dataclass(frozen=True)
class RunRecord:
    """A complete run, with the facts that comparisons use."""

    path: str
    """The run folder."""
    values: Values
    """Key -> value, for the keys that distinguish groups."""
    replicate: Replicate
    """Seed, split and fold."""
    summary: Mapping[str, Any]

    @classmethod
    def from_summary(cls, path: str, values: Values, replicate: Replicate, summary: Mapping[str, Any]) -> "RunRecord":
        """Return the record of a run, after a check of its summary.

        Args:
            path: The run folder.
            values: Key -> value, for the keys that distinguish groups.
            replicate: Seed, split and fold.
            summary: The content of `summary.json`.

        Raises:
            UsageError: The summary is damaged.
        """
        # The folder may come from someone else, so that any value can be wrong.
        record = cls(path, values, replicate, summary)
        try:
            if not all(math.isfinite(one) or math.isnan(one) for one in map(record.score, METRICS)):
                raise ValueError("not finite")
            if not (math.isfinite(record.split_ratio) and isinstance(summary["config"]["dataset"], dict)):
                raise ValueError("no numbers of examples")
            sizes = [record.examples(part) for part in PARTS if summary.get(part)]
            if record.folds < 0 or not all(0 < size <= MOST_EXAMPLES for size in sizes):
                raise ValueError("impossible numbers of examples")
            json.dumps(record.settings)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            fact = f"is damaged ({type(error).__name__}: {error})"
            raise UsageError(f"{path}/summary.json", fact, "Restore the file, or train again.") from None
        return record

    @property
    def name(self) -> str:
        """The last part of the path."""
        return Path(self.path).name

    @property
    def settings(self) -> dict[str, Any]:
        """Dotted key -> value of the config, with LENGTHENED as an additional key."""
        marks = self.summary.get(LENGTHENED) or []
        rewritten = [str(one["after_epoch"]) for one in marks if one["schedule_changed"] or one["patience_anew"]]
        text = f"after epoch {', '.join(rewritten)}" if rewritten else None
        return dict(flatten(self.summary.get("config", {}))) | {LENGTHENED: text}

    def setting(self, key: str) -> Any:
        """Return the value at a dotted key, a mapping for a block; None without the key."""
        if key == LENGTHENED:
            return self.settings[LENGTHENED]
        return value_at(self.summary.get("config", {}), key)

    def score(self, metric: str) -> float:
        """Return a metric such as `test.accuracy`; NaN if the run does not have it."""
        scores = self.summary.get(metric_part(metric))
        found = scores.get(metric_name(metric)) if scores else None
        return math.nan if found is None else float(found)

    @property
    def folds(self) -> int:
        """The number of folds of the data; 0 without folds."""
        return int(self.setting("dataset.folds") or 0)

    def examples(self, part: str) -> int:
        """Return the number of examples of a part; 0 without this part."""
        scores = self.summary.get(part)
        return count_examples(scores) if scores else 0

    @property
    def split_ratio(self) -> float:
        """The number of test examples divided by the number of training examples."""
        sizes = [count_examples(self.summary[part]) for part in ("test", "train")]
        return float(sizes[0] / sizes[1])


@dataclass(frozen=True)
class RunGroup:
    """The runs of one setting; runs with the same replicate are pooled."""

    values: Values
    records: Mapping[Replicate, tuple[RunRecord, ...]]

    @property
    def runs(self) -> list[RunRecord]:
        """All runs of the group."""
        return [record for pooled in self.records.values() for record in pooled]

    def score(self, replicate: Replicate, metric: str) -> float:
        """Return the mean over the runs of a replicate; NaN if none has the metric."""
        found = [value for record in self.records[replicate] if not math.isnan(value := record.score(metric))]
        return math.nan if not found else found[0] if len(found) == 1 else float(np.mean(found))

    def scores(self, metric: str) -> list[float]:
        """Return a value for each replicate that has the metric, in the order of the runs."""
        return [value for pair in self.records if not math.isnan(value := self.score(pair, metric))]

    def by_replicate(self, metric: str) -> dict[Replicate, float]:
        """Return replicate -> value, for replicates that have the metric."""
        found = {replicate: self.score(replicate, metric) for replicate in self.records}
        return {replicate: value for replicate, value in found.items() if not math.isnan(value)}

    def correction(self, pairs: Iterable[Replicate] | None = None) -> float:
        """Return the ratio for Nadeau and Bengio's correction; 0 if splits do not vary.

        It is the mean ratio of test to training examples.

        Args:
            pairs: The replicates to use; None: all.
        """
        chosen = list(self.records if pairs is None else pairs)
        if len({one.split_seed for one in chosen}) < 2:
            return 0.0
        ratios = [record.split_ratio for pair in chosen for record in self.records[pair]]
        return ratios[0] if len(set(ratios)) == 1 else float(np.mean(ratios))

    @property
    def folds(self) -> int:
        """The number of folds of the data; 0 without folds, or if runs differ in it."""
        found = {record.folds for record in self.runs}
        return found.pop() if len(found) == 1 else 0

    def ratio(self, replicates: Iterable[Replicate]) -> float:
        """Return the mean ratio of test to training examples over some replicates."""
        ratios = [record.split_ratio for replicate in replicates for record in self.records[replicate]]
        return ratios[0] if len(set(ratios)) == 1 else float(np.mean(ratios))

    def shares_test_part(self, replicates: Sequence[Replicate]) -> bool:
        """Return True if runs on different splits have the same test part.

        False if this is unknown, because predictions are not stored.
        """
        parts = [
            test_part_digest(path)
            for path in {one.split_seed: self.records[one][0].path for one in replicates}.values()
        ]
        return len(parts) > 1 and None not in parts and len(set(parts)) == 1

    def example_scores(self, run: Iterable[Replicate], metric: str) -> tuple[Array, Array] | None:
        """Return the test rows and the score of each test example, both of shape (N,).

        Scores of runs with the same replicate are averaged.

        Args:
            run: The replicate of a run, or the replicates of its folds.
            metric: A metric that is a mean over examples.

        Returns:
            Rows in ascending order, and scores. None if scores are not stored, belong to different test parts, or do
            not exist for this metric.
        """
        parts = []
        for replicate in run:
            pooled = [example_metric(record.path, metric) for record in self.records[replicate]]
            known = [one for one in pooled if one is not None]
            if len(known) < len(pooled) or any(not np.array_equal(rows, known[0][0]) for rows, _ in known):
                return None
            parts.append((known[0][0], np.mean([values for _, values in known], axis=0)))
        rows, values = (np.concatenate(one) for one in zip(*parts, strict=True))
        order = np.argsort(rows, kind="stable")
        return rows[order], values[order]

    def step(self, metric: str) -> float:
        """Return the smallest step of a metric: 1 / N for accuracies, 0 for losses."""
        sizes = [size for record in self.runs if (size := record.examples(metric_part(metric)))]
        return 1 / min(sizes) if sizes and uses_labels_only(metric) else 0.0

    @property
    def label(self) -> str:
        """The values of the group in one line."""
        return setting_label(self.values)


def group_runs(records: Sequence[RunRecord], keys: Sequence[str], rules: int = RULES_LATEST) -> tuple[RunGroup, ...]:
    """Group runs by their values of some keys, and then by replicate.

    Args:
        records: The runs.
        keys: The keys.
        rules: The version of the rules. The first version keeps only the last run of each replicate.
    """
    gathered: dict[str, dict[Replicate, tuple[RunRecord, ...]]] = {}
    for record in records:
        group = gathered.setdefault(json.dumps([record.values.get(key) for key in keys], sort_keys=True), {})
        group[record.replicate] = (record,) if rules == RULES_V1 else (*group.get(record.replicate, ()), record)
    return tuple(
        RunGroup({key: next(iter(one.values()))[0].values.get(key) for key in keys}, one) for one in gathered.values()
    )


def keys_averaged_over(groups: Sequence[RunGroup]) -> list[str] | None:
    """Return the keys in which runs of one group differ; None if only seeds differ."""
    # The list is empty if runs only repeat each other.
    found = dict.fromkeys(key for group in groups for key in differing_keys([one.settings for one in group.runs]))
    repeated = any(len(records) > 1 for group in groups for records in group.records.values())
    return list(found) if found or repeated else None


def differing_keys(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys with at least two values among the settings of runs.

    Runs without a key do not count for it. A key that is absent because a block above it is null has the value null.
    If all keys of such a block differ only in this, the first of them represents the block.
    """
    # Class weights that were computed from the training part differ from split to split. They count only if they
    # differ on one split.
    names = [key for key in dict.fromkeys(key for one in settings for key in one) if key not in IGNORED_KEYS]
    found: list[str] = []
    switches: dict[str, list[str]] = {}
    for key in names:
        blocks = {block for one in settings if key not in one and (block := _null_above(one, key)) is not None}
        own = {json.dumps(one[key]) for one in settings if key in one}
        if len(own) > 1 and not (key == CLASS_WEIGHTS and _follows_the_split(settings)):
            found.append(key)
        elif blocks and own and "null" not in own:
            switches.setdefault(min(blocks), []).append(key)
    for block, keys in switches.items():
        if not any(key.startswith(f"{block}.") for key in found):
            found.append(keys[0])
    return [key for key in names if key in found]


def _follows_the_split(settings: Sequence[Mapping[str, Any]]) -> bool:
    """Return True if the class weights are numbers that depend only on the split."""
    by_split: dict[str, set[str]] = {}
    for one in settings:
        if CLASS_WEIGHTS in one:
            if not isinstance(one[CLASS_WEIGHTS], list):
                return False
            split = json.dumps([one.get(SPLIT_SEED), one.get(FOLD)])
            by_split.setdefault(split, set()).add(json.dumps(one[CLASS_WEIGHTS]))
    return len(by_split) > 1 and all(len(values) == 1 for values in by_split.values())


def _null_above(settings: Mapping[str, Any], key: str) -> str | None:
    """Return the block above the key that is null; None without one."""
    return next((block for block in _above(key) if block in settings and settings[block] is None), None)


def _above(key: str) -> Iterator[str]:
    parts = key.split(".")
    yield from (".".join(parts[:length]) for length in range(1, len(parts)))


def setting_label(values: Values) -> str:
    """Return values in one line, such as `inverted, rate 0.5`, without absent keys."""
    parts = []
    for key, value in values.items():
        last = last_name(key)
        if value is not None:
            text = value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else json.dumps(value)
            parts.append(text if last in ("variant", "name") else f"{last} {text}")
    return ", ".join(parts) or next((f"{last_name(key)} null" for key in values), "all")
