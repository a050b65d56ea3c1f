"""The section of a sweep's report about several datasets."""

import math
from collections.abc import Iterator

from dropout_cli.report.page import DetailedCell, HtmlTable, SectionPart
from dropout_cli.statistics.intervals import Interval
from dropout_cli.sweeps.several_datasets import DatasetComparison
from dropout_cli.sweeps.several_datasets_notes import dataset_notes
from dropout_cli.sweeps.wording import format_interval, format_p, format_short


def dataset_parts(found: DatasetComparison) -> Iterator[SectionPart]:
    """Yield the ranks and aggregates of the settings, the tests of pairs, and notes.

    Args:
        found: The comparison over the datasets.
    """
    names = found.names()
    rows = []
    for place, name in enumerate(names):
        one = found.aggregates[place] if found.aggregates else None
        cells = ["", ""] if one is None else [_with_ends(one.iqm, one.iqm_interval)]
        cells += [] if one is None else [_with_ends(one.improvement, one.improvement_interval)]
        rows.append([name, round(found.ranks.average[place], 3), *cells])
    headers = ["setting", "average rank", "interquartile mean", "probability of improvement"]
    yield HtmlTable(f"Settings over {len(found.datasets)} datasets", headers, rows)
    pairs = [[names[one.first], names[one.second], format_p(one.p), format_p(one.p_holm)] for one in found.pairs]
    yield HtmlTable("Wilcoxon's test of pairs over the datasets", ["setting", "and", "p", "p (Holm)"], pairs)
    yield from dataset_notes(found)


def _with_ends(value: float, interval: Interval) -> DetailedCell | str:
    """Return a number with its interval below."""
    return "" if math.isnan(value) else DetailedCell(format_short(value), format_interval(interval), value)
