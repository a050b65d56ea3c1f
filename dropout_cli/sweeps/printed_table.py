"""The comparison of a sweep as a table for people: on the screen, in reports, and in papers."""

import math
from typing import Any

from dropout_cli.core.text import decimals
from dropout_cli.metrics import metric_part
from dropout_cli.sweeps.comparison import NOT_DECIDED, Comparison
from dropout_cli.sweeps.probabilities import practical_probabilities
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.tables import Rows, hedges_g_of, json_value
from dropout_cli.sweeps.until_sure.levels import PlannedLevels
from dropout_cli.sweeps.wording import confirmed_for_new_data, format_interval, format_p, format_short

INTERVAL, DIFFERENCE_INTERVAL, NEW_DATA_INTERVAL = "95 % interval", "interval of difference", "interval for new data"
CONFIRMED = "confirmed for new data"
PROBABILITIES = ("P(worse)", "P(equal)", "P(better)")
"""The columns of a comparison with a margin, in the order of `PosteriorProbabilities`."""
LEAST = (
    *("g", *PROBABILITIES),
    *("d_z", "p (Holm)", "averages", "won", "p"),
    *(INTERVAL, NEW_DATA_INTERVAL, "n", "p (Bonferroni)", DIFFERENCE_INTERVAL),
)
"""Columns of the comparison table that a narrow terminal may leave out, the first one first."""


SHOWN = ("n", INTERVAL, "difference", DIFFERENCE_INTERVAL, "verdict", "look")
"""The columns of the short table, besides the keys, the metric, and the test that `--test` asks for."""


def short_table(evidence: SweepComparison, metric: str | None = None, *, every: bool = False) -> tuple[list[str], Rows]:
    """Return headers and rows of the table on the screen: a row per setting, without empty columns.

    Args:
        evidence: The comparison of all runs.
        metric: The metric to compare by; None: the main one.
        every: True for all columns, False for those that a reader needs first.
    """
    headers, rows = comparison_table(evidence, metric)
    shown = {*evidence.keys, metric or evidence.metric, *SHOWN, "averages", f"p ({evidence.test})", "smallest p"}
    places = [place for place, name in enumerate(headers) if every or name in shown]
    return without_empty_columns(
        [headers[place] for place in places], [[row[place] for place in places] for row in rows]
    )


def without_empty_columns(headers: list[str], rows: Rows) -> tuple[list[str], Rows]:
    """Return the table without the columns that are empty in every row."""
    places = [place for place in range(len(headers)) if not rows or any(row[place] != "" for row in rows)]
    return [headers[place] for place in places], [[row[place] for place in places] for row in rows]


def comparison_table(evidence: SweepComparison, metric: str | None = None) -> tuple[list[str], Rows]:
    """Return headers and rows of the full table: a row per setting.

    Args:
        evidence: The comparison of all runs.
        metric: The metric to compare by; None: the main one.
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
        headers += ["difference", DIFFERENCE_INTERVAL, NEW_DATA_INTERVAL, "d_z", "g"]
        headers += ["p", "p (Bonferroni)", "p (Holm)", *requested, *PROBABILITIES, "won", "verdict", CONFIRMED]
        if isinstance(evidence.sequential, PlannedLevels):
            headers.append("look")
            for place, row in enumerate(rows):
                row.append(_look_cell(compared.get(place)))
    return headers, rows


def _look_cell(one: Comparison | None) -> str:
    """Return the look at which a comparison ended, such as `3 of 6`."""
    if one is None or one.sequential is None or not one.sequential.look:
        return ""
    return f"{one.sequential.look} of {one.sequential.looks}"


def _against(one: Comparison | None, alone: str, test: str) -> list[Any]:
    requested = 0 if test == "t" else 2
    if one is None:
        return [""] * (9 + len(PROBABILITIES) + requested) + [alone, ""]
    effects = ["" if math.isnan(size) else decimals(size, 2, "+") for size in (one.effect, hedges_g_of(one))]
    numbers = [
        format_short(one.estimate.mean, "+"),
        format_interval(one.interval, "+"),
        "" if metric_part(one.metric) == "train" else format_interval(one.new_data, "+"),
        *effects,
    ]
    tests = [format_p(one.p), format_p(one.p_bonferroni), format_p(one.p_holm)]
    tests += [format_p(one.requested.adjusted), format_p(one.requested.smallest)][:requested]
    found = practical_probabilities(one)
    tests += [""] * len(PROBABILITIES) if found is None else [decimals(share, 4) for share in found]
    # An undecided comparison has no verdict that new data could confirm, and a training metric is not about new data.
    unknown = "" if one.verdict == NOT_DECIDED or metric_part(one.metric) == "train" else "n/a"
    confirmed = {None: unknown, True: "yes", False: "no"}[confirmed_for_new_data(one)]
    return [*numbers, *tests, f"{one.won}/{one.n - one.tied}", one.verdict, confirmed]
