"""Tables that are in reports of runs and of sweeps."""

from collections.abc import Mapping, Sequence
from typing import Any

from dropout_cli.config import flatten
from dropout_cli.metrics import PARTS, metric_labels
from dropout_cli.report.page import HtmlTable
from dropout_cli.runs.summary import evaluated_epoch, positive_class


def scores_table(summary: Mapping[str, Any]) -> HtmlTable:
    """Return the table of the metrics of every part of a run."""
    parts = [name for name in PARTS if isinstance(summary.get(name), dict)]
    rows = [
        [label, *(summary[part].get(number) for part in parts)]
        for number, label in metric_labels().items()
        if any(summary[part].get(number) is not None for part in parts)
    ]
    positive = positive_class(summary["test"])
    binary = "" if positive is None else f". The positive class, for ROC AUC and average precision, is {positive}"
    caption = f"Numbers of each part, of all its examples, with the weights of epoch {evaluated_epoch(summary)}{binary}"
    return HtmlTable(caption, ["number", *parts], rows)


def key_value_table(caption: str, values: Mapping[str, Any]) -> HtmlTable:
    """Return a mapping of mappings as a table of dotted keys and values.

    Args:
        caption: Caption of the table.
        values: The mapping.
    """
    rows = [
        [key, value if isinstance(value, int | float | str) else str(value)] for key, value in flatten(dict(values))
    ]
    return HtmlTable(caption, ["key", "value"], [[key, str(value)] for key, value in rows])


MAX_COLUMNS = 4  # of a table that fits a phone


def narrow_tables(caption: str, headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[HtmlTable]:
    """Return a wide table as several tables of at most 4 columns.

    Each one repeats the columns that name a row.

    Args:
        caption: Caption of the wide table.
        headers: Headers of the wide table.
        rows: Its rows.
    """
    keys = naming_columns(rows)
    step = max(1, MAX_COLUMNS - keys)
    starts = range(keys, max(len(headers), keys + 1), step)
    tables = []
    for start in starts:
        chosen = [*range(keys), *range(start, min(start + step, len(headers)))]
        title = caption if len(starts) == 1 else f"{caption}: {', '.join(headers[place] for place in chosen[keys:])}"
        tables.append(
            HtmlTable(title, [headers[place] for place in chosen], [[row[i] for i in chosen] for row in rows])
        )
    return tables


def naming_columns(rows: Sequence[Sequence[Any]]) -> int:
    """Return how many columns, from the first on, tell all rows apart; 1 if none do."""
    for count in range(1, min((len(row) for row in rows), default=0)):
        if len({repr(list(row[:count])) for row in rows}) == len(rows):
            return count
    return 1
