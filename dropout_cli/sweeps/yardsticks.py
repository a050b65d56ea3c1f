"""Comparison of the settings of a sweep with simple models.

The simple models are the dummy and the linear model in the summary of each run.

Runs of older versions and runs with `yardstick: none` have no simple models. They are left out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.core.numbers import is_finite_number
from dropout_cli.core.text import counted, decimals
from dropout_cli.metrics import larger_is_better, metric_name, metric_part
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.wording import setting_name
from dropout_cli.training import yardstick_messages

MOST_NAMED = 6
"""The most settings that a sentence names."""


@dataclass(frozen=True)
class YardstickLevel:
    """The mean of a metric of one simple model over splits."""

    dataset: str
    model: str
    """The model in words, such as `logistic regression`."""
    splits: int
    """The number of distinct splits."""
    mean: float


def yardstick_levels(records: Sequence[RunRecord], metric: str) -> list[YardstickLevel]:
    """Return the mean of each simple model over the splits of the runs, by dataset."""
    by_split: dict[tuple[str, str], dict[str, float]] = {}
    for record in records:
        for model in ("dummy", "linear"):
            value = _number(record, model, metric)
            if value is not None:
                # Runs on one split have the same simple models, so that each split counts once.
                name = str(_dataset(record).get("name"))
                by_split.setdefault((name, _description(record, model, metric)), {})[_split(record)] = value
    return [
        YardstickLevel(name, model, len(values), float(np.mean(list(values.values()))))
        for (name, model), values in sorted(by_split.items(), key=lambda item: item[0][0])
    ]


def yardstick_rows(records: Sequence[RunRecord], metric: str) -> list[list[Any]]:
    """Return a row for each simple model and dataset: dataset, model, number of splits, mean."""
    return [[level.dataset, level.model, level.splits, level.mean] for level in yardstick_levels(records, metric)]


def simple_model_messages(records: Sequence[RunRecord], metric: str) -> Iterator[str]:
    """Yield a sentence for each dataset with the means of its simple models."""
    levels = yardstick_levels(records, metric)
    datasets = list(dict.fromkeys(level.dataset for level in levels))
    for name in datasets:
        own = [level for level in levels if level.dataset == name]
        on = f" on {name}" if len(datasets) > 1 else ""
        models = ", ".join(f"{level.model} {decimals(level.mean, 4)}{_over(level.splits)}" for level in own)
        winner = _undefeated(levels, name, records, metric)
        better = f" No setting has a better mean than {winner.model}." if winner is not None else ""
        yield f"Simple models{on}, by {metric}: {models}.{better}"


def linear_warnings(records: Sequence[RunRecord], metric: str) -> Iterator[str]:
    """Yield a sentence for each dataset on which no setting has a better mean than the linear model."""
    levels = yardstick_levels(records, metric)
    datasets = list(dict.fromkeys(level.dataset for level in levels))
    for name in datasets:
        winner = _undefeated(levels, name, records, metric)
        if winner is None:
            continue
        settings = [runs for (data, _), runs in _runs_by_setting(records, metric).items() if data == name]
        # A setting is compared with the linear model of the same runs, because the score depends on the split.
        pairs = [[(one.score(metric), _number(one, "linear", metric)) for one in runs] for runs in settings]
        gaps = [_mean([ours - theirs for ours, theirs in pair if theirs is not None] or [np.nan]) for pair in pairs]
        nearest = int(np.nanargmax(np.array(gaps) * (1 if larger_is_better(metric_name(metric)) else -1)))
        on = f" on {name}" if len(datasets) > 1 else ""
        setting, runs = setting_name(settings[nearest][0].values), counted(len(settings[nearest]), "run")
        numbers = f"difference {decimals(gaps[nearest], 4, '+')}, {runs}"
        yield f"No setting has a better mean {metric} than {winner.model}{on}: the nearest is {setting} ({numbers})."


def _undefeated(
    levels: Sequence[YardstickLevel], dataset: str, records: Sequence[RunRecord], metric: str
) -> YardstickLevel | None:
    """Return the linear model of a dataset if no setting has a better mean; else None."""
    labels = yardstick_messages.LINEAR_MODEL_LABELS.values()
    linear = next((level for level in levels if level.dataset == dataset and level.model in labels), None)
    means = [
        _mean([one.score(metric) for one in runs])
        for (data, _), runs in _runs_by_setting(records, metric).items()
        if data == dataset
    ]
    if linear is None or not means:
        return None
    beaten = any(yardstick_messages.is_better_than(metric, mean, linear.mean) for mean in means)
    return None if beaten else linear


def dummy_warnings(records: Sequence[RunRecord], metric: str) -> Iterator[str]:
    """Yield a sentence with the settings that are not better than the dummy."""
    # Means are compared over the same runs, because the score of the dummy depends on the split.
    settings: dict[str, list[RunRecord]] = {}
    for record in records:
        if _number(record, "dummy", metric) is not None and not np.isnan(record.score(metric)):
            settings.setdefault(json.dumps(record.values, sort_keys=True, default=str), []).append(record)
    number, lost = metric_name(metric), []
    for runs in settings.values():
        ours, theirs = _mean([run.score(metric) for run in runs]), _mean([_dummy(run, metric) for run in runs])
        if not yardstick_messages.is_better_than(number, ours, theirs):
            lost.append((setting_name(runs[0].values), ours, theirs, _description(runs[0], "dummy", metric)))
    if not lost:
        return
    dummy = lost[0][3]
    if len(settings) == 1:
        yield f"These runs are not better than {dummy}: mean {metric} {yardstick_messages.format_pair(*lost[0][1:3])}."
    elif len(lost) == len(settings):
        yield f"No setting is better than {dummy} (mean {metric})."
    else:
        names = [name for name, *_ in lost[:MOST_NAMED]]
        names += [f"{len(lost) - MOST_NAMED} more"] if len(lost) > MOST_NAMED else []
        count = f"{len(lost)} of {len(settings)} settings {'is' if len(lost) == 1 else 'are'}"
        yield f"{count} not better than {dummy} (mean {metric}): {'; '.join(names)}."


def _runs_by_setting(records: Sequence[RunRecord], metric: str) -> dict[tuple[str, str], list[RunRecord]]:
    """Return dataset and values -> the runs of a setting that have the metric."""
    runs: dict[tuple[str, str], list[RunRecord]] = {}
    for record in records:
        if not np.isnan(record.score(metric)):
            key = str(_dataset(record).get("name")), json.dumps(record.values, sort_keys=True, default=str)
            runs.setdefault(key, []).append(record)
    return runs


def _number(record: RunRecord, model: str, metric: str) -> float | None:
    """Return the metric of `dummy` or `linear` in the summary of a run; None if it has none."""
    value = yardstick_messages.yardstick_scores(record.summary, model, metric_part(metric)).get(metric_name(metric))
    return float(value) if is_finite_number(value) else None


def _dummy(record: RunRecord, metric: str) -> float:
    value = _number(record, "dummy", metric)
    return float("nan") if value is None else value


def _description(record: RunRecord, model: str, metric: str) -> str:
    """Return the model in words."""
    if model == "dummy":
        return yardstick_messages.dummy_description(
            str(record.summary.get("task", "classification")), metric_name(metric)
        )
    kind = str(record.summary["yardstick"]["linear"].get("kind"))
    return yardstick_messages.LINEAR_MODEL_LABELS.get(kind, kind)


def _dataset(record: RunRecord) -> Mapping[str, Any]:
    """Return the block `dataset` of the config of a run."""
    # `RunRecord.from_summary` has checked that it exists.
    block: Mapping[str, Any] = record.summary["config"]["dataset"]
    return block


def _split(record: RunRecord) -> str:
    """Return the data, the split and the preprocessing as one text."""
    # Augmentation is for training only and does not change the simple models.
    return json.dumps({**_dataset(record), "augment": None}, sort_keys=True, default=str)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _over(splits: int) -> str:
    return f" (mean over {splits} splits)" if splits > 1 else ""
