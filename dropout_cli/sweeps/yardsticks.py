"""The dummy and the linear model beside the settings of a sweep, from the summaries of its runs.

Runs of older versions, and those with `yardstick: none`, have no such models: nothing is said of them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.core.text import decimals
from dropout_cli.metrics import metric_name, metric_part
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.wording import setting_name
from dropout_cli.training import against_dummy

MOST_NAMED = 6


@dataclass(frozen=True)
class YardstickLevel:
    """A metric of one simple model."""

    dataset: str
    model: str
    """In words."""
    splits: int
    """How many distinct splits the mean is taken over."""
    mean: float


def yardstick_levels(records: Sequence[RunRecord], metric: str) -> list[YardstickLevel]:
    """Return the mean of each simple model over the distinct splits of the runs, dataset by dataset."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for record in records:
        for model in ("dummy", "linear"):
            value = _number(record, model, metric)
            if value is not None:
                name = str(_dataset(record).get("name"))
                found.setdefault((name, _called(record, model, metric)), {})[_split(record)] = value
    return [
        YardstickLevel(name, model, len(values), float(np.mean(list(values.values()))))
        for (name, model), values in sorted(found.items(), key=lambda one: one[0][0])
    ]


def yardstick_rows(records: Sequence[RunRecord], metric: str) -> list[list[Any]]:
    """Return a row for each level: dataset, model, number of splits, mean."""
    return [[one.dataset, one.model, one.splits, one.mean] for one in yardstick_levels(records, metric)]


def simple_model_messages(records: Sequence[RunRecord], metric: str) -> Iterator[str]:
    """Yield a sentence with the levels of each dataset."""
    found = yardstick_levels(records, metric)
    datasets = list(dict.fromkeys(one.dataset for one in found))
    for name in datasets:
        here = [one for one in found if one.dataset == name]
        on = f" on {name}" if len(datasets) > 1 else ""
        models = ", ".join(f"{one.model} {decimals(one.mean, 4)}{_over(one.splits)}" for one in here)
        linear = next((one for one in here if one.model in against_dummy.LINEAR_MODEL_LABELS.values()), None)
        means = [mean for (data, _), mean in _settings(records, metric).items() if data == name]
        wins = linear is not None and not any(against_dummy.is_better_than(metric, mean, linear.mean) for mean in means)
        better = f" No setting has a better mean than {linear.model}." if wins and linear is not None else ""
        yield f"Simple models{on}, by {metric}: {models}.{better}"


def dummy_warnings(records: Sequence[RunRecord], metric: str) -> Iterator[str]:
    """Yield a sentence that names the settings whose mean does not beat that of the dummy on the same runs."""
    settings: dict[str, list[RunRecord]] = {}
    for record in records:
        if _number(record, "dummy", metric) is not None and not np.isnan(record.score(metric)):
            settings.setdefault(json.dumps(record.values, sort_keys=True, default=str), []).append(record)
    number, lost = metric_name(metric), []
    for runs in settings.values():
        ours, theirs = _mean([run.score(metric) for run in runs]), _mean([_dummy(run, metric) for run in runs])
        if not against_dummy.is_better_than(number, ours, theirs):
            lost.append((setting_name(runs[0].values), ours, theirs, _called(runs[0], "dummy", metric)))
    if not lost:
        return
    dummy = lost[0][3]
    if len(settings) == 1:
        yield f"These runs do not beat {dummy}: mean {metric} {against_dummy.format_pair(*lost[0][1:3])}."
    elif len(lost) == len(settings):
        yield f"None of the {len(settings)} settings beats {dummy} by mean {metric}."
    else:
        names = [one[0] for one in lost[:MOST_NAMED]]
        names += [f"{len(lost) - MOST_NAMED} more"] if len(lost) > MOST_NAMED else []
        verb = "does" if len(lost) == 1 else "do"
        yield f"{len(lost)} of {len(settings)} settings {verb} not beat {dummy} by mean {metric}: {'; '.join(names)}."


def _settings(records: Sequence[RunRecord], metric: str) -> dict[tuple[str, str], float]:
    """Return dataset and values -> the mean over the runs of a setting that have the metric."""
    found: dict[tuple[str, str], list[float]] = {}
    for record in records:
        if not np.isnan(record.score(metric)):
            key = str(_dataset(record).get("name")), json.dumps(record.values, sort_keys=True, default=str)
            found.setdefault(key, []).append(record.score(metric))
    return {key: _mean(values) for key, values in found.items()}


def _number(record: RunRecord, model: str, metric: str) -> float | None:
    """Return the metric of `dummy` or `linear` beside a run; None where there is none."""
    found = against_dummy.yardstick_scores(record.summary, model, metric_part(metric)).get(metric_name(metric))
    return float(found) if against_dummy.is_finite_number(found) else None


def _dummy(record: RunRecord, metric: str) -> float:
    found = _number(record, "dummy", metric)
    return float("nan") if found is None else found


def _called(record: RunRecord, model: str, metric: str) -> str:
    """Return the model in words."""
    if model == "dummy":
        return against_dummy.dummy_description(str(record.summary.get("task", "classification")), metric_name(metric))
    kind = str(record.summary["yardstick"]["linear"].get("kind"))
    return against_dummy.LINEAR_MODEL_LABELS.get(kind, kind)


def _dataset(record: RunRecord) -> Mapping[str, Any]:
    """Return the block of its config; `Record.of` has seen that there is one."""
    found: Mapping[str, Any] = record.summary["config"]["dataset"]
    return found


def _split(record: RunRecord) -> str:
    """Name the data, the split and the preprocessing."""
    return json.dumps({**_dataset(record), "augment": None}, sort_keys=True, default=str)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _over(splits: int) -> str:
    return f" (mean over {splits} splits)" if splits > 1 else ""
