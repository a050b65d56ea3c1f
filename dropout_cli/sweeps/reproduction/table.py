"""The table of a reproduction as rows, sentences, JSON and files."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from dropout_cli import plots
from dropout_cli.config import flatten
from dropout_cli.core.text import counted
from dropout_cli.plots.published import PublishedPoint, published_and_measured
from dropout_cli.runs import FORMAT, json_bytes
from dropout_cli.statistics import Interval
from dropout_cli.sweeps.export_tables import as_csv, as_latex, as_markdown
from dropout_cli.sweeps.reproduction.measure import (
    CONSISTENT,
    HOLDS,
    NO_VALUE,
    NOT_RUN,
    ONE_RUN,
    UNDERPOWERED,
    MeasuredOrder,
    MeasuredRow,
    ReproducedTable,
)
from dropout_cli.sweeps.wording import setting_name

FIGURE, TABLE_CSV, TABLE_JSON, NOTES = "published.png", "published.csv", "published.json", "published.txt"
"""Files of a reproduction in addition to those of a sweep."""
HEADERS = ("row", "published", "measured", "95 % interval", "n", "difference", "band", "verdict", "changed")
ORDER_HEADERS = ("better in the paper", "than", "pairs", "difference", "interval of difference", "order")


def table_rows(table: ReproducedTable) -> list[list[str]]:
    """Return the cells of the table, in the order of HEADERS."""
    return [
        [
            one.row.given.label,
            _published(one),
            _number(one.mean, one),
            _interval(one.interval, one),
            str(one.n) if one.n else "",
            _number(one.difference, one, "+"),
            "" if math.isnan(one.band + one.difference) else f"± {_number(one.band, one)}",
            _verdict(one),
            " ".join(one.row.given.changed),
        ]
        for one in table.rows
    ]


def order_rows(table: ReproducedTable) -> list[list[str]]:
    """Return the cells of the table of orders, in the order of ORDER_HEADERS."""
    return [
        [
            one.first.given.label,
            one.second.given.label,
            str(one.pairs),
            _digits(one.difference, "+", 3),
            _ends(one.interval, 3, "+"),
            one.verdict if not one.reason else f"{one.verdict} ({one.reason})",
        ]
        for one in table.orders
    ]


def headline(table: ReproducedTable) -> str:
    """Return the result in one or two sentences."""
    counts = Counter(one.verdict for one in table.rows if one.verdict not in (NOT_RUN, NO_VALUE))
    parts = [f"{number} {verdict}" for verdict, number in counts.items()]
    text = f"Of {counted(sum(counts.values()), 'published value')} with runs: {', '.join(parts)}. " if parts else ""
    if table.orders:
        held = sum(one.verdict == HOLDS for one in table.orders)
        text += f"Of {counted(len(table.orders), 'order')} of the paper, {held} {'holds' if held == 1 else 'hold'}."
    return text.strip() or "No row has a published value and a run."


def table_notes(table: ReproducedTable) -> Iterator[str]:
    """Yield the sentences below the table: result, protocol and meaning."""
    document, scale = table.reproduction.document, table.reproduction.scales[table.stored.scale]
    yield headline(table)
    if table.stored.scale != "smoke":
        for failure in table.failures:
            yield f"Does not hold: {failure}."
    if table.stored.scale != "full":
        yield " ".join([f"Scale: {table.stored.scale}.", *_meaning(table.stored.scale), *scale.changed])
    last = table.stored.seeds - 1
    yield (
        f"Runs: {counted(last + 1, 'seed')} ({f'0 to {last}' if last else '0'}) per row. "
        + ("Each seed has its own split." if document.splits == "each" else "All runs share the test part.")
    )
    yield from _chosen(table)
    yield from document.protocol
    kinds = {one.verdict for one in table.rows}
    if kinds & {CONSISTENT, UNDERPOWERED, "better", "worse", "differs"}:
        yield "consistent: the measured value differs from the published one by at most the band."
        if document.splits == "each":
            yield "The band is 2 s / sqrt(n); s is the standard deviation over seeds and splits."
        else:
            yield "The band is 2 sqrt(2 SE_test^2 + s^2 / n)."
            yield "SE_test is the standard error from the size of the test part, s the standard deviation over seeds."
    if UNDERPOWERED in kinds:
        gain = "the gain that the paper claims, or than the published value if it claims no gain"
        yield f"underpowered: the values cannot tell, because the band is wider than {gain}."
    if ONE_RUN in kinds:
        yield "one run: the spread over seeds is unknown, so there is no verdict."
    if any(one.row.given.reported for one in table.rows):
        yield "Values marked as reported were not checked against the paper."
    if table.orders:
        yield "Intervals of orders are paired by seed and split, and corrected for the number of orders (Bonferroni)."
    if any(one.n == 1 and one.verdict != ONE_RUN and math.isfinite(one.band) for one in table.rows):
        yield "With one run, s is the published standard deviation."
    for one in table.rows:
        if one.row.given.not_run:
            yield f"Not run: {one.row.given.label}. {one.row.given.not_run}"
    left_out = [one.row for one in table.rows if one.verdict == NOT_RUN and one.row.given.not_run is None]
    for row in left_out:
        elsewhere = bool(scale.rows) and row.name not in scale.rows
        reason = f"It is not part of the scale {table.stored.scale}." if elsewhere else "--rows left it out."
        yield f"Not run: {row.given.label}. {reason}"


def _meaning(scale: str) -> Iterator[str]:
    """Yield what the numbers of a scale say, if it is not what a reader expects."""
    if scale == "smoke":
        yield "It only checks that everything runs: the values and verdicts say nothing about the paper."


def table_dict(table: ReproducedTable) -> dict[str, Any]:
    """Return the table as the content of a JSON object."""
    document = table.reproduction.document
    return {
        "format": FORMAT,
        "name": table.stored.name,
        "paper": document.paper,
        "question": document.question,
        "scale": table.stored.scale,
        "seeds": table.stored.seeds,
        "complete_runs": table.complete,
        "planned_runs": table.planned,
        "rows": [_row_dict(one) for one in table.rows],
        "orders": [_order_dict(one) for one in table.orders],
        "failures": table.failures,
        "sentences": list(table_notes(table)),
    }


def table_files(table: ReproducedTable) -> dict[str, bytes]:
    """Return the files of the table: CSV, Markdown, LaTeX, JSON and text."""
    rows = table_rows(table)
    text = "".join(f"{line}\n" for line in (table.reproduction.document.question, *table_notes(table)))
    return {
        TABLE_CSV: as_csv(HEADERS, rows).encode(),
        "published.md": as_markdown(HEADERS, rows).encode(),
        "published.tex": as_latex(HEADERS, rows).encode(),
        TABLE_JSON: json_bytes(table_dict(table)),
        NOTES: text.encode(),
    }


def figure_files(table: ReproducedTable) -> dict[str, bytes]:
    """Return the figure; none if there is nothing to draw."""
    picture = draw_table(table)
    return {} if picture is None else {FIGURE: picture}


def draw_table(table: ReproducedTable, *, svg: bool = False) -> bytes | None:
    """Draw the rows with the metric of the file; None if there is no such row.

    Args:
        table: The measured table.
        svg: True for SVG, False for PNG.
    """
    document = table.reproduction.document
    shown = [one for one in table.rows if one.row.metric == document.metric and (one.n or one.row.given.published)]
    if not shown:
        return None
    points = [
        PublishedPoint(
            one.row.given.label,
            math.nan if one.row.given.published is None else one.row.given.published,
            one.mean,
            one.interval.low,
            one.interval.high,
        )
        for one in shown
    ]
    unit = f"{document.metric}{' in percent' if document.unit == 'percent' else ''}"
    subtitle = f"{document.paper}; scale {table.stored.scale}, {counted(table.stored.seeds, 'seed')} per row"
    if not svg:
        return published_and_measured(points, unit, headline(table), subtitle)
    with plots.as_svg():
        return published_and_measured(points, unit, headline(table), subtitle)


def _chosen(table: ReproducedTable) -> Iterator[str]:
    choices = table.reproduction.document.choices
    for row, its in table.stored.chosen.items():
        label = table.reproduction.rows[row].given.label
        counts = Counter(setting_name(dict(flatten(dict(one.values)))) for one in its).most_common()
        if choices is not None:
            often = "; ".join(text + (f" ({number} of {len(its)})" if len(its) > 1 else "") for text, number in counts)
            yield f"Chosen by {choices.by} for {label}: {often}."


def _row_dict(one: MeasuredRow) -> dict[str, Any]:
    given = one.row.given
    return {
        "row": one.row.name,
        "label": given.label,
        "metric": one.row.metric,
        "unit": one.row.unit,
        "published": given.published,
        "reported": given.reported,
        "measured": _finite(one.mean),
        "low": _finite(one.interval.low),
        "high": _finite(one.interval.high),
        "sd": _finite(one.sd),
        "n": one.n,
        "difference": _finite(one.difference),
        "band": _finite(one.band),
        "gain": one.gain,
        "verdict": one.verdict,
        "not_run": given.not_run,
        "changed": list(given.changed),
    }


def _order_dict(one: MeasuredOrder) -> dict[str, Any]:
    return {
        "first": one.first.name,
        "second": one.second.name,
        "pairs": one.pairs,
        "difference": _finite(one.difference),
        "low": _finite(one.interval.low),
        "high": _finite(one.interval.high),
        "verdict": one.verdict,
        "reason": one.reason,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _published(one: MeasuredRow) -> str:
    given = one.row.given
    if given.published is None:
        return ""
    unit = " %" if one.row.unit == "percent" else ""
    spread = "" if given.sd is None else f" ± {given.sd:g}"
    return f"{given.published:g}{spread}{unit}{' (reported)' if given.reported else ''}"


def _verdict(one: MeasuredRow) -> str:
    limit = one.row.given.at_most
    if not one.n or limit is None:
        return "" if one.verdict == NO_VALUE else one.verdict
    bound = f"{'at most' if one.mean <= limit else 'above'} {limit:g}"
    return bound if one.verdict == NO_VALUE else f"{one.verdict}; {bound}"


def _decimals(one: MeasuredRow) -> int:
    """Return two decimals, or more for numbers below 1."""
    return 2 if one.row.unit == "percent" or not math.isfinite(one.mean) or abs(one.mean) >= 10 else 3


def _number(value: float, one: MeasuredRow, sign: str = "") -> str:
    return _digits(value, sign, _decimals(one))


def _interval(interval: Interval, one: MeasuredRow) -> str:
    return _ends(interval, _decimals(one))


def _digits(value: float, sign: str, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:{sign}.{digits}f}"


def _ends(interval: Interval, digits: int, sign: str = "") -> str:
    low, high = interval
    return "" if math.isnan(low) else f"{_digits(low, sign, digits)} to {_digits(high, sign, digits)}"
