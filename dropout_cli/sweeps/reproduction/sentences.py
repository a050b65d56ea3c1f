"""The result of a reproduction in sentences: verdicts, protocol and meaning."""

import math
from collections import Counter
from collections.abc import Iterator

from dropout_cli.config import flatten
from dropout_cli.core.text import counted
from dropout_cli.sweeps.reproduction.measure import (
    CONSISTENT,
    HOLDS,
    NO_RESULT,
    NO_VALUE,
    NOT_RUN,
    ONE_RUN,
    UNDERPOWERED,
    MeasuredRow,
    ReproducedTable,
    has_test_error,
)
from dropout_cli.sweeps.wording import setting_name


def headline(table: ReproducedTable) -> str:
    """Return the result in one or two sentences."""
    counts = Counter(one.verdict for one in table.rows if one.verdict not in (NOT_RUN, NO_RESULT, NO_VALUE))
    names = {ONE_RUN: "with one run only"}
    parts = [f"{number} {names.get(verdict, verdict)}" for verdict, number in counts.items()]
    text = f"Of {counted(sum(counts.values()), 'published value')} with runs: {', '.join(parts)}. " if parts else ""
    if table.orders:
        held = sum(one.verdict == HOLDS for one in table.orders)
        orders = counted(len(table.orders), "expected order" if table.reproduction.document.ours else "order")
        source = "" if table.reproduction.document.ours else " of the paper"
        text += f"Of {orders}{source}, {held or 'none'} {'hold' if held > 1 else 'holds'}."
    return text.strip() or "No row with runs has a published value."


def table_notes(table: ReproducedTable) -> Iterator[str]:
    """Yield the sentences below the table: result, protocol and meaning."""
    document, scale = table.reproduction.document, table.reproduction.scales[table.stored.scale]
    yield headline(table)
    if table.stored.scale != "smoke":
        for failure in table.failures:
            yield f"Does not hold: {failure}."
    if table.stored.scale != "full" or scale.changed:
        yield " ".join([f"Scale: {table.stored.scale}.", *_meaning(table.stored.scale), *scale.changed])
    if document.setup:
        yield f"Setup: {document.setup}"
    last = table.stored.seeds - 1
    yield (
        f"Runs: {counted(last + 1, 'seed')} ({f'0 to {last}' if last else '0'}) per row. "
        + ("Each seed has its own split." if document.splits == "each" else "All runs share the test part.")
    )
    yield from _chosen(table)
    yield from document.protocol
    kinds = {one.verdict for one in table.rows}
    if kinds & {CONSISTENT, UNDERPOWERED, "better", "worse", "differs"}:
        yield "consistent: the difference is inside the band. better, worse and differs: it is outside the band."
        if document.splits == "each":
            yield "The band is 2 s / sqrt(n); s is the standard deviation over seeds and splits."
        else:
            yield "The band is 2 sqrt(2 SE_test^2 + s^2 / n)."
            yield "SE_test is the standard error from the size of the test part, s the standard deviation over seeds."
            names = dict.fromkeys(one.row.metric for one in table.rows if one.n and not has_test_error(one.row))
            if names:
                yield f"SE_test of {', '.join(names)} is not known, so the band has only s."
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
    for one in table.rows:
        if one.verdict == NO_RESULT:
            yield f"No result: {one.row.given.label}. {_reason_without_result(one)}"
    left_out = [one.row for one in table.rows if one.verdict == NOT_RUN and one.row.given.not_run is None]
    for row in left_out:
        elsewhere = bool(scale.rows) and row.name not in scale.rows
        reason = f"It is not part of the scale {table.stored.scale}." if elsewhere else "--rows left it out."
        yield f"Not run: {row.given.label}. {reason}"


def _reason_without_result(one: MeasuredRow) -> str:
    if not one.complete:
        return f"{'Its run is' if one.planned == 1 else f'None of its {one.planned} runs is'} complete."
    return f"No run has a finite {one.row.metric}."


def _meaning(scale: str) -> Iterator[str]:
    """Yield what the numbers of a scale say, if it is not what a reader expects."""
    if scale == "smoke":
        yield "It only checks that everything runs: the values and verdicts say nothing about the paper."


def _chosen(table: ReproducedTable) -> Iterator[str]:
    choices = table.reproduction.document.choices
    for row, its in table.stored.chosen.items():
        label = table.reproduction.rows[row].given.label
        counts = Counter(setting_name(dict(flatten(dict(one.values)))) for one in its).most_common()
        if choices is not None:
            often = "; ".join(text + (f" ({number} of {len(its)})" if len(its) > 1 else "") for text, number in counts)
            yield f"Chosen by {choices.by} for {label}: {often}."
