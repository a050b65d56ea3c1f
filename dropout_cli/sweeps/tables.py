"""The comparison of a sweep as CSV files and as JSON."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dropout_cli.metrics import METRICS, csv_bytes
from dropout_cli.statistics.t_test import hedges_g
from dropout_cli.sweeps import yardsticks
from dropout_cli.sweeps.comparison import Comparison
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.probabilities import practical_probabilities
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.sweep_comparison import SweepComparison

Rows = list[list[Any]]


def results_csv(records: Sequence[RunRecord], keys: Sequence[str]) -> bytes:
    """Return results.csv: a row per run and metric, with the values of the swept keys.

    Args:
        records: The runs.
        keys: The swept keys.
    """
    # Times and paths are left out, so that a repeated sweep gives the same bytes. The column `fold` is only there with
    # folds, because older files have none.
    folded = any(record.folds for record in records)
    replicate = ["seed", "split_seed", "fold"][: 3 if folded else 2]
    rows: Rows = [["cell", *keys, *replicate, "metric", "value"]]
    for record in records:
        values = [json_value(record.values.get(key)) for key in keys]
        rows += [
            [record.name, *values, *record.replicate[: len(replicate)], metric, record.score(metric)]
            for metric in METRICS
            if not math.isnan(record.score(metric))
        ]
    return csv_bytes(rows)


def summary_csv(evidence: SweepComparison) -> bytes:
    """Return summary.csv: a row per setting and metric, with mean and intervals."""
    rows: Rows = [[*evidence.keys, "metric", "n", "mean", "sd", "low", "high", "new_low", "new_high"]]
    for group in evidence.groups:
        for metric in METRICS:
            found = evidence.mean(group, metric)
            if found.n:
                numbers = (found.mean, found.sd, *found.interval, *found.new_data)
                rows.append([*map(json_value, group.values.values()), metric, found.n, *map(csv_number, numbers)])
    return csv_bytes(rows)


def all_tables(records: Sequence[RunRecord], keys: Sequence[str], evidence: SweepComparison) -> dict[str, bytes]:
    """Return name -> bytes of the three tables in a sweep's folder."""
    return {
        "results.csv": results_csv(records, keys),
        "summary.csv": summary_csv(evidence),
        "comparisons.csv": comparisons_csv(evidence),
    }


COMPARED = ("baseline", "metric", "layout", "n", "units", "difference", "sd", "low", "high", "effect")
TESTED = ("p", "p_holm", "p_bonferroni", "test", "test_p", "test_p_adjusted", "smallest_p")
COUNTED = ("won", "tied", "won_low", "won_high", "verdict", "new_low", "new_high", "new_data")
SEQUENTIAL = ("look", "looks", "look_n", "level")
"""The look at which a comparison ended, the number of looks, the planned units at it, and the level of its interval."""


def comparisons_csv(evidence: SweepComparison) -> bytes:
    """Return comparisons.csv: a row per comparison, with difference, tests and verdict."""
    # The columns of the look are only there with looks, because older files have none.
    looks = SEQUENTIAL if evidence.sequential is not None else ()
    rows: Rows = [[*evidence.keys, *COMPARED, *TESTED, *COUNTED, *looks]]
    for one in evidence.comparisons:
        named, facts = evidence.groups[one.baseline].label, _facts(evidence, one)
        values = [csv_number(value) if isinstance(value, float) else value for value in facts.values()]
        rows.append([*map(json_value, evidence.groups[one.group].values.values()), named, *values])
    return csv_bytes(rows)


def _facts(evidence: SweepComparison, one: Comparison) -> dict[str, Any]:
    """Return column -> value of a comparison, without the baseline."""
    return {
        "metric": one.metric,
        "layout": one.layout.kind,
        "n": one.n,
        "units": one.estimate.n,
        "difference": one.estimate.mean,
        "sd": one.sd,
        "low": one.interval.low,
        "high": one.interval.high,
        "effect": one.effect,
        "p": one.p,
        "p_holm": one.p_holm,
        "p_bonferroni": one.p_bonferroni,
        "test": evidence.test,
        "test_p": one.requested.p,
        "test_p_adjusted": one.requested.adjusted,
        "smallest_p": one.requested.smallest,
        "won": one.won,
        "tied": one.tied,
        "won_low": one.won_interval.low,
        "won_high": one.won_interval.high,
        "verdict": one.verdict,
        "new_low": one.new_data.low,
        "new_high": one.new_data.high,
        "new_data": new_data_verdict(one),
        **_look_facts(one),
    }


def _look_facts(one: Comparison) -> dict[str, Any]:
    """Return column -> value of the look of a comparison; nothing without several looks."""
    if one.sequential is None:
        return {}
    level = one.sequential
    return dict(zip(SEQUENTIAL, (level.look, level.looks, level.n, level.p), strict=True))


def new_data_verdict(one: Comparison) -> str:
    """Return `shown` if the verdict also holds for new data, else `not shown`."""
    # These values are a part of the file formats. Tables for people say yes and no.
    return "shown" if one.shown_for_new_data else "not shown"


def comparison_dict(evidence: SweepComparison) -> dict[str, Any]:
    """Return the whole comparison for JSON; NaN becomes None."""
    groups = []
    for group in evidence.groups:
        found = {metric: mean for metric in METRICS if (mean := evidence.mean(group, metric)).n}
        scores = {
            metric: {
                "n": one.n,
                **({"averages": one.averages} if evidence.averages else {}),
                "mean": one.mean,
                "sd": finite_or_none(one.sd),
                "interval": [finite_or_none(end) for end in one.interval],
                "new_data_interval": [finite_or_none(end) for end in one.new_data],
            }
            for metric, one in found.items()
        }
        groups.append({"values": dict(group.values), "metrics": scores})
    lines = list(comparison_notes(evidence))
    return {
        "metric": evidence.metric,
        "metrics": list(evidence.metrics),
        "test": evidence.test,
        "answer": lines[0] if lines else "",
        **({"pooled_over": evidence.pooled} if evidence.pooled is not None else {}),
        "groups": groups,
        "simple_models": [
            dict(zip(SIMPLE, row, strict=True)) for row in yardsticks.yardstick_rows(evidence.records, evidence.metric)
        ],
        "comparisons": [_as_dict(evidence, one) for one in evidence.comparisons],
        **({} if evidence.over_datasets is None else {"over_datasets": evidence.over_datasets.as_dict()}),
        "notes": lines,
    }


SIMPLE = ("data", "model", "splits", "mean")


def hedges_g_of(one: Comparison) -> float:
    """Return Hedges' g of a comparison; NaN where `effect` is."""
    return math.nan if math.isnan(one.effect) else hedges_g(replace(one.estimate, sd=one.sd))


def _as_dict(evidence: SweepComparison, one: Comparison) -> dict[str, Any]:
    facts = {
        name: finite_or_none(value) if isinstance(value, float) else value
        for name, value in _facts(evidence, one).items()
        if name not in ("low", "high", "new_low", "new_high", "won_low", "won_high", "test")
    }
    return {
        "values": dict(evidence.groups[one.group].values),
        "baseline": dict(evidence.groups[one.baseline].values),
        **facts,
        "interval": [finite_or_none(end) for end in one.interval],
        "new_data_interval": [finite_or_none(end) for end in one.new_data],
        "won_interval": [finite_or_none(end) for end in one.won_interval],
        "hedges_g": finite_or_none(hedges_g_of(one)),
        "probabilities": None if (found := practical_probabilities(one)) is None else found._asdict(),
        "refused": one.refused or None,
    }


def finite_or_none(value: float) -> float | None:
    """Return the value; None for NaN, which JSON does not have."""
    return None if math.isnan(value) else value


def json_value(value: Any) -> Any:
    """Return a swept value as one field of a table: text and numbers unchanged, else JSON."""
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else number_or_json(value)


def number_or_json(value: Any) -> str:
    """Return a value as JSON; an empty text for None."""
    return "" if value is None else json.dumps(value)


def csv_number(value: float) -> float | str:
    """Return the value; an empty text for NaN."""
    return "" if math.isnan(value) else value
