"""The table of a reproduction as rows, JSON, files and a figure."""

import math
from typing import Any

from dropout_cli import plots
from dropout_cli.core.text import counted
from dropout_cli.plots.published import PublishedPoint, published_and_measured
from dropout_cli.runs import FORMAT, json_bytes
from dropout_cli.statistics import Interval
from dropout_cli.sweeps.export_tables import as_csv, as_latex, as_markdown
from dropout_cli.sweeps.reproduction.measure import (
    NO_VALUE,
    MeasuredOrder,
    MeasuredRow,
    ReproducedTable,
)
from dropout_cli.sweeps.reproduction.sentences import headline, table_notes

FIGURE, TABLE_CSV, TABLE_JSON, NOTES = "published.png", "published.csv", "published.json", "published.txt"
"""Files of a reproduction in addition to those of a sweep."""
HEADERS = ("row", "published", "measured", "95 % interval", "n", "difference", "band", "verdict", "changed")
ORDER_HEADERS = ("better in the paper", "than", "pairs", "difference", "interval of difference", "order")
OWN_ORDER_HEADERS = ("expected to be better", *ORDER_HEADERS[1:])


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


def order_headers(table: ReproducedTable) -> tuple[str, ...]:
    """Return the headers of the table of orders."""
    return OWN_ORDER_HEADERS if table.reproduction.document.ours else ORDER_HEADERS


def order_rows(table: ReproducedTable) -> list[list[str]]:
    """Return the cells of the table of orders, in the order of `order_headers`."""
    return [
        [
            one.first.given.label,
            one.second.given.label,
            str(one.pairs),
            _digits(one.difference, "+", 3),
            _ends(one.interval, 3, "+"),
            one.verdict if not one.reason else f"{one.verdict}: {one.reason}",
        ]
        for one in table.orders
    ]


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
    document = table.reproduction.document
    text = "".join(f"{line}\n" for line in (document.paper, document.question, *table_notes(table)))
    return {
        TABLE_CSV: as_csv(HEADERS, rows).encode(),
        "published.md": markdown_tables(table).encode(),
        "published.tex": latex_tables(table).encode(),
        TABLE_JSON: json_bytes(table_dict(table)),
        NOTES: text.encode(),
    }


def markdown_tables(table: ReproducedTable) -> str:
    """Return the tables of rows and of orders in Markdown."""
    parts = [as_markdown(HEADERS, table_rows(table))]
    if orders := order_rows(table):
        parts.append(as_markdown(order_headers(table), orders))
    return "\n".join(parts)


def latex_tables(table: ReproducedTable) -> str:
    """Return the tables of rows and of orders in LaTeX."""
    caption = table.reproduction.document.paper
    parts = [as_latex(HEADERS, table_rows(table), caption=caption)]
    if orders := order_rows(table):
        parts.append(as_latex(order_headers(table), orders, caption=f"{caption}: orders"))
    return "\n".join(parts)


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


def _row_dict(one: MeasuredRow) -> dict[str, Any]:
    given = one.row.given
    return {
        "row": one.row.name,
        "label": given.label,
        "metric": one.row.metric,
        "unit": one.row.unit,
        "published": given.published,
        "published_sd": given.sd,
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
        "at_most": given.at_most,
        "above_limit": one.is_above_limit,
        "planned_runs": one.planned,
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
    bound = f"{'above' if one.is_above_limit else 'at most'} {limit:g}"
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
