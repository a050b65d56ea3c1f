"""The comparison of a sweep as tables: for a spreadsheet, for a screen, for a program."""

import json
import math
from collections.abc import Sequence
from typing import Any

from dropout_cli.core.text import decimals
from dropout_cli.metrics import METRICS, csv_bytes
from dropout_cli.sweeps import yardsticks
from dropout_cli.sweeps.comparison import Comparison
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.wording import format_interval, format_p, format_short

Rows = list[list[Any]]


def results_csv(records: Sequence[RunRecord], keys: Sequence[str]) -> bytes:
    """A row per run and number: cell, swept keys, seed, split, metric, value. Nothing in it varies between repeats.

    Where data are divided into folds, a column says which one was the test part.
    """
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
    """A row per group and number: n, mean, standard deviation, the 95 % interval of the mean, that for new data."""
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


def comparisons_csv(evidence: SweepComparison) -> bytes:
    """A row per metric and group that is compared: the paired difference, its tests, the verdict."""
    rows: Rows = [[*evidence.keys, *COMPARED, *TESTED, *COUNTED]]
    for one in evidence.comparisons:
        named, facts = evidence.groups[one.baseline].label, _facts(evidence, one)
        values = [csv_number(value) if isinstance(value, float) else value for value in facts.values()]
        rows.append([*map(json_value, evidence.groups[one.group].values.values()), named, *values])
    return csv_bytes(rows)


def _facts(evidence: SweepComparison, one: Comparison) -> dict[str, Any]:
    """Column -> value, without the baseline."""
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
    }


def new_data_verdict(one: Comparison) -> str:
    """Return whether the verdict is shown for new data as well."""
    return "shown" if one.shown_for_new_data else "not shown"


def comparison_dict(evidence: SweepComparison) -> dict[str, Any]:
    """All of it for a program; None where there is no number."""
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
        "notes": lines,
    }


SIMPLE = ("data", "model", "splits", "mean")


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
        "refused": one.refused or None,
    }


def finite_or_none(value: float) -> float | None:
    """None for NaN."""
    return None if math.isnan(value) else value


def json_value(value: Any) -> Any:
    """A swept value in one cell."""
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else number_or_json(value)


def number_or_json(value: Any) -> str:
    """Nothing for None, else JSON."""
    return "" if value is None else json.dumps(value)


def csv_number(value: float) -> float | str:
    """Nothing for NaN."""
    return "" if math.isnan(value) else value


INTERVAL, ITS_INTERVAL, NEW = "95 % interval", "interval of difference", "for new data"
LEAST = ("d_z", "p (Holm)", "averages", "won", "p", INTERVAL, NEW, "n", "p (Bonferroni)", ITS_INTERVAL)
"""Columns of the overview that may be left out where there is little room, the first one first."""


def comparison_table(evidence: SweepComparison, metric: str | None = None) -> tuple[list[str], Rows]:
    """Headers and rows of the one table that says it all: a row per group.

    Args:
        evidence: What was found.
        metric: By which metric; the main one unless given.
    """
    metric = metric or evidence.metric
    compared = {one.group: one for one in evidence.comparisons_by(metric)}
    bases = {one.baseline for one in evidence.comparisons_by(metric)}
    pooled = ["averages"] if evidence.averages else []
    headers = [*evidence.keys, "n", *pooled, metric, INTERVAL]
    uncompared = evidence.uncompared
    rows: Rows = []
    for place, group in enumerate(evidence.groups):
        found = evidence.mean(group, metric)
        counts = [found.n, *([found.averages] if pooled else [])]
        row = [
            *map(json_value, group.values.values()),
            *counts,
            format_short(found.mean),
            format_interval(found.interval),
        ]
        if compared:
            alone = "not compared" if group in uncompared else "baseline" if place in bases else ""
            row += _against(compared.get(place), alone, evidence.test)
        rows.append(row)
    if compared:
        requested = [] if evidence.test == "t" else [f"p ({evidence.test})", "smallest p"]
        headers += ["difference", ITS_INTERVAL, NEW, "d_z", "p", "p (Bonferroni)", "p (Holm)"]
        headers += [*requested, "won", "verdict", "new data"]
    return headers, rows


def _against(one: Comparison | None, alone: str, test: str) -> list[Any]:
    requested = 0 if test == "t" else 2
    if one is None:
        return [""] * (8 + requested) + [alone, ""]
    effect = "" if math.isnan(one.effect) else decimals(one.effect, 2, "+")
    numbers = [
        format_short(one.estimate.mean, "+"),
        format_interval(one.interval, "+"),
        format_interval(one.new_data, "+"),
        effect,
    ]
    tests = [format_p(one.p), format_p(one.p_bonferroni), format_p(one.p_holm)]
    tests += [format_p(one.requested.adjusted), format_p(one.requested.smallest)][:requested]
    return [*numbers, *tests, f"{one.won}/{one.n - one.tied}", one.verdict, new_data_verdict(one)]
